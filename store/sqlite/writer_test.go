package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// bounded is open with other bounds.
func bounded(tb testing.TB, path string, wait, statement time.Duration) *sqlite.Store {
	tb.Helper()
	c := newClock()
	s, err := sqlite.New(sqlite.Options{Path: path, PoolWait: wait, StatementDeadline: statement, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now)})
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

// group hands writes to the writer one after the other, so that it does them in this order and in one group, and returns
// what became of each.
func group(t *testing.T, s *sqlite.Store, writes ...func() error) []error {
	t.Helper()
	release := s.Hold(t.Context())
	errs := make([]error, len(writes))
	var all sync.WaitGroup
	for i, write := range writes {
		all.Go(func() { errs[i] = write() })
		within(t, "the write is queued", func() bool { return s.Queued() == i+1 })
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	return errs
}

// together is group where it matters that it is one commit.
func together(t *testing.T, s *sqlite.Store, writes ...func() error) []error {
	t.Helper()
	s.Unhurried()
	return group(t, s, writes...)
}

// within waits until something holds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

// permit decides on a call that nobody in particular makes.
func permit(t *testing.T, schema *roundtrip.Schema, call roundtrip.Call) *policy.Permit {
	t.Helper()
	rules, err := policy.New(schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	p, err := rules.Decide(&call, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func record(schema *roundtrip.Schema, collection string, f map[string]roundtrip.Value) *roundtrip.Record {
	r := roundtrip.NewRecord(schema.Lookup(collection))
	for name, v := range f {
		r.PutName(name, v)
	}
	return r
}

// making, updating and deleting are writes for group.
func making(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, collection string, f map[string]roundtrip.Value) func() error {
	t.Helper()
	r := record(schema, collection, f)
	p := permit(t, schema, roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r})
	return func() error { _, err := s.Write(t.Context(), p); return err }
}

func updating(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, collection string, id roundtrip.ID, f map[string]roundtrip.Value) func() error {
	t.Helper()
	r := record(schema, collection, f)
	p := permit(t, schema, roundtrip.Call{Action: roundtrip.Update, Collection: r.Collection, ID: id, Input: r})
	return func() error { _, err := s.Write(t.Context(), p); return err }
}

func deleting(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, collection string, id roundtrip.ID) func() error {
	t.Helper()
	p := permit(t, schema, roundtrip.Call{Action: roundtrip.Delete, Collection: schema.Lookup(collection), ID: id})
	return func() error { _, err := s.Write(t.Context(), p); return err }
}

func stars(n int64) map[string]roundtrip.Value {
	return map[string]roundtrip.Value{"stars": roundtrip.Int(n)}
}

func titled(title string) map[string]roundtrip.Value {
	return map[string]roundtrip.Value{"title": roundtrip.Text(title)}
}

func on(note roundtrip.ID) map[string]roundtrip.Value {
	return map[string]roundtrip.Value{"note": roundtrip.Ref(note)}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return roundtrip.AsError(err).Reason
}

func TestWriter_OneThatBreaksTheTransactionHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	s := bounded(t, filepath.Join(t.TempDir(), "x.db"), time.Minute, 100*time.Millisecond)
	schema := notes(nil)
	apply(t, s, schema)
	a := create(t, s, schema, "notes", titled("a"))
	b := create(t, s, schema, "notes", titled("b"))
	errs := group(t, s,
		updating(t, s, schema, "notes", a.ID(), stars(1)),
		func() error { return s.Exec(t.Context(), sqlite.Endless) },
		func() error { return s.Panic(t.Context()) },
		func() error { return s.SlowInCompany(t.Context()) },
		updating(t, s, schema, "notes", b.ID(), stars(2)),
	)
	for i, want := range []string{"", "store.deadline", "store.failed", "", ""} {
		if reason(errs[i]) != want {
			t.Errorf("write %d: %v, want %q", i, errs[i], want)
		}
	}
	for id, want := range map[roundtrip.ID]int64{a.ID(): 1, b.ID(): 2} {
		if got := load(t, s, a.Collection, schema, id); got.Get("stars").Int() != want || got.ETag() != 2 {
			t.Errorf("stars %d, etag %d, want %d and 2: once and no more", got.Get("stars").Int(), got.ETag(), want)
		}
	}
	if n, err := s.Number(t.Context(), "SELECT count(*) FROM _changes"); err != nil || n != 4 {
		t.Errorf("%d change rows (%v), want 4", n, err)
	}
}

func TestWriter_WaitsAreBounded(t *testing.T) {
	t.Parallel()
	s := bounded(t, filepath.Join(t.TempDir(), "x.db"), 2*time.Second, 0)
	schema := notes(nil)
	apply(t, s, schema)
	write := making(t, s, schema, "notes", titled("in time"))
	release := s.Hold(t.Context())
	var all sync.WaitGroup
	for range 1100 { // more than the queue takes
		all.Go(func() {
			err := write()
			if e := roundtrip.AsError(err); e == nil || e.Kind != roundtrip.Unavailable || e.Reason != "store.pool_exhausted" || e.Retry <= 0 {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	within(t, "the queue is empty", func() bool { return s.Queued() == 0 })
	within(t, "it is written", func() bool { return write() == nil })
	if n, err := s.Number(t.Context(), "SELECT count(*) FROM notes"); err != nil || n != 1 {
		t.Fatalf("%d notes (%v): what was refused must not be written", n, err)
	}
}

func TestWriter_JourneysTellWaitFromWork(t *testing.T) {
	t.Parallel()
	s := bounded(t, filepath.Join(t.TempDir(), "x.db"), time.Minute, 0)
	schema := notes(nil)
	apply(t, s, schema)
	p := permit(t, schema, roundtrip.Call{Action: roundtrip.Create, Collection: schema.Lookup("notes"), Input: record(schema, "notes", titled("a"))})
	recorder := trace.New(trace.Options{Now: time.Now, Recent: 8})
	j := recorder.Begin(trace.Request)
	release := s.Hold(t.Context())
	written := make(chan error, 1)
	go func() {
		_, err := s.Write(trace.With(t.Context(), j), p)
		written <- err
	}()
	within(t, "the write is queued", func() bool { return s.Queued() == 1 })
	queued := time.Now()
	within(t, "it has waited", func() bool { return time.Since(queued) > 5*time.Millisecond })
	if err := errors.Join(release(), <-written); err != nil {
		t.Fatal(err)
	}
	recorder.End(j)
	hops := recorder.Select(trace.Filter{}, 1)[0].Hops
	if len(hops) != 2 || hops[0].Layer != trace.Pool || hops[0].Name != "store.writer" || hops[0].Verdict != trace.Wait ||
		hops[1].Layer != trace.Commit || hops[1].Name != "notes.create" || hops[1].Verdict != trace.OK {
		t.Fatalf("the journey has the hops %+v", hops)
	}
}

func TestWriter_CommitsAreDurable(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	if level, err := s.Number(t.Context(), "PRAGMA synchronous"); err != nil || level != 2 { // 2 is FULL
		t.Fatalf("synchronous is %d (%v)", level, err)
	}
}

func TestWriter_FailedCommitFailsAllOfItsGroup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	c := newClock()
	s, err := sqlite.New(sqlite.Options{Path: path, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now), PoolWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	schema := notes(nil)
	apply(t, s, schema)
	note := create(t, s, schema, "notes", titled("a"))
	if _, err := s.Number(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // SQLite makes it the present size
		t.Fatal(err)
	}
	// An update needs no page. Its change row does at some time, and that is written at the commit.
	kept := int64(0)
	for n := int64(1); err == nil && n < 10000; n++ {
		if err = updating(t, s, schema, "notes", note.ID(), stars(n))(); err == nil {
			kept = n
		}
	}
	if e := roundtrip.AsError(err); e == nil || e.Kind != roundtrip.Unavailable || !strings.Contains(e.Public, "full") {
		t.Fatalf("after %d updates: %v", kept, err)
	}
	var writes []func() error
	for n := range int64(5) {
		writes = append(writes, updating(t, s, schema, "notes", note.ID(), stars(-n-1)))
	}
	for i, err := range group(t, s, writes...) {
		if err == nil {
			t.Errorf("write %d was told that it is durable", i)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path, c)
	apply(t, again, schema)
	if got := load(t, again, note.Collection, schema, note.ID()).Get("stars").Int(); got != kept {
		t.Fatalf("stars %d, want %d, the last that was acknowledged", got, kept)
	}
}

// TestWriter_SlowOnesKeepNobodyOut queues more slow writes than the time of waiting has room for, and a quick one behind them.
func TestWriter_SlowOnesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	s := bounded(t, filepath.Join(t.TempDir(), "x.db"), 6*time.Second, time.Second)
	schema := notes(nil)
	apply(t, s, schema)
	var writes []func() error
	for range 12 {
		writes = append(writes, func() error { return s.Exec(t.Context(), sqlite.Endless) })
	}
	errs := group(t, s, append(writes, making(t, s, schema, "notes", titled("quick")))...)
	seen := map[string]int{}
	for _, err := range errs {
		seen[reason(err)]++
	}
	if errs[12] != nil || seen["store.deadline"]+seen["store.pool_exhausted"] != 12 || seen["store.pool_exhausted"] == 0 {
		t.Fatalf("%v, the quick one: %v", seen, errs[12])
	}
}
