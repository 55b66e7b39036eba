package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

// batch is one write of several permits, for group.
func batch(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, calls ...roundtrip.Call) func() error {
	t.Helper()
	p := permit(t, schema, roundtrip.Call{Action: roundtrip.Batch, Ops: calls})
	return func() error { _, err := s.Write(t.Context(), p); return err }
}

func createCall(schema *roundtrip.Schema, collection string, f map[string]roundtrip.Value) roundtrip.Call {
	r := record(schema, collection, f)
	return roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r}
}

func TestCount_AnIDUsedAgainStartsAtNone(t *testing.T) {
	t.Parallel()
	s := bounded(t, filepath.Join(t.TempDir(), "x.db"), time.Minute, 0)
	schema := withCount()
	apply(t, s, schema)
	note := create(t, s, schema, "notes", titled("a"))
	again := map[string]roundtrip.Value{"id": roundtrip.Ref(note.ID()), "title": roundtrip.Text("again")}
	remove := roundtrip.Call{Action: roundtrip.Delete, Collection: schema.Lookup("notes"), ID: note.ID()}
	check := func(name string, errs []error, want int64) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := load(t, s, note.Collection, schema, note.ID()).Get("tags").Int(); got != want {
			t.Fatalf("%s: %d tags, want %d", name, got, want)
		}
	}
	create(t, s, schema, "tags", on(note.ID()))
	create(t, s, schema, "tags", on(note.ID()))
	check("in one batch", []error{batch(t, s, schema, remove, createCall(schema, "notes", again))()}, 0)
	create(t, s, schema, "tags", on(note.ID()))
	check("in one group", together(t, s,
		making(t, s, schema, "tags", on(note.ID())),
		deleting(t, s, schema, "notes", note.ID()),
		making(t, s, schema, "notes", again),
		making(t, s, schema, "tags", on(note.ID()))), 1)
}

func TestCount_AnAccountsIDUsedAgainStartsAtNone(t *testing.T) {
	t.Parallel()
	s := bounded(t, filepath.Join(t.TempDir(), "x.db"), time.Minute, 0)
	people, likes := roundtrip.NewCollection("people", roundtrip.Pos{}), roundtrip.NewCollection("likes", roundtrip.Pos{})
	people.Accounts = true
	people.Add(&roundtrip.Field{Name: "handle", Type: roundtrip.TypeText})
	likes.Add(&roundtrip.Field{Name: "of", Type: roundtrip.TypeRef, To: people, OnDelete: roundtrip.Cascade})
	people.Children = []roundtrip.Child{{From: likes, Ref: 4}}
	people.Add(&roundtrip.Field{Name: "likes", Type: roundtrip.TypeCount, To: likes, Of: 4})
	likes.Counters = []roundtrip.Counter{{Ref: 4, Holder: people, Field: 5}}
	for _, c := range []*roundtrip.Collection{people, likes} {
		for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			c.Rules[a] = roundtrip.Rule{Source: "true"}
		}
	}
	schema := roundtrip.NewSchema("people", people, likes)
	apply(t, s, schema)
	ana, err := s.CreateAccount(t.Context(), record(schema, "people", nil), roundtrip.Credential{Password: "p"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, schema, "likes", map[string]roundtrip.Value{"of": roundtrip.Ref(ana.ID())})
	for _, err := range together(t, s, deleting(t, s, schema, "people", ana.ID()), func() error {
		_, err := s.CreateAccount(t.Context(), record(schema, "people", map[string]roundtrip.Value{"id": roundtrip.Ref(ana.ID())}), roundtrip.Credential{Password: "p"}, nil)
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := load(t, s, people, schema, ana.ID()).Get("likes").Int(); got != 0 {
		t.Fatalf("%d likes of a new account", got)
	}
}

func TestCount_RulesSeeWhatTheSameGroupCounted(t *testing.T) {
	t.Parallel()
	s := bounded(t, filepath.Join(t.TempDir(), "x.db"), time.Minute, 0)
	schema := withCount()
	schema.Lookup("tags").Rules[roundtrip.Create] = roundtrip.Rule{Source: "record.note.tags < 2"}
	apply(t, s, schema)
	note := create(t, s, schema, "notes", titled("a"))
	tag := making(t, s, schema, "tags", on(note.ID()))
	errs := together(t, s, tag, tag, tag, tag)
	for i, err := range errs {
		if (err == nil) != (i < 2) {
			t.Fatalf("tag %d: %v", i, err)
		}
	}
	if got := load(t, s, note.Collection, schema, note.ID()).Get("tags").Int(); got != 2 {
		t.Fatalf("%d tags", got)
	}
}

// TestCascade_WhatGoesTooHoldsNobody deletes a note whose tag is held by a pin that goes with the note, too.
func TestCascade_WhatGoesTooHoldsNobody(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]roundtrip.OnDelete{"restrict": roundtrip.Restrict, "set null": roundtrip.SetNull} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bounded(t, filepath.Join(t.TempDir(), "x.db"), time.Minute, 0)
			schema := withPins(roundtrip.Cascade)
			schema.Lookup("pins").Fields[5].OnDelete = held
			apply(t, s, schema)
			note := create(t, s, schema, "notes", titled("a"))
			tag := create(t, s, schema, "tags", on(note.ID()))
			create(t, s, schema, "pins", map[string]roundtrip.Value{"note": roundtrip.Ref(note.ID()), "tag": roundtrip.Ref(tag.ID())})
			errs := together(t, s, deleting(t, s, schema, "notes", note.ID()), making(t, s, schema, "tags", on(note.ID())))
			if errs[0] != nil {
				t.Fatal(errs[0])
			}
			if reason(errs[1]) != "store.no_such_record" { // refs are looked at again as soon as the cascade is done
				t.Fatalf("a ref to a record that is gone: %v", errs[1])
			}
			changes, err := s.Changes(t.Context(), 4, 100) // after the count of the tag
			if err != nil || len(changes) != 3 {
				t.Fatal(changes, err)
			}
			for _, c := range changes {
				if c.Action != roundtrip.Delete {
					t.Fatalf("a record that goes is written first: %+v", c)
				}
			}
		})
	}
}
