package storetest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func deleteTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"WhyNot": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			moderator := w.user(t, "mo", "moderator")
			open, hidden := w.photo(t, ana, nil), w.photo(t, ana, fields{"private": roundtrip.Bool(true)})
			_, err := w.write(t.Context(), w.deleting(t, "photos", 99), ana)
			wants(t, err, roundtrip.Missing, "store.missing")
			_, err = w.write(t.Context(), w.deleting(t, "photos", hidden.ID()), bo)
			wants(t, err, roundtrip.Missing, "store.missing")
			_, err = w.write(t.Context(), w.deleting(t, "photos", open.ID()), bo)
			wants(t, err, roundtrip.Denied, "access.rule_denied")
			stale := w.deleting(t, "photos", open.ID())
			stale.IfMatch = 2
			_, err = w.write(t.Context(), stale, ana)
			wants(t, err, roundtrip.Stale, "store.stale")
			w.mustDelete(t, "photos", open.ID(), moderator)
			_, err = w.read(t.Context(), "photos", open.ID(), ana)
			wants(t, err, roundtrip.Missing, "store.missing")
		},
		"CascadeKeepsCountersRight": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			mine, other := w.photo(t, ana, nil), w.photo(t, bo, nil)
			w.like(t, ana, mine.ID())
			w.like(t, ana, other.ID())
			w.like(t, bo, other.ID())
			w.like(t, bo, mine.ID())
			for _, who := range []*roundtrip.Principal{ana, bo} {
				w.must(t, w.creating(t, "comments", fields{"author": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(other.ID()), "text": roundtrip.Text("x")}), who)
			}
			w.mustDelete(t, "users", ana.ID, ana)
			got := w.get(t, "photos", other.ID(), bo)
			equal(t, "likes", got.Get("likes"), roundtrip.Int(1))
			equal(t, "comments", got.Get("comments"), roundtrip.Int(1))
			equal(t, "likes left", len(w.all(t, "likes", roundtrip.Query{}, bo)), 1)
			equal(t, "photos left", len(w.all(t, "photos", roundtrip.Query{}, bo)), 1)
			_, err := w.FindCredential(t.Context(), "handle", "ana")
			wants(t, err, roundtrip.Missing, "store.missing")
		},
		"RestrictSaysWho": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			w.must(t, w.creating(t, "albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("a")}), ana)
			p := w.photo(t, ana, nil)
			_, err := w.write(t.Context(), w.deleting(t, "users", ana.ID), ana)
			wants(t, err, roundtrip.Unprocessable, "store.restricted")
			w.get(t, "photos", p.ID(), ana)
		},
		"SetNullIsAWrite": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			album := w.must(t, w.creating(t, "albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("a")}), ana)
			p := w.photo(t, ana, fields{"album": roundtrip.Ref(album.ID())})
			w.mustDelete(t, "albums", album.ID(), ana)
			got := w.get(t, "photos", p.ID(), ana)
			equal(t, "album", got.Get("album"), roundtrip.Value{})
			equal(t, "etag", got.ETag(), 2)
		},
		"CirclesAndChains": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			first := w.must(t, w.creating(t, "albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("0")}), ana)
			last := first
			for range 5 {
				last = w.must(t, w.creating(t, "albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("n"), "parent": roundtrip.Ref(last.ID())}), ana)
			}
			w.must(t, w.updating(t, "albums", first.ID(), fields{"parent": roundtrip.Ref(last.ID())}), ana)
			w.mustDelete(t, "albums", last.ID(), ana)
			equal(t, "albums", len(w.all(t, "albums", roundtrip.Query{}, ana)), 0)
			_, err := w.write(t.Context(), w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID), "album": roundtrip.Ref(first.ID())}), ana)
			wants(t, err, roundtrip.Invalid, "store.no_such_record")
		},
		"LargeCascade": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			for range 600 {
				w.must(t, w.creating(t, "comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("x")}), ana)
			}
			w.mustDelete(t, "photos", p.ID(), ana)
			equal(t, "comments", len(w.all(t, "comments", roundtrip.Query{}, ana)), 0)
		},
		"FilesAreRemovedLater": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, fields{"image": file("one")})
			w.must(t, w.updating(t, "photos", p.ID(), fields{"image": file("one")}), ana) // the same file stays
			equal(t, "jobs", len(w.jobs(t)), 0)
			w.must(t, w.updating(t, "photos", p.ID(), fields{"image": file("two")}), ana)
			w.mustDelete(t, "users", ana.ID, ana)
			jobs := w.jobs(t)
			if !slices.Equal(jobs, []string{"one", "two"}) {
				t.Fatalf("files to remove: %v", jobs)
			}
			equal(t, "while leased", len(w.jobs(t)), 0)
		},
	}
}

func file(id string) roundtrip.Value {
	return roundtrip.JSON(`{"id":"` + id + `","name":"a.png","type":"image/png","size":1}`)
}

// jobs claims all jobs and returns the files that they name.
func (w *world) jobs(t *testing.T) []string {
	t.Helper()
	jobs, err := w.ClaimJobs(t.Context(), store.JobFilesRemove, 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, j := range jobs {
		var ids []string
		if err := json.Unmarshal([]byte(j.Payload), &ids); err != nil {
			t.Fatal(err)
		}
		all = append(all, ids...)
	}
	return all
}
