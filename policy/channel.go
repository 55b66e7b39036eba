package policy

import (
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// channel is a declared channel with its rules compiled.
type channel struct {
	declared   *roundtrip.Broadcast
	join, send rule
}

// compileChannels compiles the rules of all channels.
func (e *Engine) compileChannels(schema *roundtrip.Schema, errs *RuleErrors) {
	for _, d := range schema.Channels {
		c := &channel{declared: d, join: rule{name: d.Name + ".join"}, send: rule{name: d.Name + ".send"}}
		if d.Of != nil && d.Join.Source == "" {
			c.join = e.collections[d.Of].read
		} else {
			e.compileChannel(d, d.Join, "join", &c.join, errs)
		}
		e.compileChannel(d, d.Send, "send", &c.send, errs)
		e.channels[d.Name] = c
	}
}

func (e *Engine) compileChannel(d *roundtrip.Broadcast, declared roundtrip.Rule, action string, r *rule, errs *RuleErrors) {
	if declared.Source == "" {
		return
	}
	of := d.Of
	if of == nil {
		of = roundtrip.NewCollection(d.Name, d.Pos)
	}
	var wrong []mistake
	tree, first := parse(declared.Source, false)
	if first != nil {
		wrong = []mistake{*first}
	} else if r.prog, wrong = compile(e.book, of, roundtrip.Delete, tree); r.prog != nil && d.Of == nil && !r.prog.root.free {
		wrong = append(wrong, mistake{pos: r.prog.root.pos, message: "a channel without of: has no record; its rules can speak of auth, now and request alone"})
		r.prog = nil
	}
	for _, m := range wrong {
		pos, column := position(declared, m.pos)
		errs.List = append(errs.List, RuleError{Collection: d.Name, Action: action, Pos: pos, Column: column, Message: m.message, Nearest: m.near})
	}
	if r.prog == nil {
		return
	}
	value, constant := r.prog.root.constant()
	r.always = constant && value
	r.prog.check = compileCondition(r.prog.root)
}

// Broadcast returns a declared channel by name, or nil.
func (e *Engine) Broadcast(name string) *roundtrip.Broadcast {
	if c := e.channels[name]; c != nil {
		return c.declared
	}
	return nil
}

// Channel decides whether somebody may join a channel, or send on it. The permit is for a get of the record whose channel it
// is, which must find it; it is nil where the channel has no record. Errors: Missing request.unknown_path, Denied
// access.no_rule or access.rule_denied, Unauthenticated auth.missing.
func (e *Engine) Channel(name string, id roundtrip.ID, send bool, who *roundtrip.Principal, now time.Time, addr netip.Addr) (*roundtrip.Broadcast, *Permit, error) {
	c := e.channels[name]
	if c == nil {
		return nil, nil, roundtrip.E(roundtrip.Missing, "request.unknown_path", "there is no channel %q", name)
	}
	r, verb := &c.join, "join"
	if send {
		r, verb = &c.send, "send on"
	}
	if r.prog == nil {
		return nil, nil, roundtrip.E(roundtrip.Denied, "access.no_rule", "no rule allows anybody to %s the channel %s", verb, name)
	}
	call := &roundtrip.Call{Action: roundtrip.Get, Collection: c.declared.Of, ID: id, Time: now, Addr: addr}
	d := &decision{Permit: Permit{action: roundtrip.Get, collection: c.declared.Of, call: call, principal: who, name: r.name}}
	d.bindRule(r)
	if d.never || d.rule != nil && c.declared.Of == nil {
		if who.Stranger() && r.prog.root.auth {
			return nil, nil, roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "sign in to %s the channel %s", verb, name)
		}
		return nil, nil, roundtrip.E(roundtrip.Denied, "access.rule_denied", "you may not %s the channel %s: the rule %s says no", verb, name, r.name)
	}
	if c.declared.Of == nil {
		return c.declared, nil, nil
	}
	return c.declared, &d.Permit, nil
}
