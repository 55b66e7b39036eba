package kernel

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// driftMax is how many differences are told; a table that was emptied has as many as it had rules.
const driftMax = 20

// compare says in words how a table differs from the plan, in nothing where it does not.
func (p *Plan) compare(f *found) []string {
	if !f.there {
		return []string{"the table inet " + TableName + " is gone: nothing is enforced"}
	}
	var drift []string
	add := func(format string, args ...any) { drift = append(drift, fmt.Sprintf(format, args...)) }
	if f.asleep {
		add("the table inet %s is dormant: nothing is enforced", TableName)
	}
	want := p.chains()
	for i := range want {
		at := slices.IndexFunc(f.chains, func(c foundChain) bool { return c.Name == want[i].name })
		if at < 0 {
			add("the chain %s is gone", want[i].name)
			continue
		}
		want[i].compare(&f.chains[at], add)
	}
	for _, c := range f.chains {
		if !slices.ContainsFunc(want, func(w chain) bool { return w.name == c.Name }) {
			add("the chain %s is not ours", c.Name)
		}
	}
	p.compareSets(f, add)
	for _, name := range p.counters() {
		if _, ok := f.counts[name]; !ok {
			add("the counter %s is gone", name)
		}
	}
	if (p.DropRate > 0) != (f.limit != nil) || f.limit != nil && f.limit.Rate != uint64(p.DropRate) {
		add("the bound of dropped packets that are handed up is another one")
	}
	if n := len(drift); n > driftMax {
		drift = append(drift[:driftMax], fmt.Sprintf("and %d more", n-driftMax))
	}
	return drift
}

// compare says how a chain differs from what it ought to be.
func (c *chain) compare(f *foundChain, add func(string, ...any)) {
	n := c.nft()
	switch {
	case (n.Hooknum == nil) != (f.Hooknum == nil) || n.Hooknum != nil && *n.Hooknum != *f.Hooknum:
		add("the chain %s is not in its hook", c.name)
	case n.Priority != nil && (f.Priority == nil || *n.Priority != *f.Priority):
		add("the chain %s has another priority", c.name)
	case n.Policy != nil && (f.Policy == nil || *n.Policy != *f.Policy):
		add("the policy of the chain %s is not drop", c.name)
	}
	type rule struct{ comment, text string }
	want, have := make([]rule, 0, len(c.lines)), make([]rule, 0, len(f.rules))
	for _, l := range c.lines {
		want = append(want, rule{commentOf(&nftables.Rule{UserData: comment(l.comment)}), canonical(l.exprs)})
	}
	for _, r := range f.rules {
		have = append(have, rule{commentOf(r), canonical(r.Exprs)})
	}
	if slices.Equal(want, have) {
		return
	}
	left := slices.Clone(have)
	for _, w := range want {
		if at := slices.Index(left, w); at >= 0 {
			left = slices.Delete(left, at, at+1)
		} else {
			add("in the chain %s, what stood for %q is gone or was changed", c.name, w.comment)
		}
	}
	for _, h := range left {
		if h.comment == "" {
			add("in the chain %s stands a rule that is not ours", c.name)
		} else {
			add("in the chain %s stands a rule that is not ours, or not as it was (%q)", c.name, h.comment)
		}
	}
	if len(left) == 0 && len(want) == len(have) {
		add("the rules of the chain %s are in another order", c.name)
	}
}

func (p *Plan) compareSets(f *found, add func(string, ...any)) {
	sets := p.sets()
	index := func(name string) int {
		return slices.IndexFunc(f.sets, func(s foundSet) bool { return s.Name == name })
	}
	for i := range sets {
		at := index(sets[i].name)
		if at < 0 {
			add("the set %s is gone", sets[i].name)
			continue
		}
		if text := sameElements(sets[i].name, sets[i].elements(), f.sets[at].elements); text != "" {
			add("%s", text)
		}
	}
	if p.Mask != 0 {
		p.compareStamps(f, index(stampMap), add)
	}
	for _, s := range f.sets {
		if s.Name != stampMap && !slices.ContainsFunc(sets, func(w addresses) bool { return w.name == s.Name }) {
			add("the set %s is not ours", s.Name)
		}
	}
}

// compareStamps looks at the marks alone: which chain each leads to follows from them, and those chains are compared.
func (p *Plan) compareStamps(f *found, at int, add func(string, ...any)) {
	if at < 0 {
		add("the map %s is gone", stampMap)
		return
	}
	want, have := p.stampElements(), f.sets[at].elements
	sortElements(want)
	sortElements(have)
	if !slices.EqualFunc(want, have, func(a, b nftables.SetElement) bool { return bytes.Equal(a.Key, b.Key) }) {
		add("the map %s has other marks", stampMap)
	}
}
