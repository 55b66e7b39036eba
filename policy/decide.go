package policy

import (
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
)

// maxOps is how many writes a batch may have.
const maxOps = 100

// decision is a permit with room for its bound rule, so that both are one allocation.
type decision struct {
	Permit
	bound bound
}

// Decide turns a call and its caller into a permit, or refuses. who may be nil for a stranger. Errors are
// *roundtrip.Error: Denied access.no_rule, access.rule_denied or access.operator, Unauthenticated auth.missing where signing in may help,
// Missing access.hidden for a get that no record can answer, Invalid request.filter, request.page_token or
// request.invalid for a query that is wrong. A list or aggregate that may see nothing is permitted and Never. An error
// in a batch has the pointer /ops/N in its details.
func (e *Engine) Decide(call *roundtrip.Call, who *roundtrip.Principal) (*Permit, error) {
	if who == nil {
		who = &roundtrip.Principal{}
	}
	if call.Action == roundtrip.Batch {
		return e.batch(call, who, e.Decide)
	}
	if who.Operator != nil {
		return e.operate(call, who)
	}
	a, ok := e.collections[call.Collection]
	if !ok || a.rule(call.Action) == nil {
		return nil, &roundtrip.Error{Kind: roundtrip.Internal, Reason: "app.internal", Op: "policy.decide"}
	}
	d, err := e.apply(a, call, who)
	if err != nil {
		return nil, err
	}
	p := &d.Permit
	if p.action.Writes() {
		return p, e.decideWrite(a, p)
	}
	if p.never && p.action == roundtrip.Get {
		return nil, roundtrip.E(roundtrip.Missing, "access.hidden", "There is no record %q in %s.", call.ID, call.Collection.Name)
	}
	if err := e.check(p, a); err != nil {
		return nil, err
	}
	return p, nil
}

// apply binds the rule of an action.
func (e *Engine) apply(a *access, call *roundtrip.Call, who *roundtrip.Principal) (*decision, error) {
	r := a.rule(call.Action)
	if r.prog == nil {
		return nil, roundtrip.E(roundtrip.Denied, "access.no_rule", "No rule allows anybody to %s %s.", call.Action.String(), call.Collection.Name)
	}
	d := &decision{Permit: Permit{
		action: call.Action, collection: call.Collection, call: call, principal: who, name: r.name,
	}}
	d.bindRule(r)
	return d, nil
}

func (d *decision) bindRule(r *rule) {
	switch {
	case r.prog == nil:
		d.never = true
	case !r.always:
		d.bound.bind(r.prog, d.call, d.principal)
		switch d.bound.fold(r.prog.root) {
		case no:
			d.never = true
		case unknown:
			d.rule = &d.bound
		case yes:
		}
	}
}

// decideWrite refuses what no record can allow, and adds the read permit that tells missing from forbidden.
func (e *Engine) decideWrite(a *access, p *Permit) error {
	r := a.rule(p.action)
	if err := checkAdds(r, p); err != nil {
		return err
	}
	if p.never {
		return refuse(r, p)
	}
	if p.action == roundtrip.Create {
		return nil
	}
	see := &decision{Permit: Permit{
		action: roundtrip.Get, collection: p.collection, call: p.call, principal: p.principal, name: a.read.name,
	}}
	see.bindRule(&a.read)
	p.see = &see.Permit
	return nil
}

func refuse(r *rule, p *Permit) error {
	if p.principal.Stranger() && r.prog.root.auth {
		return roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "Sign in to %s %s.", p.action.String(), p.collection.Name)
	}
	return roundtrip.E(roundtrip.Denied, "access.rule_denied", "You may not %s %s: the rule %s says no.", p.action.String(), p.collection.Name, p.name)
}

// checkAdds refuses {"$add": …} on a field whose new value the rule wants to see, because that is known only later.
func checkAdds(r *rule, p *Permit) error {
	for _, add := range p.call.Adds {
		for _, field := range r.prog.inputs {
			if field != add.Field {
				continue
			}
			name := p.collection.Fields[field].Name
			return roundtrip.E(roundtrip.Invalid, "request.invalid", "The rule %s looks at the new value of %s: send the value itself instead of $add.", p.name, name).
				With(roundtrip.Detail{Pointer: "/" + name, Code: "add_not_allowed", Message: "send the new value itself"})
		}
	}
	return nil
}

// batch decides on each write of a batch. A write without time or address has those of the batch.
func (e *Engine) batch(call *roundtrip.Call, who *roundtrip.Principal, decide func(*roundtrip.Call, *roundtrip.Principal) (*Permit, error)) (*Permit, error) {
	if len(call.Ops) > maxOps {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "A batch may have %d writes.", maxOps).
			With(roundtrip.Detail{Pointer: "/ops", Code: "too_many", Message: "send several batches"})
	}
	p := &Permit{action: roundtrip.Batch, call: call, principal: who, name: "batch", ops: make([]*Permit, len(call.Ops))}
	for i := range call.Ops {
		op := &call.Ops[i]
		if op.Time.IsZero() {
			op.Time = call.Time
		}
		if !op.Addr.IsValid() {
			op.Addr = call.Addr
		}
		var err error
		switch op.Action {
		case roundtrip.Create, roundtrip.Update, roundtrip.Delete:
			p.ops[i], err = decide(op, who)
		case roundtrip.Get, roundtrip.List, roundtrip.Aggregate, roundtrip.Batch:
			err = roundtrip.E(roundtrip.Invalid, "request.invalid", "A batch can only create, update and delete.")
		}
		if err != nil {
			return nil, inBatch(err, i)
		}
	}
	return p, nil
}

// inBatch makes an error point at the write that it is about.
func inBatch(err error, i int) error {
	e := *roundtrip.AsError(err)
	prefix := "/ops/" + strconv.Itoa(i)
	if len(e.Details) == 0 {
		message := e.Public
		if message == "" {
			message = e.Kind.Title()
		}
		e.Details = []roundtrip.Detail{{Pointer: prefix, Code: e.Kind.Code(), Message: message}}
		return &e
	}
	details := make([]roundtrip.Detail, len(e.Details))
	for j, d := range e.Details {
		d.Pointer = prefix + d.Pointer
		details[j] = d
	}
	e.Details = details
	return &e
}

// Job permits a call of our own, whatever the rules say. The reason says in plain words why, and stands in the
// principal of the permit, from where it is written to the journey; an empty one is refused.
func (e *Engine) Job(call *roundtrip.Call, reason string) (*Permit, error) {
	if reason == "" {
		return nil, &roundtrip.Error{Kind: roundtrip.Internal, Reason: "app.internal", Op: "policy.job: a job needs a reason"}
	}
	who := &roundtrip.Principal{Job: reason}
	if call.Action == roundtrip.Batch {
		return e.batch(call, who, func(op *roundtrip.Call, _ *roundtrip.Principal) (*Permit, error) { return e.Job(op, reason) })
	}
	a, ok := e.collections[call.Collection]
	if !ok {
		return nil, &roundtrip.Error{Kind: roundtrip.Internal, Reason: "app.internal", Op: "policy.job: unknown collection"}
	}
	return e.whole(a, call, who, "job")
}

// Job returns the written reason of a job of our own, "" for the calls of others.
func (p *Permit) Job() string { return p.principal.Job }
