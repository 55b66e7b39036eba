package storetest

import (
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
)

func createTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"CompleteRecord": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			got := w.photo(t, ana, fields{
				"caption": roundtrip.Text("Ünïcode 🌄 \x00 zero"), "private": roundtrip.Bool(false), "views": roundtrip.Int(-1 << 63), "stars": roundtrip.Int(10),
				"rating": roundtrip.Float(1.5), "taken": roundtrip.Micros(-5), "extra": roundtrip.JSON(`{"a":[1,2.50]}`),
			})
			equal(t, "etag", got.ETag(), 1)
			equal(t, "likes", got.Get("likes"), roundtrip.Int(0))
			equal(t, "create_time", got.Get("create_time"), roundtrip.Time(w.Now()))
			equal(t, "update_time", got.Get("update_time"), got.Get("create_time"))
			back := w.get(t, "photos", got.ID(), ana)
			if !slices.Equal(back.Values, got.Values) || !slices.Equal(back.Set, got.Set) {
				t.Fatalf("stored %v, read %v", got.Values, back.Values)
			}
		},
		"EmptyTextIsNotNull": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, fields{"caption": roundtrip.Text("")})
			equal(t, "caption", w.get(t, "photos", p.ID(), ana).Get("caption"), roundtrip.Text(""))
		},
		"ChosenIDOnce": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			id := roundtrip.ID(4711)
			equal(t, "id", w.photo(t, ana, fields{"id": roundtrip.Ref(id)}).ID(), id)
			_, err := w.write(t.Context(), w.creating(t, "photos", fields{"id": roundtrip.Ref(id), "author": roundtrip.Ref(ana.ID)}), ana)
			e := wants(t, err, roundtrip.Conflict, "store.unique")
			equal(t, "pointer", e.Details[0].Pointer, "/id")
		},
		"UniqueNamesTheField": func(t *testing.T, w *world) {
			w.user(t, "ana")
			_, err := w.write(t.Context(), w.creating(t, "users", fields{"handle": roundtrip.Text("ana")}), nil)
			e := wants(t, err, roundtrip.Conflict, "store.unique")
			equal(t, "pointer", e.Details[0].Pointer, "/handle")
		},
		"UniqueGroupNamesAllFields": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			w.like(t, ana, p.ID())
			_, err := w.write(t.Context(), w.creating(t, "likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}), ana)
			got := pointers(wants(t, err, roundtrip.Conflict, "store.unique"))
			if !slices.Equal(got, []string{"/user", "/photo"}) {
				t.Fatalf("pointers %v", got)
			}
			equal(t, "likes", w.get(t, "photos", p.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
		"DanglingRefNamesTheField": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			_, err := w.write(t.Context(), w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID), "album": roundtrip.Ref(99)}), ana)
			got := pointers(wants(t, err, roundtrip.Invalid, "store.no_such_record"))
			if !slices.Equal(got, []string{"/album"}) {
				t.Fatalf("pointers %v", got)
			}
		},
		"SelfRef": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			id := w.IDs.Next()
			w.must(t, w.creating(t, "albums", fields{"id": roundtrip.Ref(id), "owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("a"), "parent": roundtrip.Ref(id)}), ana)
		},
		"RuleOfTheRecord": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			_, err := w.write(t.Context(), w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), bo)
			wants(t, err, roundtrip.Denied, "access.rule_denied")
			_, err = w.write(t.Context(), w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), nil)
			wants(t, err, roundtrip.Unauthenticated, "auth.missing")
			equal(t, "photos", len(w.all(t, "photos", roundtrip.Query{}, ana)), 0)
		},
		"RuleOverRefsLeavesNothing": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			p := w.photo(t, ana, fields{"private": roundtrip.Bool(true)})
			before, err := w.Changes(t.Context(), 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.write(t.Context(), w.creating(t, "likes", fields{"user": roundtrip.Ref(bo.ID), "photo": roundtrip.Ref(p.ID())}), bo)
			wants(t, err, roundtrip.Denied, "access.rule_denied")
			equal(t, "likes", len(w.all(t, "likes", roundtrip.Query{}, bo)), 0)
			equal(t, "counter", w.get(t, "photos", p.ID(), ana).Get("likes"), roundtrip.Int(0))
			after, err := w.Changes(t.Context(), 0, 100)
			if err != nil || len(after) != len(before) {
				t.Fatalf("changes %d, were %d (%v)", len(after), len(before), err)
			}
		},
		"Counts": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			p := w.photo(t, ana, nil)
			like := w.like(t, bo, p.ID())
			w.like(t, ana, p.ID())
			equal(t, "after two likes", w.get(t, "photos", p.ID(), ana).Get("likes"), roundtrip.Int(2))
			equal(t, "etag", w.get(t, "photos", p.ID(), ana).ETag(), 1)
			w.mustDelete(t, "likes", like.ID(), bo)
			equal(t, "after an unlike", w.get(t, "photos", p.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
	}
}

func (w *world) mustDelete(t *testing.T, collection string, id roundtrip.ID, who *roundtrip.Principal) {
	t.Helper()
	if _, err := w.write(t.Context(), w.deleting(t, collection, id), who); err != nil {
		t.Fatalf("delete %s %s: %v", collection, id, err)
	}
}
