package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

// twice is true of all photos of a crowd, and looks twice through all of them for each: an index serves it, and badly.
const twice = `!photos.exists(p, p.author == record.author && p.views > record.views) && !photos.exists(p, p.author == record.author && p.stars > record.views)`

// crowd is a store with many photos of one person.
type crowd struct {
	*sqlite.Store
	schema *roundtrip.Schema
	rules  *policy.Engine
}

func newCrowd(t *testing.T, photos int, deadline time.Duration) *crowd {
	t.Helper()
	c := newClock()
	ids := roundtrip.NewIDs(1, c.Now)
	s, err := sqlite.New(sqlite.Options{Path: filepath.Join(t.TempDir(), "x.db"), PoolMax: 4, PoolWait: time.Minute, Now: c.Now, IDs: ids, StatementDeadline: deadline})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &crowd{Store: s, schema: storetest.Gallery()}
	apply(t, s, w.schema)
	if w.rules, err = policy.New(w.schema, make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	author := create(t, s, w.schema, "users", map[string]roundtrip.Value{"handle": roundtrip.Text("ana")}).ID()
	for made := 0; made < photos; {
		batch := &roundtrip.Call{Action: roundtrip.Batch}
		for ; made < photos && len(batch.Ops) < 100; made++ {
			r := roundtrip.NewRecord(w.schema.Lookup("photos"))
			r.PutName("author", roundtrip.Ref(author))
			r.PutName("views", roundtrip.Int(1))
			batch.Ops = append(batch.Ops, roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r})
		}
		p, err := w.rules.Job(batch, "a crowd")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// list lists photos for a stranger.
func (w *crowd) list(t *testing.T, q roundtrip.Query, row func(roundtrip.Row) error) error {
	t.Helper()
	p, err := w.rules.Decide(&roundtrip.Call{Action: roundtrip.List, Collection: w.schema.Lookup("photos"), Query: q}, nil)
	if err != nil {
		t.Error(err)
		return err
	}
	return w.View(t.Context(), func(v store.View) error { _, err := v.List(p, row); return err })
}

func skip(roundtrip.Row) error { return nil }

func TestSQLite_WhatCallersShapeSaysWhyItWasStopped(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 3000, 100*time.Millisecond)
	e := roundtrip.AsError(w.list(t, roundtrip.Query{Filter: twice, OrderBy: "views", Count: true}, skip))
	if e.Kind != roundtrip.Deadline || e.Reason != "store.deadline" || len(e.Details) != 2 {
		t.Fatalf("got %v", e)
	}
	if d := e.Details; d[0].Parameter != "filter" || d[1].Parameter != "order_by" || !strings.HasPrefix(e.Public, "The filter was stopped after 100ms: no index of photos serves") {
		t.Errorf("got %s %+v", e.Public, d)
	}
	if err := w.list(t, roundtrip.Query{}, skip); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestSQLite_SlowFiltersLeaveHalfOfTheReaders(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 600, 0)
	within(t, "no query runs out of its second before it has its place", func() bool { return w.leavesHalf(t) })
}

// leavesHalf looks at it once. It reports false where the machine stood still for so long that it can't be seen.
func (w *crowd) leavesHalf(t *testing.T) (seen bool) {
	t.Helper()
	const callers = 4 // as many as readers
	holds, release, ended := make(chan struct{}, callers), make(chan struct{}), make(chan error, callers)
	slow := func() error {
		n := 0
		return w.list(t, roundtrip.Query{Filter: twice}, func(roundtrip.Row) error {
			switch n++; n {
			case 1: // the statement has been looked at, and now takes long
				<-time.After(100 * time.Millisecond)
			case 2: // and it was allowed to
				holds <- struct{}{}
				<-release
			}
			return nil
		})
	}
	for range callers {
		go func() { ended <- slow() }()
	}
	held, late := 0, 0
	for range callers {
		select {
		case <-holds:
			held++
		case err := <-ended:
			e := roundtrip.AsError(err)
			if e.Reason == "store.deadline" {
				late++
			} else if e.Kind != roundtrip.Unavailable || e.Reason != "store.pool_exhausted" || e.Retry <= 0 || !strings.HasPrefix(e.Public, "2 queries that take long") {
				t.Errorf("got %v", e)
			}
		}
	}
	if late == 0 && held != callers/2 {
		t.Errorf("%d of %d readers may take long", held, callers)
	}
	if err := w.list(t, roundtrip.Query{OrderBy: "id desc", PageSize: 1}, skip); err != nil {
		t.Errorf("an innocent reader: %v", err)
	}
	close(release)
	for range held {
		if err := <-ended; err != nil && roundtrip.AsError(err).Reason != "store.deadline" {
			t.Error(err)
		}
	}
	for range callers { // the places are free again
		if err := slow(); err != nil && roundtrip.AsError(err).Reason != "store.deadline" {
			t.Error(err)
		}
	}
	return late == 0
}

// A rule is asked before the insert: an exists over the record's own collection finds the others alone, and a ref to the
// record itself leads nowhere yet.
func TestSQLite_CreateRulesDontSeeTheNewRecord(t *testing.T) {
	t.Parallel()
	for source, want := range map[string][]bool{
		"!notes.exists(n, n.title == record.title)":                     {true, false},
		"notes.exists(n, n.id == record.id)":                            {false, false},
		"!has(record.parent) || has(record.parent.title)":               {true, true},
		"record.parent != record.id || record.parent.title == null":     {true, true},
		"!notes.exists(n, n.parent == record.parent && n.title == 'a')": {true, true},
	} {
		notes := roundtrip.NewCollection("notes", roundtrip.Pos{})
		notes.Add(&roundtrip.Field{Name: "title", Type: roundtrip.TypeText})
		notes.Add(&roundtrip.Field{Name: "parent", Type: roundtrip.TypeRef, To: notes})
		notes.Rules[roundtrip.Get] = roundtrip.Rule{Source: "true"}
		notes.Rules[roundtrip.Create] = roundtrip.Rule{Source: source}
		schema := roundtrip.NewSchema("notes", notes)
		c := newClock()
		s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
		apply(t, s, schema)
		for i, allowed := range want {
			if err := tryCreate(t, s, schema, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a")}); (err == nil) != allowed {
				t.Errorf("%s, note %d: %v", source, i, err)
			}
		}
	}
	t.Run("ref to itself", func(t *testing.T) {
		t.Parallel()
		notes := roundtrip.NewCollection("notes", roundtrip.Pos{})
		notes.Add(&roundtrip.Field{Name: "title", Type: roundtrip.TypeText})
		notes.Add(&roundtrip.Field{Name: "parent", Type: roundtrip.TypeRef, To: notes})
		notes.Rules[roundtrip.Create] = roundtrip.Rule{Source: "has(record.parent) && record.parent.title == null"}
		schema := roundtrip.NewSchema("notes", notes)
		c := newClock()
		s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
		apply(t, s, schema)
		self := roundtrip.Ref(42)
		f := map[string]roundtrip.Value{"id": self, "parent": self, "title": roundtrip.Text("a")}
		if err := tryCreate(t, s, schema, "notes", f); err != nil {
			t.Fatal(err)
		}
		f["id"] = roundtrip.Ref(43)
		if err := tryCreate(t, s, schema, "notes", f); err == nil || roundtrip.AsError(err).Reason != "auth.missing" {
			t.Errorf("its parent is there and has a title: %v", err)
		}
	})
}
