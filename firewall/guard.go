package firewall

import (
	"sync"
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Guard enforces a policy in this process, for listeners of ours. While the kernel enforces it, the guard lets everything
// pass and only names the rule. The zero Guard has no policy and lets everything pass; so does nil. It is safe for use by
// many goroutines.
type Guard struct {
	state atomic.Pointer[guarding]
	swap  sync.Mutex // one Swap at a time, which carries the counters over
}

// guarding is a policy in force.
type guarding struct {
	policy    *Policy
	enforcing bool
	hits      []*atomic.Uint64 // by number of the rule, from 1; those of refused flows at 0
}

// Swap puts a policy in force, nil for none. A rule that says the same as one of the policy before keeps its counter.
func (g *Guard) Swap(p *Policy, enforcing bool) {
	g.swap.Lock()
	defer g.swap.Unlock()
	if p == nil {
		g.state.Store(nil)
		return
	}
	next := &guarding{policy: p, enforcing: enforcing, hits: make([]*atomic.Uint64, len(p.all)+1)}
	before := map[string]*atomic.Uint64{}
	next.hits[0] = &atomic.Uint64{}
	if old := g.state.Load(); old != nil {
		next.hits[0] = old.hits[0]
		for _, r := range old.policy.all {
			before[r.Key()] = old.hits[r.ID]
		}
	}
	for _, r := range p.all {
		if next.hits[r.ID] = before[r.Key()]; next.hits[r.ID] == nil {
			next.hits[r.ID] = &atomic.Uint64{}
		}
		delete(before, r.Key()) // a second rule that says the same counts for itself
	}
	g.state.Store(next)
}

// Policy returns the policy in force, nil for none, and whether the guard enforces it.
func (g *Guard) Policy() (p *Policy, enforcing bool) {
	if g == nil {
		return nil, false
	}
	s := g.state.Load()
	if s == nil {
		return nil, false
	}
	return s.policy, s.enforcing
}

// Admit decides whether a flow may pass, and counts it. It allocates nothing.
func (g *Guard) Admit(f Flow) Verdict {
	if g == nil {
		return Verdict{Allowed: true, Implied: ByAbsence}
	}
	s := g.state.Load()
	if s == nil {
		return Verdict{Allowed: true, Implied: ByAbsence}
	}
	v := s.look(f)
	switch {
	case !s.enforcing:
	case v.Rule != nil:
		s.hits[v.Rule.ID].Add(1)
	case !v.Allowed:
		s.hits[0].Add(1)
	}
	return v
}

// Look says what Admit would, and counts nothing.
func (g *Guard) Look(f Flow) Verdict {
	if g == nil {
		return Verdict{Allowed: true, Implied: ByAbsence}
	}
	s := g.state.Load()
	if s == nil {
		return Verdict{Allowed: true, Implied: ByAbsence}
	}
	return s.look(f)
}

func (s *guarding) look(f Flow) Verdict {
	v := s.policy.Judge(f)
	if s.enforcing {
		return v
	}
	v.Evidence = trace.Predicted
	if !v.Allowed { // it is here, so the kernel let it pass, by a rule that a reload has taken away since, or before it stood
		return Verdict{Allowed: true, Implied: ByEnforcement, Evidence: trace.Likely}
	}
	return v
}

// Count is how often a rule let something pass in this process.
type Count struct {
	Rule  *Rule // nil: nothing allowed it
	Flows uint64
}

// Counts returns the counters of the rules of this machine, and last that of what was refused. Where the kernel enforces,
// they stand still, for the kernel counts.
func (g *Guard) Counts() []Count {
	s := g.state.Load()
	if s == nil {
		return nil
	}
	all := make([]Count, 0, len(s.policy.rules)+1)
	for _, r := range s.policy.rules {
		all = append(all, Count{r, s.hits[r.ID].Load()})
	}
	return append(all, Count{nil, s.hits[0].Load()})
}
