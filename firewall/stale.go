package firewall

import (
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Refusal says why a flow that nothing allows is refused: firewall.stale_group where a rule takes its traffic from a group or
// list in which nobody is (F5), else firewall.no_rule. It is for those who tell of drops, and too slow for those who decide.
func (p *Policy) Refusal(f Flow) trace.Reason {
	f.Remote = f.Remote.Unmap().WithZone("")
	for _, r := range p.rules {
		if r.Out != f.Out {
			continue
		}
		if takes, _ := r.takes(f); takes && p.stale(r) {
			return trace.ReasonOf("firewall.stale_group")
		}
	}
	return trace.ReasonOf("firewall.no_rule")
}

// stale reports whether a rule names a group or list in which nobody is.
func (p *Policy) stale(r *Rule) bool {
	for _, peer := range r.Declared.Peers {
		if peer.Kind == config.GroupRef && len(Members(p.declared, peer.Name)) == 0 {
			return true
		}
		for _, l := range p.declared.Lists {
			if peer.Kind == config.PrefixRef && l.Name == peer.Name && len(l.Networks) == 0 {
				return true
			}
		}
	}
	return false
}
