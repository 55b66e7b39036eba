package sqlite_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 19, 3, 31, 114000, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(tb testing.TB, path string, c *clock) *sqlite.Store {
	tb.Helper()
	return openWith(tb, path, c, roundtrip.NewIDs(1, c.Now), time.Minute)
}

func openWith(tb testing.TB, path string, c *clock, ids *roundtrip.IDs, wait time.Duration) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.New(sqlite.Options{
		Path: path, PoolMax: 4, PoolWait: wait, Now: c.Now, IDs: ids,
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func apply(tb testing.TB, s *sqlite.Store, schema *roundtrip.Schema) {
	tb.Helper()
	p, err := s.Plan(tb.Context(), schema)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Apply(tb.Context(), schema, p); err != nil {
		tb.Fatal(err)
	}
}

func TestSQLite_DoesWhatAStoreDoes(t *testing.T) {
	t.Parallel()
	storetest.Exercise(t, func(t *testing.T, schema *roundtrip.Schema) storetest.Env {
		t.Helper()
		c := newClock()
		own := roundtrip.NewIDs(1, c.Now)
		s := openWith(t, filepath.Join(t.TempDir(), "test.db"), c, own, 5*time.Second)
		apply(t, s, schema)
		return storetest.Env{Engine: s, IDs: roundtrip.NewIDs(2, c.Now), Own: own, Now: c.Now, Advance: c.Advance, PoolMax: 4}
	})
}
