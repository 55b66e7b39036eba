package kernel

import (
	"context"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

// found is our table as the kernel shows it.
type found struct {
	there  bool
	asleep bool // it is there, and the kernel asks none of its chains
	chains []foundChain
	sets   []foundSet
	counts map[string]Counts
	limit  *expr.Limit
}

type foundChain struct {
	*nftables.Chain
	rules []*nftables.Rule
}

type foundSet struct {
	*nftables.Set
	elements []nftables.SetElement
}

// readTries is how often a table is read that changes while it is read.
const readTries = 3

// read reads the whole table.
func (t *Table) read() (*found, error) {
	var err error
	for range readTries {
		var f *found
		if f, err = t.readOnce(); err == nil {
			return f, nil
		}
	}
	return nil, unavailable(err)
}

func (t *Table) readOnce() (*found, error) {
	c, err := t.connect(0)
	if err != nil {
		return nil, err
	}
	f := &found{counts: map[string]Counts{}}
	if f.there, f.asleep, err = lookFor(c); err != nil || !f.there {
		return f, err
	}
	chains, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, err
	}
	for _, ch := range chains {
		if ch.Table == nil || ch.Table.Name != TableName {
			continue
		}
		rules, err := c.GetRules(ours(), ch)
		if err != nil {
			return nil, err
		}
		f.chains = append(f.chains, foundChain{ch, rules})
	}
	sets, err := c.GetSets(ours())
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		if s.Anonymous {
			continue // of a rule that is not ours, which says enough
		}
		elements, err := c.GetSetElements(s)
		if err != nil {
			return nil, err
		}
		f.sets = append(f.sets, foundSet{s, elements})
	}
	return f, f.readObjects(c)
}

func (f *found) readObjects(c *nftables.Conn) error {
	list, err := c.GetNamedObjects(ours())
	if err != nil {
		return err
	}
	for _, o := range list {
		o, ok := o.(*nftables.NamedObj)
		if !ok {
			continue
		}
		switch data := o.Obj.(type) {
		case *expr.Counter:
			f.counts[o.Name] = Counts{data.Packets, data.Bytes}
		case *expr.Limit:
			if o.Name == dropLimit {
				f.limit = data
			}
		}
	}
	return nil
}

// counts reads what the counters of our table say, none where there is no table.
func (t *Table) counts() (map[string]Counts, error) {
	c, err := t.connect(0)
	if err != nil {
		return nil, unavailable(err)
	}
	f := &found{counts: map[string]Counts{}}
	if there, err := exists(c); err != nil || !there {
		return f.counts, err
	}
	if err := f.readObjects(c); err != nil {
		return nil, failed("reading the counters", err)
	}
	return f.counts, nil
}

// digest is that of the plan that the table was made of, "" where the table does not say.
func (f *found) digest() string {
	for _, ch := range f.chains {
		if ch.Name != inbound {
			continue
		}
		for _, r := range ch.rules {
			if digest, ok := strings.CutPrefix(commentOf(r), digestComment); ok {
				return digest
			}
		}
	}
	return ""
}

// commentOf is a rule's comment. The library's reader trusts lengths that others wrote, so this is one that does not.
func commentOf(r *nftables.Rule) string {
	for data := r.UserData; len(data) >= 2; {
		kind, size := data[0], int(data[1])
		if len(data) < 2+size {
			return ""
		}
		if userdata.Type(kind) == userdata.TypeComment {
			return strings.TrimRight(string(data[2:2+size]), "\x00")
		}
		data = data[2+size:]
	}
	return ""
}

// State reads what the kernel has and compares it with the plan; nil compares with having no table.
func (t *Table) State(_ context.Context, want *Plan) (State, error) {
	f, err := t.read()
	if err != nil {
		return State{}, err
	}
	s := State{There: f.there, Digest: f.digest()}
	for _, set := range f.sets {
		if set.Name != stampMap {
			s.Sets = append(s.Sets, SetState{set.Name, rangesOf(set.elements)})
		}
	}
	for _, name := range dropNames() {
		if c, ok := f.counts[name.counter]; ok {
			s.Drops = append(s.Drops, DropState{Out: name.out, Reason: name.reason, Counts: c})
		}
	}
	if want == nil {
		if f.there {
			s.Drift = []string{"there is a table " + t.String() + " that nothing has asked for (roundtrip firewall off removes it)"}
		}
		return s, nil
	}
	for i := range want.Rules {
		r := &want.Rules[i]
		s.Rules = append(s.Rules, RuleState{ID: r.ID, Name: r.Name, Out: r.Out, Counts: f.counts[r.counter()]})
	}
	s.Drift = want.compare(f)
	return s, nil
}

// Digest is that of the plan that the table in the kernel was made of; "" where there is no table of ours.
func (t *Table) Digest(context.Context) (digest string, there bool, err error) {
	c, err := t.connect(0)
	if err != nil {
		return "", false, unavailable(err)
	}
	if there, err = exists(c); err != nil || !there {
		return "", false, err
	}
	ch := &nftables.Chain{Name: inbound, Table: ours()}
	rules, err := c.GetRules(ours(), ch)
	if err != nil {
		return "", true, failed("reading our table", err)
	}
	f := found{chains: []foundChain{{ch, rules}}}
	return f.digest(), true, nil
}

// dropCount names one counter of drops.
type dropCount struct {
	counter string
	out     bool
	reason  string
}

func dropNames() []dropCount {
	var list []dropCount
	for _, out := range []bool{false, true} {
		for _, reason := range []string{firewall.LogNoRule, firewall.LogInvalid} {
			list = append(list, dropCount{dropName(out, reason), out, reason})
		}
	}
	return list
}

func ruleCounterNames(p *Plan) []string {
	names := make([]string, 0, len(p.Rules))
	for i := range p.Rules {
		names = append(names, p.Rules[i].counter())
	}
	return names
}

// counters are the names of all counters of the plan's table.
func (p *Plan) counters() []string {
	names := ruleCounterNames(p)
	for _, d := range dropNames() {
		if !d.out || !p.FreeOut {
			names = append(names, d.counter)
		}
	}
	return slices.Compact(names)
}
