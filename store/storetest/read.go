package storetest

import (
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

func readTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"MissingAndHiddenLookTheSame": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			p := w.photo(t, ana, fields{"private": roundtrip.Bool(true)})
			_, hidden := w.read(t.Context(), "photos", p.ID(), bo)
			_, gone := w.read(t.Context(), "photos", p.ID()+1, bo)
			wants(t, hidden, roundtrip.Missing, "store.missing")
			wants(t, gone, roundtrip.Missing, "store.missing")
			w.get(t, "photos", p.ID(), ana)
		},
		"RuleOverOtherCollections": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			p := w.photo(t, ana, fields{"private": roundtrip.Bool(true)})
			w.must(t, w.creating(t, "follows", fields{"follower": roundtrip.Ref(bo.ID), "followee": roundtrip.Ref(ana.ID)}), bo)
			w.get(t, "photos", p.ID(), bo)
		},
		"LoadKeepsWhatIsAllowed": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			var open, ids []roundtrip.ID
			for i := range 300 {
				p := w.photo(t, ana, fields{"private": roundtrip.Bool(i%3 == 0)})
				ids = append(ids, p.ID())
				if i%3 != 0 {
					open = append(open, p.ID())
				}
			}
			permit := w.expansion(t, "likes", "photo", bo)
			var got []roundtrip.ID
			err := w.View(t.Context(), func(v store.View) error {
				return v.Load(permit, append(ids, 1), func(row roundtrip.Row) error {
					got = append(got, roundtrip.ID(row.Int(roundtrip.FieldID)))
					return nil
				})
			})
			slices.Sort(got)
			slices.Sort(open)
			if err != nil || !slices.Equal(got, open) {
				t.Fatalf("loaded %d records, want %d (%v)", len(got), len(open), err)
			}
		},
		"ViewInsideARow": func(t *testing.T, w *world) { // an expand while the list is being read
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			for range 3 {
				w.must(t, w.creating(t, "comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("hi")}), ana)
			}
			call := w.call(t, roundtrip.List, "comments")
			call.Query.Expand = []string{"photo"}
			permit, err := w.rules.Decide(call, ana)
			if err != nil {
				t.Fatal(err)
			}
			expand := permit.Query().Expand[0]
			n := 0
			err = w.View(t.Context(), func(v store.View) error {
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
				t.Fatalf("expanded %d photos (%v)", n, err)
			}
		},
		"ErrorOfTheReaderComesBack": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			stop := roundtrip.E(roundtrip.Limited, "request.invalid", "stop")
			permit, err := w.rules.Decide(&roundtrip.Call{Action: roundtrip.Get, Collection: p.Collection, ID: p.ID()}, ana)
			if err != nil {
				t.Fatal(err)
			}
			err = w.View(t.Context(), func(v store.View) error {
				return v.Get(permit, func(roundtrip.Row) error { return stop })
			})
			wants(t, err, roundtrip.Limited, "request.invalid")
		},
	}
}

// expansion returns the permit to follow a ref.
func (w *world) expansion(t *testing.T, collection, field string, who *roundtrip.Principal) *policy.Permit {
	t.Helper()
	call := w.call(t, roundtrip.List, collection)
	call.Query.Expand = []string{field}
	p, err := w.rules.Decide(call, who)
	if err != nil {
		t.Fatal(err)
	}
	return p.Query().Expand[0].Permit
}
