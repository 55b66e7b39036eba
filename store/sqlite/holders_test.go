package sqlite_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Who has the connections is known while they have them, and told to who gets none.
func TestHolders_AreKnownAndTold(t *testing.T) {
	t.Parallel()
	s, err := sqlite.New(sqlite.Options{
		Path: filepath.Join(t.TempDir(), "x.db"), PoolMax: 4, PoolWait: 2 * time.Second, Now: time.Now, IDs: roundtrip.NewIDs(1, time.Now),
	})
	ok(t, err)
	ok(t, s.Open(t.Context()))
	t.Cleanup(func() { ok(t, s.Close()) })
	apply(t, s, notes(nil))
	within(t, "nobody holds after the start", func() bool { return len(s.Holders()) == 0 }) // an answer comes before its writer lets go
	var all sync.WaitGroup
	free := make(chan struct{})
	held := make(chan struct{}, 4)
	for n := range byte(4) {
		j := &trace.Journey{ID: trace.ID{n + 1}}
		j.Begin(trace.Access, "notes.list").OK()
		all.Go(func() {
			err := s.View(trace.With(context.WithoutCancel(t.Context()), j), func(store.View) error { held <- struct{}{}; <-free; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range 4 {
		<-held
	}
	seen := map[trace.ID]bool{}
	for _, h := range s.Holders() {
		if seen[h.Journey] = true; h.Work != "notes.list" || h.Since.IsZero() || h.Writes || h.ID != h.Journey.String() {
			t.Errorf("%+v", h)
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d hold", len(seen))
	}
	r := trace.New(trace.Options{Now: time.Now, Recent: 16})
	late := r.Begin(trace.Request)
	err = s.View(trace.With(t.Context(), late), func(store.View) error { return nil })
	if roundtrip.AsError(err).Reason != "store.pool_exhausted" {
		t.Fatal(err)
	}
	r.End(late)
	got, found := r.Find(late.ID.String())
	if !found || got.Reason.Code() != "store.pool_exhausted" || !strings.HasPrefix(got.Hops[0].Note, "held by 4 × notes.list for ") {
		t.Errorf("%+v", got)
	}
	release := s.Hold(t.Context())
	if got := s.Holders(); len(got) != 5 || !got[4].Writes && !got[0].Writes {
		t.Errorf("the writer is not among %+v", got)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	close(free)
	all.Wait()
	within(t, "nobody holds", func() bool { return len(s.Holders()) == 0 })
}
