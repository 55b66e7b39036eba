package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Holder is who has a connection to the database now.
type Holder struct {
	Work    string    `json:"work"`    // photos.list; outbox.next for the server's own; "" for what has no name
	Writes  bool      `json:"writes"`  // it is the writer's connection
	Since   time.Time `json:"since"`   // when it got it; of the writer, when it began to wait for it
	Journey trace.ID  `json:"-"`       // of the request; zero for the server's own work
	ID      string    `json:"journey"` // the same as text, "" for none
}

// holding is a reader's part of that. It is guarded by the pool's mu.
type holding struct {
	work    string
	since   time.Time
	journey trace.ID
}

// holdingOf is what a call that wants a reader will hold it for.
func (s *Store) holdingOf(ctx context.Context) holding {
	h := holding{since: s.opts.Now()}
	if j := trace.From(ctx); j != nil {
		h.journey, h.work = j.ID, j.Doing(trace.Access)
		if h.work == "" {
			h.work = j.Doing(trace.App)
		}
	}
	return h
}

// lend notes who has a reader. The caller holds mu.
func (p *pool) lend(r *reader, h holding) {
	r.holds = h
	p.lent = append(p.lent, r)
}

// named says what the server's own work on a reader is called.
func (p *pool) named(r *reader, work string) {
	p.mu.Lock()
	r.holds.work = work
	p.mu.Unlock()
}

// Holders returns who has connections to the database now, who has one longest first.
func (s *Store) Holders() []Holder {
	s.pool.mu.Lock()
	list := s.pool.holders()
	s.pool.mu.Unlock()
	if o := s.writing.Load(); o != nil {
		list = append(list, Holder{Work: o.name, Writes: true, Since: o.since, Journey: o.by})
	}
	for i := range list {
		if list[i].Journey != (trace.ID{}) {
			list[i].ID = list[i].Journey.String()
		}
	}
	slices.SortStableFunc(list, func(a, b Holder) int { return a.Since.Compare(b.Since) })
	return list
}

// holders are those of readers. The caller holds mu.
func (p *pool) holders() []Holder {
	list := make([]Holder, 0, len(p.lent)+1)
	for _, r := range p.lent {
		list = append(list, Holder{Work: r.holds.work, Since: r.holds.since, Journey: r.holds.journey})
	}
	return list
}

// heldBy says in one line who has all the readers, for the journey of a call that got none: of each work how many have it, and
// since when the oldest.
func (p *pool) heldBy(now time.Time) string {
	type sort struct {
		work  string
		n     int
		since time.Time
	}
	var sorts []sort
	p.mu.Lock()
	for _, h := range p.holders() {
		if h.Work == "" {
			h.Work = "the server itself"
		}
		i := slices.IndexFunc(sorts, func(s sort) bool { return s.work == h.Work })
		if i < 0 {
			i = len(sorts)
			sorts = append(sorts, sort{work: h.Work, since: h.Since})
		}
		sorts[i].n++
		if h.Since.Before(sorts[i].since) {
			sorts[i].since = h.Since
		}
	}
	p.mu.Unlock()
	slices.SortFunc(sorts, func(a, b sort) int { return cmp.Or(cmp.Compare(b.n, a.n), a.since.Compare(b.since)) })
	var parts []string
	for _, s := range sorts[:min(len(sorts), 3)] {
		parts = append(parts, fmt.Sprintf("%d × %s for %s", s.n, s.work, now.Sub(s.since).Round(time.Millisecond)))
	}
	return "held by " + strings.Join(parts, ", ")
}
