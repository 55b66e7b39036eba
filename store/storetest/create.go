package storetest

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
)

func createTests() map[string]func(*world) {
	return map[string]func(*world){
		"CompleteRecord": func(w *world) {
			ana := w.user("ana")
			got := w.photo(ana, fields{
				"caption": roundtrip.Text("Ünïcode 🌄 \x00 zero"), "private": roundtrip.Bool(false), "views": roundtrip.Int(-1 << 63), "stars": roundtrip.Int(10),
				"rating": roundtrip.Float(1.5), "taken": roundtrip.Micros(-5), "extra": roundtrip.JSON(`{"a":[1,2.50]}`),
			})
			equal(w, "etag", got.ETag(), 1)
			equal(w, "likes", got.Get("likes"), roundtrip.Int(0))
			equal(w, "create_time", got.Get("create_time"), roundtrip.Time(w.Now()))
			equal(w, "update_time", got.Get("update_time"), got.Get("create_time"))
			back := w.get("photos", got.ID(), ana)
			if !slices.Equal(back.Values, got.Values) || !slices.Equal(back.Set, got.Set) {
				w.Fatalf("stored %v, read %v", got.Values, back.Values)
			}
		},
		"EmptyTextIsNotNull": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, fields{"caption": roundtrip.Text("")})
			equal(w, "caption", w.get("photos", p.ID(), ana).Get("caption"), roundtrip.Text(""))
		},
		"ChosenIDOnce": func(w *world) {
			ana := w.user("ana")
			id := roundtrip.ID(4711)
			equal(w, "id", w.photo(ana, fields{"id": roundtrip.Ref(id)}).ID(), id)
			_, err := w.write(w.Context(), w.creating("photos", fields{"id": roundtrip.Ref(id), "author": roundtrip.Ref(ana.ID)}), ana)
			e := wants(w, err, roundtrip.Conflict, "store.unique")
			equal(w, "pointer", e.Details[0].Pointer, "/id")
		},
		"UniqueNamesTheField": func(w *world) {
			w.user("ana")
			_, err := w.write(w.Context(), w.creating("users", fields{"handle": roundtrip.Text("ana")}), nil)
			e := wants(w, err, roundtrip.Conflict, "store.unique")
			equal(w, "pointer", e.Details[0].Pointer, "/handle")
		},
		"UniqueGroupNamesAllFields": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			w.like(ana, p.ID())
			_, err := w.write(w.Context(), w.creating("likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}), ana)
			got := pointers(wants(w, err, roundtrip.Conflict, "store.unique"))
			if !slices.Equal(got, []string{"/user", "/photo"}) {
				w.Fatalf("pointers %v", got)
			}
			equal(w, "likes", w.get("photos", p.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
		"DanglingRefNamesTheField": func(w *world) {
			ana := w.user("ana")
			_, err := w.write(w.Context(), w.creating("photos", fields{"author": roundtrip.Ref(ana.ID), "album": roundtrip.Ref(99)}), ana)
			got := pointers(wants(w, err, roundtrip.Invalid, "store.no_such_record"))
			if !slices.Equal(got, []string{"/album"}) {
				w.Fatalf("pointers %v", got)
			}
		},
		"SelfRef": func(w *world) {
			ana := w.user("ana")
			id := w.IDs.Next()
			w.must(w.creating("albums", fields{"id": roundtrip.Ref(id), "owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("a"), "parent": roundtrip.Ref(id)}), ana)
		},
		"RuleOfTheRecord": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			_, err := w.write(w.Context(), w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), bo)
			wants(w, err, roundtrip.Denied, "access.rule_denied")
			_, err = w.write(w.Context(), w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), nil)
			wants(w, err, roundtrip.Unauthenticated, "auth.missing")
			equal(w, "photos", len(w.all("photos", roundtrip.Query{}, ana)), 0)
		},
		"RuleOverRefsLeavesNothing": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			p := w.photo(ana, fields{"private": roundtrip.Bool(true)})
			before, err := w.Changes(w.Context(), 0, 100)
			if err != nil {
				w.Fatal(err)
			}
			_, err = w.write(w.Context(), w.creating("likes", fields{"user": roundtrip.Ref(bo.ID), "photo": roundtrip.Ref(p.ID())}), bo)
			wants(w, err, roundtrip.Denied, "access.rule_denied")
			equal(w, "likes", len(w.all("likes", roundtrip.Query{}, bo)), 0)
			equal(w, "counter", w.get("photos", p.ID(), ana).Get("likes"), roundtrip.Int(0))
			after, err := w.Changes(w.Context(), 0, 100)
			if err != nil || len(after) != len(before) {
				w.Fatalf("changes %d, were %d (%v)", len(after), len(before), err)
			}
		},
		"Counts": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			p := w.photo(ana, nil)
			like := w.like(bo, p.ID())
			w.like(ana, p.ID())
			equal(w, "after two likes", w.get("photos", p.ID(), ana).Get("likes"), roundtrip.Int(2))
			equal(w, "etag", w.get("photos", p.ID(), ana).ETag(), 1)
			w.mustDelete("likes", like.ID(), bo)
			equal(w, "after an unlike", w.get("photos", p.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
	}
}

func (w *world) mustDelete(collection string, id roundtrip.ID, who *roundtrip.Principal) {
	w.Helper()
	if _, err := w.write(w.Context(), w.deleting(collection, id), who); err != nil {
		w.Fatalf("delete %s %s: %v", collection, id, err)
	}
}
