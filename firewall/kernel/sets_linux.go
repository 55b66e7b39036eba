package kernel

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

// chunk is how many elements of a set go into one message. A message can't hold more than 64 KiB of them, and the library
// cuts off what is over without a word.
const chunk = 1000

// stampMapID names the map of stamps while a transaction is made.
const stampMapID = 1

// setID names the rule's set while a transaction is made.
func (r *PlanRule) setID(six bool) uint32 {
	id := 2 * (uint32(r.ID) + 1)
	if six {
		id++
	}
	return id
}

// addresses is one set of addresses.
type addresses struct {
	name  string
	id    uint32
	six   bool
	spans []span
}

// sets are the sets that the plan's rules look into.
func (p *Plan) sets() []addresses {
	var list []addresses
	for i := range p.Rules {
		r := &p.Rules[i]
		if len(r.Traffic) == 0 {
			continue
		}
		for _, six := range []bool{false, true} {
			s, _ := spans(r.Networks, six)
			if len(s) == 0 {
				continue
			}
			if _, one := s[0].network(); one && len(s) == 1 {
				continue // compared directly
			}
			list = append(list, addresses{r.set(six), r.setID(six), six, s})
		}
	}
	return list
}

// set is the set as nftables has it.
func (a *addresses) set(t *nftables.Table) *nftables.Set {
	s := &nftables.Set{Table: t, ID: a.id, Name: a.name, Interval: true, KeyType: nftables.TypeIPAddr}
	if a.six {
		s.KeyType = nftables.TypeIP6Addr
	}
	return s
}

// elements are the ends of the intervals: the first address of each, and the first behind it. An interval up to the last
// address that there is has no end.
func (a *addresses) elements() []nftables.SetElement {
	list := make([]nftables.SetElement, 0, 2*len(a.spans))
	for _, s := range a.spans {
		list = append(list, nftables.SetElement{Key: s.first.AsSlice()})
		if next := s.last.Next(); next.IsValid() {
			list = append(list, nftables.SetElement{Key: next.AsSlice(), IntervalEnd: true})
		}
	}
	return list
}

// sortElements puts elements in the order of [addresses.elements]: the kernel has its own.
func sortElements(list []nftables.SetElement) {
	slices.SortFunc(list, func(a, b nftables.SetElement) int {
		if c := bytes.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		if a.IntervalEnd == b.IntervalEnd {
			return 0
		}
		if a.IntervalEnd {
			return -1
		}
		return 1
	})
}

// sameElements says how elements that were read back differ from those that were asked for, "" where they do not.
func sameElements(name string, want, have []nftables.SetElement) string {
	sortElements(have)
	if slices.EqualFunc(want, have, func(a, b nftables.SetElement) bool {
		return a.IntervalEnd == b.IntervalEnd && bytes.Equal(a.Key, b.Key)
	}) {
		return ""
	}
	return fmt.Sprintf("set %s has other addresses than the declaration: %d ranges, not %d", name, rangesOf(have), rangesOf(want))
}

func rangesOf(list []nftables.SetElement) int {
	n := 0
	for _, e := range list {
		if !e.IntervalEnd {
			n++
		}
	}
	return n
}

// stampElements are the elements of the map of stamps: the mark of a rule, and the chain that stamps it.
func (p *Plan) stampElements() []nftables.SetElement {
	var list []nftables.SetElement
	for _, r := range p.stamping() {
		list = append(list, nftables.SetElement{
			Key: native(firewall.Mark(r.Mark, p.Mask)), VerdictData: &expr.Verdict{Kind: expr.VerdictGoto, Chain: r.stamp()},
		})
	}
	return list
}

// inChunks calls add with at most [chunk] elements at a time.
func inChunks(list []nftables.SetElement, add func([]nftables.SetElement) error) error {
	for part := range slices.Chunk(list, chunk) {
		if err := add(part); err != nil {
			return err
		}
	}
	return nil
}
