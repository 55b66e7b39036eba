package storetest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func deleteTests() map[string]func(*world) {
	return map[string]func(*world){
		"WhyNot": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			moderator := w.user("mo", "moderator")
			open, hidden := w.photo(ana, nil), w.photo(ana, fields{"private": roundtrip.Bool(true)})
			_, err := w.write(w.Context(), w.deleting("photos", 99), ana)
			wants(w, err, roundtrip.Missing, "store.missing")
			_, err = w.write(w.Context(), w.deleting("photos", hidden.ID()), bo)
			wants(w, err, roundtrip.Missing, "store.missing")
			_, err = w.write(w.Context(), w.deleting("photos", open.ID()), bo)
			wants(w, err, roundtrip.Denied, "access.rule_denied")
			stale := w.deleting("photos", open.ID())
			stale.IfMatch = 2
			_, err = w.write(w.Context(), stale, ana)
			wants(w, err, roundtrip.Stale, "store.stale")
			w.mustDelete("photos", open.ID(), moderator)
			_, err = w.read(w.Context(), "photos", open.ID(), ana)
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"CascadeKeepsCountersRight": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			mine, other := w.photo(ana, nil), w.photo(bo, nil)
			w.like(ana, mine.ID())
			w.like(ana, other.ID())
			w.like(bo, other.ID())
			w.like(bo, mine.ID())
			for _, who := range []*roundtrip.Principal{ana, bo} {
				w.must(w.creating("comments", fields{"author": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(other.ID()), "text": roundtrip.Text("x")}), who)
			}
			w.mustDelete("users", ana.ID, ana)
			got := w.get("photos", other.ID(), bo)
			equal(w, "likes", got.Get("likes"), roundtrip.Int(1))
			equal(w, "comments", got.Get("comments"), roundtrip.Int(1))
			equal(w, "likes left", len(w.all("likes", roundtrip.Query{}, bo)), 1)
			equal(w, "photos left", len(w.all("photos", roundtrip.Query{}, bo)), 1)
			_, err := w.FindCredential(w.Context(), w.users(), "handle", "ana")
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"RestrictSaysWho": func(w *world) {
			ana := w.user("ana")
			album := w.must(w.creating("albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("a")}), ana)
			p := w.photo(ana, nil)
			_, err := w.write(w.Context(), w.deleting("users", ana.ID), ana)
			e := wants(w, err, roundtrip.Unprocessable, "store.restricted")
			equal(w, "sentence", e.Public, "Records of albums point to it by owner. Delete those first.")
			if said := e.Public + e.Details[0].Message; strings.Contains(said, album.ID().String()) || strings.ContainsAny(said, "0123456789") {
				w.Fatalf("%q tells of records that the caller may not see", said)
			}
			w.get("photos", p.ID(), ana)
		},
		"SetNullIsAWrite": func(w *world) {
			ana := w.user("ana")
			album := w.must(w.creating("albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("a")}), ana)
			p := w.photo(ana, fields{"album": roundtrip.Ref(album.ID())})
			w.mustDelete("albums", album.ID(), ana)
			got := w.get("photos", p.ID(), ana)
			equal(w, "album", got.Get("album"), roundtrip.Value{})
			equal(w, "etag", got.ETag(), 2)
		},
		"CirclesAndChains": func(w *world) {
			ana := w.user("ana")
			first := w.must(w.creating("albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("0")}), ana)
			last := first
			for range 5 {
				last = w.must(w.creating("albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("n"), "parent": roundtrip.Ref(last.ID())}), ana)
			}
			w.must(w.updating("albums", first.ID(), fields{"parent": roundtrip.Ref(last.ID())}), ana)
			w.mustDelete("albums", last.ID(), ana)
			equal(w, "albums", len(w.all("albums", roundtrip.Query{}, ana)), 0)
			_, err := w.write(w.Context(), w.creating("photos", fields{"author": roundtrip.Ref(ana.ID), "album": roundtrip.Ref(first.ID())}), ana)
			wants(w, err, roundtrip.Invalid, "store.no_such_record")
		},
		"LargeCascade": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			for range 600 {
				w.must(w.creating("comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("x")}), ana)
			}
			w.mustDelete("photos", p.ID(), ana)
			equal(w, "comments", len(w.all("comments", roundtrip.Query{}, ana)), 0)
		},
		"FilesAreRemovedLater": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, fields{"image": file("one")})
			w.must(w.updating("photos", p.ID(), fields{"image": file("one")}), ana) // the same file stays
			equal(w, "jobs", len(w.jobs()), 0)
			w.must(w.updating("photos", p.ID(), fields{"image": file("two")}), ana)
			w.mustDelete("users", ana.ID, ana)
			jobs := w.jobs()
			if !slices.Equal(jobs, []string{"one", "two"}) {
				w.Fatalf("files to remove: %v", jobs)
			}
			equal(w, "while leased", len(w.jobs()), 0)
		},
	}
}

func file(id string) roundtrip.Value {
	return roundtrip.JSON(`{"id":"` + id + `","name":"a.png","type":"image/png","size":1}`)
}

// jobs claims all jobs and returns the files that they name.
func (w *world) jobs() []string {
	w.Helper()
	jobs, err := w.ClaimJobs(w.Context(), store.JobFilesRemove, 100)
	if err != nil {
		w.Fatal(err)
	}
	var all []string
	for _, j := range jobs {
		var ids []string
		if err := json.Unmarshal([]byte(j.Payload), &ids); err != nil {
			w.Fatal(err)
		}
		all = append(all, ids...)
	}
	return all
}
