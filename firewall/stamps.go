package firewall

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Stamps gives rules the numbers that the kernel puts into marks. Marks live as long as connections, and so longer than a
// declaration: the number of a rule stays the same as long as it says the same, and that of a rule which is gone is given to
// another one last of all. It is safe for use by many goroutines. The zero Stamps has none.
type Stamps struct {
	mu    sync.Mutex // guards all below
	mask  uint32
	turn  uint64 // grows with each Enter
	list  []stamp
	byKey map[string]*Rule // the rules in force
}

// stamp is a number that was given out.
type stamp struct {
	Number uint16 `json:"number"`
	Key    string `json:"key"`  // what the rule says: Rule.Key
	Name   string `json:"name"` // what it was called last: web rule 2
	Out    bool   `json:"out,omitempty"`
	Turn   uint64 `json:"turn"` // when it was last in force
}

// Enter gives numbers to the rules of a policy that have none yet. It must be called before the policy comes into force. It
// fails where the mask has no room for all of them, and changes nothing then.
func (s *Stamps) Enter(p *Policy, mask uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	room, rules := MarkRoom(mask), map[string]*Rule{}
	for _, r := range p.Rules() {
		if _, twice := rules[r.Key()]; !twice {
			rules[r.Key()] = r
		}
	}
	if len(rules) > room {
		return fmt.Errorf("the mask %#x has room for %d rules, and this machine has %d: give firewall.marks.mask more bits", mask, room, len(rules))
	}
	if s.mask != mask {
		s.list = nil // what was stamped with other bits is found no more
	}
	s.mask, s.byKey = mask, rules
	s.turn++
	for i := range s.list {
		if r := rules[s.list[i].Key]; r != nil {
			s.list[i].Name, s.list[i].Turn = r.Name, s.turn
		}
	}
	for _, r := range p.Rules() {
		if _, ok := s.find(r.Key()); !ok {
			s.give(r, room)
		}
	}
	return nil
}

func (s *Stamps) find(key string) (int, bool) {
	i := slices.IndexFunc(s.list, func(st stamp) bool { return st.Key == key })
	return i, i >= 0
}

// give gives a rule the next number; where there is none left, that of the rule which has been gone for longest.
func (s *Stamps) give(r *Rule, room int) {
	st := stamp{Key: r.Key(), Name: r.Name, Out: r.Out, Turn: s.turn}
	if len(s.list) < room {
		st.Number = uint16(len(s.list) + 1)
		s.list = append(s.list, st)
		return
	}
	oldest := slices.MinFunc(s.list, func(a, b stamp) int { return cmp.Compare(a.Turn, b.Turn) })
	st.Number = oldest.Number
	s.list[st.Number-1] = st
}

// Mask returns the bits in which the numbers stand, 0 where there are none.
func (s *Stamps) Mask() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mask
}

// Number is the number of a rule in marks; 0 for a rule that has none.
func (s *Stamps) Number(r *Rule) uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.find(r.Key()); ok {
		return s.list[i].Number
	}
	return 0
}

// Stamped is whom a mark names.
type Stamped struct {
	Rule *Rule  // nil: it is not in force any more
	Name string // web rule 2, as it was called last
	Key  string // what it says, or said
}

// Of returns the rule that a mark names. ok is false for a mark without a number of ours.
func (s *Stamps) Of(mark uint32) (st Stamped, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := RuleOfMark(mark, s.mask)
	if !ok || int(n) > len(s.list) {
		return Stamped{}, false
	}
	at := s.list[n-1]
	return Stamped{Rule: s.byKey[at.Key], Name: at.Name, Key: at.Key}, true
}

// stampsFile is how the numbers are kept.
type stampsFile struct {
	Mask  uint32  `json:"mask"`
	Turn  uint64  `json:"turn"`
	Rules []stamp `json:"rules"`
}

// MarshalJSON writes the numbers, so that a server that starts again finds what it stamped before.
func (s *Stamps) MarshalJSON() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(stampsFile{s.mask, s.turn, s.list})
}

// UnmarshalJSON reads them back. Rules are known again only after Enter.
func (s *Stamps) UnmarshalJSON(b []byte) error {
	var f stampsFile
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	for i := range f.Rules {
		if int(f.Rules[i].Number) != i+1 || i >= MarkRoom(f.Mask) {
			return fmt.Errorf("the numbers of the rules are not in order: %d is number %d", i+1, f.Rules[i].Number)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mask, s.turn, s.list, s.byKey = f.Mask, f.Turn, f.Rules, nil
	return nil
}
