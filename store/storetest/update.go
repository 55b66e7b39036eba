package storetest

import (
	"fmt"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

func updateTests() map[string]func(*world) {
	return map[string]func(*world){
		"NamedFieldsOnly": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, fields{"caption": roundtrip.Text("a"), "views": roundtrip.Int(3)})
			w.Advance(time.Minute)
			got := w.must(w.updating("photos", p.ID(), fields{"caption": roundtrip.Value{}}), ana)
			equal(w, "caption", got.Get("caption"), roundtrip.Value{})
			equal(w, "views", got.Get("views"), roundtrip.Int(3))
			equal(w, "etag", got.ETag(), 2)
			equal(w, "create_time", got.Get("create_time"), p.Get("create_time"))
			equal(w, "update_time", got.Get("update_time"), roundtrip.Time(w.Now()))
		},
		"EmptyPatchWritesNothing": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			p := w.photo(ana, nil)
			equal(w, "etag", w.must(w.updating("photos", p.ID(), nil), ana).ETag(), 1)
			_, err := w.write(w.Context(), w.updating("photos", p.ID(), nil), bo)
			wants(w, err, roundtrip.Denied, "access.rule_denied")
		},
		"WhyNot": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			open, hidden := w.photo(ana, nil), w.photo(ana, fields{"private": roundtrip.Bool(true)})
			change := fields{"caption": roundtrip.Text("x")}
			_, err := w.write(w.Context(), w.updating("photos", 99, change), ana)
			wants(w, err, roundtrip.Missing, "store.missing")
			_, err = w.write(w.Context(), w.updating("photos", hidden.ID(), change), bo)
			wants(w, err, roundtrip.Missing, "store.missing")
			_, err = w.write(w.Context(), w.updating("photos", open.ID(), change), bo)
			wants(w, err, roundtrip.Denied, "access.rule_denied")
			stale := w.updating("photos", open.ID(), change)
			stale.IfMatch = 7
			_, err = w.write(w.Context(), stale, ana)
			wants(w, err, roundtrip.Stale, "store.stale")
			_, err = w.write(w.Context(), stale, bo) // who may not write does not learn the version
			wants(w, err, roundtrip.Denied, "access.rule_denied")
			stale.IfMatch = 1
			w.must(stale, ana)
		},
		"GivenAsItIs": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			p := w.photo(ana, nil)
			author, ok := p.Collection.Lookup("author")
			if !ok {
				w.Fatal("no author")
			}
			call := w.updating("photos", p.ID(), fields{"caption": roundtrip.Text("x")})
			call.Same = []roundtrip.Same{{Field: author, Value: roundtrip.Ref(ana.ID)}}
			equal(w, "caption", w.must(call, ana).Get("caption"), roundtrip.Text("x"))
			call.Same[0].Value = roundtrip.Ref(bo.ID)
			_, err := w.write(w.Context(), call, ana)
			if e := wants(w, err, roundtrip.Invalid, "schema.invalid"); len(e.Details) != 1 || e.Details[0].Pointer != "/author" || e.Details[0].Code != "immutable" {
				w.Fatalf("%+v", e)
			}
			_, err = w.write(w.Context(), call, bo) // who may not write does not learn the value
			wants(w, err, roundtrip.Denied, "access.rule_denied")
			call = w.updating("photos", p.ID(), nil)
			call.Same = []roundtrip.Same{{Field: author, Value: roundtrip.Ref(bo.ID)}}
			_, err = w.write(w.Context(), call, ana)
			wants(w, err, roundtrip.Invalid, "schema.invalid")
		},
		"GivenAsItIsByWhoMayNotRead": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			photos := w.schema.Lookup("photos")
			rules(photos, "auth.id == record.author", "auth.id == record.author", "true", "")
			var err error
			if w.rules, err = policy.New(w.schema, make([]byte, 32)); err != nil {
				w.Fatal(err)
			}
			p := w.photo(ana, fields{"image": file("one")})
			for name, values := range map[string][2]roundtrip.Value{
				"author": {roundtrip.Ref(ana.ID), roundtrip.Ref(bo.ID)},
				"image":  {file("one"), file("two")},
			} {
				at, _ := photos.Lookup(name)
				call := w.updating("photos", p.ID(), fields{"caption": roundtrip.Text("x")})
				var said [2]string
				for i, v := range values {
					call.Same = []roundtrip.Same{{Field: at, Value: v}}
					_, err := w.write(w.Context(), call, bo)
					e := wants(w, err, roundtrip.Invalid, "schema.invalid")
					said[i] = fmt.Sprint(e.Public, e.Details)
				}
				equal(w, "what is said of a right guess and of a wrong one, "+name, said[0], said[1])
				call.Same[0].Value = values[0]
				w.must(call, ana)
			}
			w.must(w.updating("photos", p.ID(), fields{"caption": roundtrip.Text("y")}), bo)
		},
		"Adds": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			got := w.must(w.adding(p.ID(), "views", roundtrip.Int(5)), ana)
			equal(w, "views from null", got.Get("views"), roundtrip.Int(5))
			got = w.must(w.adding(p.ID(), "rating", roundtrip.Float(0.5)), ana)
			equal(w, "rating", got.Get("rating"), roundtrip.Float(0.5))
		},
		"AddOverflows": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, fields{"views": roundtrip.Int(1<<63 - 1)})
			_, err := w.write(w.Context(), w.adding(p.ID(), "views", roundtrip.Int(1)), ana)
			e := wants(w, err, roundtrip.Invalid, "schema.invalid")
			equal(w, "pointer", e.Details[0].Pointer, "/views")
			equal(w, "views", w.get("photos", p.ID(), ana).Get("views"), roundtrip.Int(1<<63-1))
		},
		"AddStaysFinite": func(w *world) {
			ana := w.user("ana")
			for _, sign := range []float64{1, -1} {
				p := w.photo(ana, fields{"rating": roundtrip.Float(sign * 1e308)})
				_, err := w.write(w.Context(), w.adding(p.ID(), "rating", roundtrip.Float(sign*1e308)), ana)
				e := wants(w, err, roundtrip.Invalid, "schema.invalid")
				equal(w, "pointer", e.Details[0].Pointer, "/rating")
				equal(w, "code", e.Details[0].Code, "out_of_range")
				equal(w, "rating", w.get("photos", p.ID(), ana).Get("rating"), roundtrip.Float(sign*1e308))
				got := w.must(w.adding(p.ID(), "rating", roundtrip.Int(1)), ana)
				equal(w, "rating", got.Get("rating"), roundtrip.Float(sign*1e308+1))
			}
		},
		"AddKeepsBounds": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, fields{"stars": roundtrip.Int(9)})
			w.must(w.adding(p.ID(), "stars", roundtrip.Int(1)), ana)
			_, err := w.write(w.Context(), w.adding(p.ID(), "stars", roundtrip.Int(1)), ana)
			e := wants(w, err, roundtrip.Invalid, "schema.invalid")
			equal(w, "pointer", e.Details[0].Pointer, "/stars")
		},
		"UniqueAndRefs": func(w *world) {
			ana := w.user("ana")
			w.user("bo")
			_, err := w.write(w.Context(), w.updating("users", ana.ID, fields{"handle": roundtrip.Text("bo")}), ana)
			e := wants(w, err, roundtrip.Conflict, "store.unique")
			equal(w, "pointer", e.Details[0].Pointer, "/handle")
			p := w.photo(ana, nil)
			_, err = w.write(w.Context(), w.updating("photos", p.ID(), fields{"album": roundtrip.Ref(1)}), ana)
			e = wants(w, err, roundtrip.Invalid, "store.no_such_record")
			equal(w, "pointer", e.Details[0].Pointer, "/album")
		},
		"MovedRefMovesTheCount": func(w *world) {
			ana := w.user("ana")
			p, q := w.photo(ana, nil), w.photo(ana, nil)
			like := w.like(ana, p.ID())
			w.must(w.updating("likes", like.ID(), fields{"photo": roundtrip.Ref(q.ID())}), ana)
			equal(w, "from", w.get("photos", p.ID(), ana).Get("likes"), roundtrip.Int(0))
			equal(w, "to", w.get("photos", q.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
		"SystemFieldsStay": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			got := w.must(w.updating("photos", p.ID(), fields{"etag": roundtrip.Int(9), "likes": roundtrip.Int(9), "caption": roundtrip.Text("c")}), ana)
			equal(w, "etag", got.ETag(), 2)
			equal(w, "likes", got.Get("likes"), roundtrip.Int(0))
		},
	}
}

func (w *world) adding(photo roundtrip.ID, field string, by roundtrip.Value) *roundtrip.Call {
	w.Helper()
	call := w.updating("photos", photo, nil)
	at, ok := call.Collection.Lookup(field)
	if !ok {
		w.Fatalf("no field %s", field)
	}
	call.Adds = []roundtrip.Add{{Field: at, By: by}}
	return call
}
