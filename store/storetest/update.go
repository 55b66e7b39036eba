package storetest

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

func updateTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"NamedFieldsOnly": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, fields{"caption": roundtrip.Text("a"), "views": roundtrip.Int(3)})
			w.Advance(time.Minute)
			got := w.must(t, w.updating(t, "photos", p.ID(), fields{"caption": roundtrip.Value{}}), ana)
			equal(t, "caption", got.Get("caption"), roundtrip.Value{})
			equal(t, "views", got.Get("views"), roundtrip.Int(3))
			equal(t, "etag", got.ETag(), 2)
			equal(t, "create_time", got.Get("create_time"), p.Get("create_time"))
			equal(t, "update_time", got.Get("update_time"), roundtrip.Time(w.Now()))
		},
		"EmptyPatchWritesNothing": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			p := w.photo(t, ana, nil)
			equal(t, "etag", w.must(t, w.updating(t, "photos", p.ID(), nil), ana).ETag(), 1)
			_, err := w.write(t.Context(), w.updating(t, "photos", p.ID(), nil), bo)
			wants(t, err, roundtrip.Denied, "access.rule_denied")
		},
		"WhyNot": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			open, hidden := w.photo(t, ana, nil), w.photo(t, ana, fields{"private": roundtrip.Bool(true)})
			change := fields{"caption": roundtrip.Text("x")}
			_, err := w.write(t.Context(), w.updating(t, "photos", 99, change), ana)
			wants(t, err, roundtrip.Missing, "store.missing")
			_, err = w.write(t.Context(), w.updating(t, "photos", hidden.ID(), change), bo)
			wants(t, err, roundtrip.Missing, "store.missing")
			_, err = w.write(t.Context(), w.updating(t, "photos", open.ID(), change), bo)
			wants(t, err, roundtrip.Denied, "access.rule_denied")
			stale := w.updating(t, "photos", open.ID(), change)
			stale.IfMatch = 7
			_, err = w.write(t.Context(), stale, ana)
			wants(t, err, roundtrip.Stale, "store.stale")
			_, err = w.write(t.Context(), stale, bo) // who may not write does not learn the version
			wants(t, err, roundtrip.Denied, "access.rule_denied")
			stale.IfMatch = 1
			w.must(t, stale, ana)
		},
		"Adds": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			got := w.must(t, w.adding(t, p.ID(), "views", roundtrip.Int(5)), ana)
			equal(t, "views from null", got.Get("views"), roundtrip.Int(5))
			got = w.must(t, w.adding(t, p.ID(), "rating", roundtrip.Float(0.5)), ana)
			equal(t, "rating", got.Get("rating"), roundtrip.Float(0.5))
		},
		"AddOverflows": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, fields{"views": roundtrip.Int(1<<63 - 1)})
			_, err := w.write(t.Context(), w.adding(t, p.ID(), "views", roundtrip.Int(1)), ana)
			e := wants(t, err, roundtrip.Invalid, "schema.invalid")
			equal(t, "pointer", e.Details[0].Pointer, "/views")
			equal(t, "views", w.get(t, "photos", p.ID(), ana).Get("views"), roundtrip.Int(1<<63-1))
		},
		"AddKeepsBounds": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, fields{"stars": roundtrip.Int(9)})
			w.must(t, w.adding(t, p.ID(), "stars", roundtrip.Int(1)), ana)
			_, err := w.write(t.Context(), w.adding(t, p.ID(), "stars", roundtrip.Int(1)), ana)
			e := wants(t, err, roundtrip.Invalid, "schema.invalid")
			equal(t, "pointer", e.Details[0].Pointer, "/stars")
		},
		"UniqueAndRefs": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			w.user(t, "bo")
			_, err := w.write(t.Context(), w.updating(t, "users", ana.ID, fields{"handle": roundtrip.Text("bo")}), ana)
			e := wants(t, err, roundtrip.Conflict, "store.unique")
			equal(t, "pointer", e.Details[0].Pointer, "/handle")
			p := w.photo(t, ana, nil)
			_, err = w.write(t.Context(), w.updating(t, "photos", p.ID(), fields{"album": roundtrip.Ref(1)}), ana)
			e = wants(t, err, roundtrip.Invalid, "store.no_such_record")
			equal(t, "pointer", e.Details[0].Pointer, "/album")
		},
		"MovedRefMovesTheCount": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p, q := w.photo(t, ana, nil), w.photo(t, ana, nil)
			like := w.like(t, ana, p.ID())
			w.must(t, w.updating(t, "likes", like.ID(), fields{"photo": roundtrip.Ref(q.ID())}), ana)
			equal(t, "from", w.get(t, "photos", p.ID(), ana).Get("likes"), roundtrip.Int(0))
			equal(t, "to", w.get(t, "photos", q.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
		"SystemFieldsStay": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			got := w.must(t, w.updating(t, "photos", p.ID(), fields{"etag": roundtrip.Int(9), "likes": roundtrip.Int(9), "caption": roundtrip.Text("c")}), ana)
			equal(t, "etag", got.ETag(), 2)
			equal(t, "likes", got.Get("likes"), roundtrip.Int(0))
		},
	}
}

func (w *world) adding(t *testing.T, photo roundtrip.ID, field string, by roundtrip.Value) *roundtrip.Call {
	t.Helper()
	call := w.updating(t, "photos", photo, nil)
	at, ok := call.Collection.Lookup(field)
	if !ok {
		t.Fatalf("no field %s", field)
	}
	call.Adds = []roundtrip.Add{{Field: at, By: by}}
	return call
}
