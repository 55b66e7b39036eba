package policy

import "github.com/roundtrip-dev/roundtrip"

// operate permits what an operator of the console asks for, whatever the rules say, if their role may see records at all.
// What rules don't say is said to operators too: queries are checked and have the limits of everybody's, and what they write
// goes through schema and store as any write does.
func (e *Engine) operate(call *roundtrip.Call, who *roundtrip.Principal) (*Permit, error) {
	a, ok := e.collections[call.Collection]
	if !ok || a.rule(call.Action) == nil {
		return nil, &roundtrip.Error{Kind: roundtrip.Internal, Reason: "app.internal", Op: "policy.operate"}
	}
	if !who.Operator.Data {
		return nil, roundtrip.E(roundtrip.Denied, "access.operator", "Your role sees no records: ask an owner for the role operator.")
	}
	return e.whole(a, call, who, "operator "+who.Operator.Name)
}

// whole permits a call on all records of its collection. name is what stands in the journey instead of a rule's.
func (e *Engine) whole(a *access, call *roundtrip.Call, who *roundtrip.Principal, name string) (*Permit, error) {
	p := &Permit{action: call.Action, collection: call.Collection, call: call, principal: who, name: name}
	if call.Action == roundtrip.Update || call.Action == roundtrip.Delete {
		p.see = &Permit{action: roundtrip.Get, collection: call.Collection, call: call, principal: who, name: name}
	}
	if !p.action.Writes() {
		return p, e.check(p, a)
	}
	return p, nil
}

// Operator returns the operator whose call is permitted, nil for the calls of others.
func (p *Permit) Operator() *roundtrip.Operator { return p.principal.Operator }
