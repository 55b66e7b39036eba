package kernel

import (
	"cmp"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// Door is a port of this machine on which a program waits, and who can reach it in fact.
type Door struct {
	Protocol string   `json:"protocol"`
	Port     uint16   `json:"port"`
	Address  string   `json:"address"` // 0.0.0.0 and :: are every address
	Program  string   `json:"program,omitempty"`
	From     []string `json:"from"`  // anywhere, a network, group:NAME, list:NAME; empty: nobody
	Rules    []string `json:"rules"` // that let them
}

// Doors joins what listens with what the groups allow; nil is no groups, where everybody reaches everything. judged says for
// which sockets the groups hold; nil: for all. What listens on loopback alone is left out, for others can't reach it
// whatever the groups say.
func Doors(p *firewall.Policy, sockets []Socket, judged func(Socket) bool) []Door {
	var list []Door
	for _, s := range sockets {
		if !s.Listening || s.Local.Addr().IsLoopback() {
			continue
		}
		d := Door{Protocol: firewall.ProtocolName(s.Protocol), Port: s.Local.Port(), Address: s.Local.Addr().String(), Program: s.Program, From: []string{}, Rules: []string{}}
		if p == nil || judged != nil && !judged(s) {
			d.From = []string{"anywhere"}
		} else {
			d.let(p, s)
		}
		list = append(list, d)
	}
	slices.SortStableFunc(list, func(a, b Door) int {
		return cmp.Or(strings.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), strings.Compare(a.Address, b.Address))
	})
	return slices.CompactFunc(list, func(a, b Door) bool { // several sockets share a port
		return a.Protocol == b.Protocol && a.Port == b.Port && a.Address == b.Address
	})
}

// let adds the rules that let somebody reach the socket.
func (d *Door) let(p *firewall.Policy, s Socket) {
	for _, r := range p.Rules() {
		if r.Out || !slices.ContainsFunc(r.Declared.Allow, func(t config.Traffic) bool {
			return t.All || t.Protocol == s.Protocol && t.First <= s.Local.Port() && s.Local.Port() <= t.Last
		}) {
			continue
		}
		used := false
		for _, peer := range r.Declared.Peers {
			if peer.Kind == config.Loopback {
				continue
			}
			used = true
			if text := firewall.PeerText(peer); !slices.Contains(d.From, text) {
				d.From = append(d.From, text)
			}
		}
		if used {
			d.Rules = append(d.Rules, r.Name)
		}
	}
}
