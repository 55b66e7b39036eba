package storetest

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

func readTests() map[string]func(*world) {
	return map[string]func(*world){
		"MissingAndHiddenLookTheSame": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			p := w.photo(ana, fields{"private": roundtrip.Bool(true)})
			_, hidden := w.read(w.Context(), "photos", p.ID(), bo)
			_, gone := w.read(w.Context(), "photos", p.ID()+1, bo)
			wants(w, hidden, roundtrip.Missing, "store.missing")
			wants(w, gone, roundtrip.Missing, "store.missing")
			w.get("photos", p.ID(), ana)
		},
		"RuleOverOtherCollections": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			p := w.photo(ana, fields{"private": roundtrip.Bool(true)})
			w.must(w.creating("follows", fields{"follower": roundtrip.Ref(bo.ID), "followee": roundtrip.Ref(ana.ID)}), bo)
			w.get("photos", p.ID(), bo)
		},
		"LoadKeepsWhatIsAllowed": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			var open, ids []roundtrip.ID
			for i := range 300 {
				p := w.photo(ana, fields{"private": roundtrip.Bool(i%3 == 0)})
				ids = append(ids, p.ID())
				if i%3 != 0 {
					open = append(open, p.ID())
				}
			}
			permit := w.expansion("likes", "photo", bo)
			var got []roundtrip.ID
			err := w.View(w.Context(), func(v store.View) error {
				return v.Load(permit, append(ids, 1), func(row roundtrip.Row) error {
					got = append(got, roundtrip.ID(row.Int(roundtrip.FieldID)))
					return nil
				})
			})
			slices.Sort(got)
			slices.Sort(open)
			if err != nil || !slices.Equal(got, open) {
				w.Fatalf("loaded %d records, want %d (%v)", len(got), len(open), err)
			}
		},
		"ViewInsideARow": func(w *world) { // an expand while the list is being read
			ana := w.user("ana")
			p := w.photo(ana, nil)
			for range 3 {
				w.must(w.creating("comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("hi")}), ana)
			}
			call := w.call(roundtrip.List, "comments")
			call.Query.Expand = []string{"photo"}
			permit, err := w.rules.Decide(call, ana)
			if err != nil {
				w.Fatal(err)
			}
			expand := permit.Query().Expand[0]
			n := 0
			err = w.View(w.Context(), func(v store.View) error {
				_, err := v.List(permit, func(row roundtrip.Row) error {
					return v.Load(expand.Permit, []roundtrip.ID{roundtrip.ID(row.Int(expand.Field))}, func(photo roundtrip.Row) error {
						if photo.Int(roundtrip.FieldID) == int64(p.ID()) {
							n++
						}
						return nil
					})
				})
				return err
			})
			if err != nil || n != 3 {
				w.Fatalf("expanded %d photos (%v)", n, err)
			}
		},
		"ErrorOfTheReaderComesBack": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			stop := roundtrip.E(roundtrip.Limited, "request.invalid", "stop")
			permit, err := w.rules.Decide(&roundtrip.Call{Action: roundtrip.Get, Collection: p.Collection, ID: p.ID()}, ana)
			if err != nil {
				w.Fatal(err)
			}
			err = w.View(w.Context(), func(v store.View) error {
				return v.Get(permit, func(roundtrip.Row) error { return stop })
			})
			wants(w, err, roundtrip.Limited, "request.invalid")
		},
	}
}

// expansion returns the permit to follow a ref.
func (w *world) expansion(collection, field string, who *roundtrip.Principal) *policy.Permit {
	w.Helper()
	call := w.call(roundtrip.List, collection)
	call.Query.Expand = []string{field}
	p, err := w.rules.Decide(call, who)
	if err != nil {
		w.Fatal(err)
	}
	return p.Query().Expand[0].Permit
}
