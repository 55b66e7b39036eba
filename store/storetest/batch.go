package storetest

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func batchTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"LaterSeesEarlier": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			id := w.IDs.Next()
			result, err := w.write(t.Context(), w.batch(t,
				w.creating(t, "photos", fields{"id": roundtrip.Ref(id), "author": roundtrip.Ref(ana.ID)}),
				w.creating(t, "likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(id)}),
				w.updating(t, "photos", id, fields{"caption": roundtrip.Text("b")}),
				w.deleting(t, "photos", id),
			), ana)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "records", len(result.Records), 4)
			equal(t, "likes seen by the update", result.Records[2].Get("likes"), roundtrip.Int(1))
			equal(t, "etag", result.Records[2].ETag(), 2)
			if result.Records[3] != nil {
				t.Fatal("a delete has no record")
			}
			equal(t, "likes", len(w.all(t, "likes", roundtrip.Query{}, ana)), 0)
		},
		"AllOrNothing": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			before, _ := w.Changes(t.Context(), 0, 100)
			_, err := w.write(t.Context(), w.batch(t,
				w.creating(t, "likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}),
				w.updating(t, "photos", p.ID(), fields{"caption": roundtrip.Text("b")}),
				w.creating(t, "likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}),
			), ana)
			e := wants(t, err, roundtrip.Conflict, "store.unique")
			equal(t, "pointer", e.Details[0].Pointer, "/ops/2/user")
			got := w.get(t, "photos", p.ID(), ana)
			equal(t, "likes", got.Get("likes"), roundtrip.Int(0))
			equal(t, "etag", got.ETag(), 1)
			equal(t, "records", len(w.all(t, "likes", roundtrip.Query{}, ana)), 0)
			after, err := w.Changes(t.Context(), 0, 100)
			if err != nil || len(after) != len(before) {
				t.Fatalf("changes %d, were %d (%v)", len(after), len(before), err)
			}
		},
		"ErrorsWithoutDetailsPointToo": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			_, err := w.write(t.Context(), w.batch(t, w.deleting(t, "photos", p.ID()), w.deleting(t, "photos", p.ID())), ana)
			e := wants(t, err, roundtrip.Missing, "store.missing")
			equal(t, "pointer", e.Details[0].Pointer, "/ops/1")
			w.get(t, "photos", p.ID(), ana)
		},
	}
}

func keyTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"RetryAnswersTheSame": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			call := w.keyed(w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID), "rating": roundtrip.Float(0.1), "views": roundtrip.Int(1 << 62)}), "k", 1)
			first, err := w.write(t.Context(), call, ana)
			if err != nil {
				t.Fatal(err)
			}
			w.must(t, w.updating(t, "photos", first.Records[0].ID(), fields{"caption": roundtrip.Text("later")}), ana)
			again, err := w.write(t.Context(), call, ana)
			if err != nil {
				t.Fatal(err)
			}
			if first.Replayed || !again.Replayed {
				t.Fatal("only the second is replayed")
			}
			for i, v := range first.Records[0].Values {
				equal(t, first.Records[0].Collection.Fields[i].Name, again.Records[0].Values[i], v)
			}
			equal(t, "photos", len(w.all(t, "photos", roundtrip.Query{}, ana)), 1)
		},
		"OtherRequestIsRefused": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			w.must(t, w.keyed(w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 1), ana)
			_, err := w.write(t.Context(), w.keyed(w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 2), ana)
			wants(t, err, roundtrip.Unprocessable, "store.key_reused")
			w.must(t, w.keyed(w.creating(t, "photos", fields{"author": roundtrip.Ref(bo.ID)}), "k", 3), bo) // keys are one's own
		},
		"FailureIsNotKept": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			id := w.IDs.Next()
			call := w.keyed(w.creating(t, "likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(id)}), "k", 1)
			if _, err := w.write(t.Context(), call, ana); err == nil {
				t.Fatal("there is no such photo")
			}
			w.photo(t, ana, fields{"id": roundtrip.Ref(id)})
			w.must(t, call, ana)
		},
		"DeleteAndBatch": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			for range 2 {
				result, err := w.write(t.Context(), w.keyed(w.deleting(t, "photos", p.ID()), "d", 1), ana)
				if err != nil || len(result.Records) != 1 || result.Records[0] != nil {
					t.Fatalf("%v %v", result, err)
				}
			}
			b := w.keyed(w.batch(t, w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)})), "b", 1)
			var ids [2]roundtrip.ID
			for i := range 2 {
				result, err := w.write(t.Context(), b, ana)
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = result.Records[1].ID()
			}
			equal(t, "the same record", ids[1], ids[0])
		},
		"ForgottenAfterADay": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			call := w.keyed(w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 1)
			first := w.must(t, call, ana)
			w.Advance(25 * time.Hour)
			again := w.must(t, call, ana)
			if first.ID() == again.ID() {
				t.Fatal("the key should be forgotten")
			}
		},
	}
}

func (w *world) keyed(call *roundtrip.Call, key string, request byte) *roundtrip.Call {
	call.Key, call.KeyHash = key, [32]byte{request}
	return call
}

func changeTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"OneRowAWriteInOrder": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			var told []roundtrip.Change
			w.OnCommit(func(c []roundtrip.Change) { told = append(told, c...) })
			p := w.photo(t, ana, nil)
			like := w.like(t, ana, p.ID())
			w.must(t, w.updating(t, "photos", p.ID(), fields{"caption": roundtrip.Text("x")}), ana)
			w.mustDelete(t, "photos", p.ID(), ana)
			got, err := w.Changes(t.Context(), 1, 100) // after the account
			if err != nil {
				t.Fatal(err)
			}
			want := []roundtrip.Change{
				{Position: 2, Collection: p.Collection, ID: p.ID(), Action: roundtrip.Create},
				{Position: 3, Collection: like.Collection, ID: like.ID(), Action: roundtrip.Create},
				{Position: 4, Collection: p.Collection, ID: p.ID(), Action: roundtrip.Update},
				{Position: 5, Collection: like.Collection, ID: like.ID(), Action: roundtrip.Delete},
				{Position: 6, Collection: p.Collection, ID: p.ID(), Action: roundtrip.Delete},
			}
			for i := range want {
				if i >= len(got) || got[i] != want[i] || told[i] != want[i] {
					t.Fatalf("got %v, told %v, want %v", got, told, want)
				}
			}
			equal(t, "changes", len(got), len(want))
		},
		"JobsComeAgainUntilFinished": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, fields{"image": file("one")})
			w.mustDelete(t, "photos", p.ID(), ana)
			claim := func() []store.Job {
				jobs, err := w.ClaimJobs(t.Context(), store.JobFilesRemove, 10)
				if err != nil {
					t.Fatal(err)
				}
				return jobs
			}
			equal(t, "first", len(claim()), 1)
			equal(t, "leased", len(claim()), 0)
			w.Advance(2 * time.Minute)
			again := claim()
			equal(t, "again", len(again), 1)
			equal(t, "tries", again[0].Tries, 2)
			if err := w.FinishJob(t.Context(), again[0].ID); err != nil {
				t.Fatal(err)
			}
			w.Advance(time.Hour)
			equal(t, "finished", len(claim()), 0)
		},
		"SecretStays": func(t *testing.T, w *world) {
			a, err := w.Secret(t.Context(), "pages")
			b, again := w.Secret(t.Context(), "pages")
			other, third := w.Secret(t.Context(), "other")
			if err != nil || again != nil || third != nil || len(a) != 32 || string(a) != string(b) || string(a) == string(other) {
				t.Fatal(err, again, third, a, b, other)
			}
		},
	}
}
