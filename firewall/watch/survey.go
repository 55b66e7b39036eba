package watch

import (
	"net/netip"
	"slices"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/flows"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// formersMax is how many policies are remembered that are not in force any more.
const formersMax = 8

// Live is one flow of this machine, and what the rules have to do with it.
type Live struct {
	flows.Flow

	Asked    firewall.Flow  // what a rule is asked about it
	Local    netip.AddrPort // our end
	Rule     string         // that let it in: web rule 2; "" where none is known to have
	Says     string         // what that rule says, or said
	Removed  bool           // that rule is not in force any more
	Evidence trace.Evidence // Reported: the kernel stamped the rule on it. Predicted: the rules say so
	Allowed  bool           // it could be opened now
	Because  string         // the rule by which it could, or why it passes without one
}

// Ledger knows which rules there are and which there were, so that each live flow can be told by which it came in. It is not
// safe for use by several goroutines.
type Ledger struct {
	Stamps  *firewall.Stamps
	current *firewall.Policy
	formers []*firewall.Policy // the newest first
}

// Enter says which policy is in force from now on, nil for none.
func (l *Ledger) Enter(p *firewall.Policy) {
	if l.current != nil && l.current != p {
		l.formers = slices.Insert(l.formers, 0, l.current)
		l.formers = l.formers[:min(len(l.formers), formersMax)]
	}
	l.current = p
}

// Look says of a flow by which rule it came in, and whether it could now. own are the addresses of this machine. ok is false for
// flows that have ended, those over loopback, and those that only pass through this machine: they are none of the groups' business.
func (l *Ledger) Look(f *flows.Flow, own []netip.Addr) (v Live, ok bool) {
	if f.Over || f.From.Addr().IsLoopback() {
		return v, false
	}
	in, out := slices.Contains(own, f.To.Addr()), slices.Contains(own, f.From.Addr())
	if in == out {
		return v, false
	}
	v = Live{Flow: *f, Asked: firewall.Flow{Out: out, Protocol: f.Protocol, Remote: f.From.Addr(), Port: f.To.Port(), Type: f.Type, Code: f.Code}, Local: f.To}
	if out {
		v.Asked.Remote, v.Local = f.To.Addr(), f.From
	}
	l.judge(&v)
	return v, true
}

// judge finds the rule of one flow: by its mark, else by what the rules in force say of it, else by what former ones did.
func (l *Ledger) judge(v *Live) {
	v.Allowed = true
	var now firewall.Verdict
	if l.current != nil {
		now = l.current.Judge(v.Asked)
		v.Allowed, v.Because = now.Allowed, now.Implied.String()
		if now.Rule != nil {
			v.Because = now.Rule.Name
		}
	}
	if l.Stamps != nil {
		if st, ok := l.Stamps.Of(v.Mark); ok {
			v.Rule, v.Says, v.Removed, v.Evidence = st.Name, st.Key, st.Rule == nil, trace.Reported
			return
		}
	}
	v.Evidence = trace.Predicted
	if now.Rule != nil {
		v.Rule, v.Says = now.Rule.Name, now.Rule.Key()
		return
	}
	if now.Allowed || l.current == nil {
		return
	}
	for _, former := range l.formers {
		if was := former.Judge(v.Asked); was.Rule != nil {
			v.Rule, v.Says = was.Rule.Name, was.Rule.Key()
			v.Removed = !slices.ContainsFunc(l.current.Rules(), func(r *firewall.Rule) bool { return r.Key() == v.Says })
			return
		}
	}
}
