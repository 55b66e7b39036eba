package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

// planVersion counts how plans become tables: a program that does it otherwise must not take an older one's table for its own.
const planVersion = 1

// Plan is what our table is to say. It is plain data, so that it can be kept in a file and come back from there exactly.
type Plan struct {
	Version  int        `json:"version"`
	Mask     uint32     `json:"mask,omitempty"`      // of marks; 0: connections are not stamped
	DropRate int        `json:"drop_rate,omitempty"` // dropped packets a second that are handed up by NFLOG; 0: none
	FreeOut  bool       `json:"free_out,omitempty"`  // what leaves is not judged
	Rules    []PlanRule `json:"rules"`
}

// PlanRule is one rule of a group of this machine.
type PlanRule struct {
	ID       uint16         `json:"id"`
	Mark     uint16         `json:"mark,omitempty"` // the number that connections are stamped with
	Group    string         `json:"group"`
	Number   int            `json:"number"`
	Name     string         `json:"name"`
	Key      string         `json:"key"` // what it says: its counters go with that, not with its number
	Out      bool           `json:"out,omitempty"`
	Traffic  []Traffic      `json:"traffic,omitempty"`
	Networks []netip.Prefix `json:"networks,omitempty"`
}

// Traffic is one kind of traffic.
type Traffic struct {
	All      bool   `json:"all,omitempty"`
	Protocol uint8  `json:"protocol,omitempty"`
	First    uint16 `json:"first,omitempty"` // destination ports
	Last     uint16 `json:"last,omitempty"`
	Type     int16  `json:"type,omitempty"` // icmp, icmpv6; -1 is any
	Code     int16  `json:"code,omitempty"`
}

// PlanOf makes the plan of a policy. number says which number a rule stamps on connections, which may outlive the policy;
// nil takes that of the rule.
func PlanOf(p *firewall.Policy, number func(*firewall.Rule) uint16) *Plan {
	if number == nil {
		number = func(r *firewall.Rule) uint16 { return r.ID }
	}
	d := p.Declared()
	plan := &Plan{Version: planVersion, Mask: d.Marks.Mask, FreeOut: p.FreeOut()}
	if !d.Drops.Off {
		plan.DropRate = d.Drops.Rate
	}
	for _, r := range p.Rules() {
		rule := PlanRule{ID: r.ID, Group: r.Group, Number: r.Number, Name: r.Name, Key: r.Key(), Out: r.Out, Networks: r.Networks}
		if plan.Mask != 0 {
			rule.Mark = number(r)
		}
		for _, t := range r.Declared.Allow {
			rule.Traffic = append(rule.Traffic, Traffic{
				All: t.All, Protocol: t.Protocol, First: t.First, Last: t.Last, Type: t.Type, Code: t.Code,
			})
		}
		plan.Rules = append(plan.Rules, rule)
	}
	return plan
}

// meaning names what the plan allows, whatever it stamps on connections.
func (p *Plan) meaning() string {
	q := *p
	q.Rules = slices.Clone(p.Rules)
	for i := range q.Rules {
		q.Rules[i].Mark = 0
	}
	return q.Digest()
}

// Digest names what the plan says.
func (p *Plan) Digest() string {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // numbers and networks can't fail
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// counter is the name of the rule's counter in the kernel.
func (r *PlanRule) counter() string {
	if r.Out {
		return "out." + r.Group + "." + strconv.Itoa(r.Number)
	}
	return "in." + r.Group + "." + strconv.Itoa(r.Number)
}

// set is the name of the rule's set of IPv4 or IPv6 addresses.
func (r *PlanRule) set(six bool) string {
	if six {
		return "net6." + r.Group + "." + strconv.Itoa(r.Number)
	}
	return "net4." + r.Group + "." + strconv.Itoa(r.Number)
}

// stamp is the name of the chain that stamps the rule's number on a connection.
func (r *PlanRule) stamp() string { return "stamp." + strconv.Itoa(int(r.Mark)) }

// carried is how the counters of a table made of the former plan begin in one made of p, by name. Rules that say the same
// keep what they have counted, wherever they stand now; where the former plan is not known (nil), names decide.
func (p *Plan) carried(former *Plan, had map[string]Counts) map[string]Counts {
	seeds := map[string]Counts{}
	for name, c := range had {
		if _, ok := dropCounter(name); ok {
			seeds[name] = c
		}
	}
	if former == nil {
		for i := range p.Rules {
			if c, ok := had[p.Rules[i].counter()]; ok {
				seeds[p.Rules[i].counter()] = c
			}
		}
		return seeds
	}
	byKey := map[string][]Counts{} // a group may say the same twice
	for i := range former.Rules {
		r := &former.Rules[i]
		byKey[r.Key] = append(byKey[r.Key], had[r.counter()])
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		if left := byKey[r.Key]; len(left) > 0 {
			seeds[r.counter()] = left[0]
			byKey[r.Key] = left[1:]
		}
	}
	return seeds
}

// dropName is the name of the counter of drops for a reason.
func dropName(out bool, reason string) string {
	if out {
		return "drop.out." + reason
	}
	return "drop.in." + reason
}

// dropCounter reports whether a counter is one of drops. No rule has such a name: those begin with in. and out.
func dropCounter(name string) (reason string, ok bool) { return strings.CutPrefix(name, "drop.") }
