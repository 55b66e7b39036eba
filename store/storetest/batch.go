package storetest

import (
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func batchTests() map[string]func(*world) {
	return map[string]func(*world){
		"LaterSeesEarlier": func(w *world) {
			ana := w.user("ana")
			id := w.IDs.Next()
			result, err := w.write(w.Context(), w.batch(
				w.creating("photos", fields{"id": roundtrip.Ref(id), "author": roundtrip.Ref(ana.ID)}),
				w.creating("likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(id)}),
				w.updating("photos", id, fields{"caption": roundtrip.Text("b")}),
				w.deleting("photos", id),
			), ana)
			if err != nil {
				w.Fatal(err)
			}
			equal(w, "records", len(result.Records), 4)
			equal(w, "likes seen by the update", result.Records[2].Get("likes"), roundtrip.Int(1))
			equal(w, "etag", result.Records[2].ETag(), 2)
			if result.Records[3] != nil {
				w.Fatal("a delete has no record")
			}
			equal(w, "likes", len(w.all("likes", roundtrip.Query{}, ana)), 0)
		},
		"AllOrNothing": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			before, _ := w.Changes(w.Context(), 0, 100)
			_, err := w.write(w.Context(), w.batch(
				w.creating("likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}),
				w.updating("photos", p.ID(), fields{"caption": roundtrip.Text("b")}),
				w.creating("likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}),
			), ana)
			e := wants(w, err, roundtrip.Conflict, "store.unique")
			equal(w, "pointer", e.Details[0].Pointer, "/ops/2/user")
			got := w.get("photos", p.ID(), ana)
			equal(w, "likes", got.Get("likes"), roundtrip.Int(0))
			equal(w, "etag", got.ETag(), 1)
			equal(w, "records", len(w.all("likes", roundtrip.Query{}, ana)), 0)
			after, err := w.Changes(w.Context(), 0, 100)
			if err != nil || len(after) != len(before) {
				w.Fatalf("changes %d, were %d (%v)", len(after), len(before), err)
			}
		},
		"ErrorsWithoutDetailsPointToo": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			_, err := w.write(w.Context(), w.batch(w.deleting("photos", p.ID()), w.deleting("photos", p.ID())), ana)
			e := wants(w, err, roundtrip.Missing, "store.missing")
			equal(w, "pointer", e.Details[0].Pointer, "/ops/1")
			w.get("photos", p.ID(), ana)
		},
	}
}

func keyTests() map[string]func(*world) {
	return map[string]func(*world){
		"RetryAnswersTheSame": func(w *world) {
			ana := w.user("ana")
			call := w.keyed(w.creating("photos", fields{"author": roundtrip.Ref(ana.ID), "rating": roundtrip.Float(0.1), "views": roundtrip.Int(1 << 62)}), "k", 1)
			first, err := w.write(w.Context(), call, ana)
			if err != nil {
				w.Fatal(err)
			}
			w.must(w.updating("photos", first.Records[0].ID(), fields{"caption": roundtrip.Text("later")}), ana)
			again, err := w.write(w.Context(), call, ana)
			if err != nil {
				w.Fatal(err)
			}
			if first.Replayed || !again.Replayed {
				w.Fatal("only the second is replayed")
			}
			for i, v := range first.Records[0].Values {
				equal(w, first.Records[0].Collection.Fields[i].Name, again.Records[0].Values[i], v)
			}
			equal(w, "photos", len(w.all("photos", roundtrip.Query{}, ana)), 1)
		},
		"OtherRequestIsRefused": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			w.must(w.keyed(w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 1), ana)
			_, err := w.write(w.Context(), w.keyed(w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 2), ana)
			wants(w, err, roundtrip.Unprocessable, "store.key_reused")
			w.must(w.keyed(w.creating("photos", fields{"author": roundtrip.Ref(bo.ID)}), "k", 3), bo) // keys are one's own
		},
		"StrangersShareNoKeys": func(w *world) {
			stranger := &roundtrip.Principal{}
			sign := func(handle, addr string) *store.Result {
				call := w.keyed(w.creating("users", fields{"handle": roundtrip.Text(handle)}), "k", 1)
				call.Addr = netip.MustParseAddr(addr)
				result, err := w.write(w.Context(), call, stranger)
				if err != nil {
					w.Fatal(err)
				}
				return result
			}
			ana, bo, again := sign("ana", "192.0.2.1"), sign("bo", "192.0.2.2"), sign("ana", "192.0.2.1")
			if bo.Replayed || bo.Records[0].Get("handle").Text() != "bo" {
				w.Fatal("a stranger was answered what another one was")
			}
			if !again.Replayed || again.Records[0].ID() != ana.Records[0].ID() {
				w.Fatal("a stranger's retry was done again")
			}
		},
		"FailureIsNotKept": func(w *world) {
			ana := w.user("ana")
			id := w.IDs.Next()
			call := w.keyed(w.creating("likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(id)}), "k", 1)
			if _, err := w.write(w.Context(), call, ana); err == nil {
				w.Fatal("there is no such photo")
			}
			w.photo(ana, fields{"id": roundtrip.Ref(id)})
			w.must(call, ana)
		},
		"DeleteAndBatch": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			for range 2 {
				result, err := w.write(w.Context(), w.keyed(w.deleting("photos", p.ID()), "d", 1), ana)
				if err != nil || len(result.Records) != 1 || result.Records[0] != nil {
					w.Fatalf("%v %v", result, err)
				}
			}
			b := w.keyed(w.batch(w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)})), "b", 1)
			var ids [2]roundtrip.ID
			for i := range 2 {
				result, err := w.write(w.Context(), b, ana)
				if err != nil {
					w.Fatal(err)
				}
				ids[i] = result.Records[1].ID()
			}
			equal(w, "the same record", ids[1], ids[0])
		},
		"ForgottenAfterADay": func(w *world) {
			ana := w.user("ana")
			call := w.keyed(w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 1)
			first := w.must(call, ana)
			w.Advance(25 * time.Hour)
			again := w.must(call, ana)
			if first.ID() == again.ID() {
				w.Fatal("the key should be forgotten")
			}
		},
	}
}

func (w *world) keyed(call *roundtrip.Call, key string, request byte) *roundtrip.Call {
	call.Key, call.KeyHash = key, [32]byte{request}
	return call
}

func changeTests() map[string]func(*world) {
	return map[string]func(*world){
		"OneRowAWriteInOrder": func(w *world) {
			ana := w.user("ana")
			var told []roundtrip.Change
			w.OnCommit(func(c []roundtrip.Change) { told = append(told, c...) })
			p := w.photo(ana, nil)
			like := w.like(ana, p.ID())
			w.must(w.updating("photos", p.ID(), fields{"caption": roundtrip.Text("x")}), ana)
			w.mustDelete("photos", p.ID(), ana)
			got, err := w.Changes(w.Context(), 1, 100) // after the account
			if err != nil {
				w.Fatal(err)
			}
			want := []roundtrip.Change{
				{Position: 2, Collection: p.Collection, ID: p.ID(), Action: roundtrip.Create},
				{Position: 3, Collection: like.Collection, ID: like.ID(), Action: roundtrip.Create},
				{Position: 4, Collection: p.Collection, ID: p.ID(), Action: roundtrip.Update, Counts: true},
				{Position: 5, Collection: p.Collection, ID: p.ID(), Action: roundtrip.Update},
				{Position: 6, Collection: like.Collection, ID: like.ID(), Action: roundtrip.Delete},
				{Position: 7, Collection: p.Collection, ID: p.ID(), Action: roundtrip.Delete},
			}
			for i := range want {
				if i >= len(got) || got[i] != want[i] || told[i] != want[i] {
					w.Fatalf("got %v, told %v, want %v", got, told, want)
				}
			}
			equal(w, "changes", len(got), len(want))
		},
		"CountsOnlyOnceAGroup": func(w *world) {
			ana := w.user("ana")
			p, other := w.photo(ana, nil), w.photo(ana, nil)
			position := func() (at int64) {
				err := w.View(w.Context(), func(v store.View) (err error) { at, err = v.Position(); return err })
				if err != nil {
					w.Fatal(err)
				}
				return at
			}
			before := position()
			comment := func(of roundtrip.ID) roundtrip.Call {
				return *w.creating("comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(of), "text": roundtrip.Text("x")})
			}
			batch := &roundtrip.Call{Action: roundtrip.Batch, Ops: []roundtrip.Call{
				comment(p.ID()), comment(p.ID()), comment(other.ID()), *w.updating("photos", other.ID(), fields{"caption": roundtrip.Text("x")}),
			}}
			w.must(batch, ana)
			got, err := w.Changes(w.Context(), before, 100)
			if err != nil || int64(len(got)) != position()-before {
				w.Fatal(got, err)
			}
			counts := 0
			for _, c := range got {
				if c.Counts {
					counts++
					equal(w, "of", c.ID, p.ID()) // the other one has a change of its own
				}
			}
			equal(w, "counts", counts, 1)
		},
		"ChangesOfASnapshotEndWithIt": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			err := w.View(w.Context(), func(v store.View) error {
				at, err := v.Position()
				if err != nil {
					return err
				}
				w.photo(ana, nil) // committed, and no part of what is read here
				got, err := v.Changes(at-1, 100)
				if err != nil || len(got) != 1 || got[0].ID != p.ID() || got[0].Position != at {
					w.Error(at, got, err)
				}
				got, err = v.Changes(at, 100)
				if len(got) != 0 {
					w.Error("after the snapshot:", got)
				}
				return err
			})
			if err != nil {
				w.Fatal(err)
			}
		},
		"EpochAndFloorStandStill": func(w *world) {
			one, err := w.Epoch(w.Context())
			w.user("ana")
			two, again := w.Epoch(w.Context())
			floor, third := w.Floor(w.Context())
			if err != nil || again != nil || third != nil || len(one) != 8 || one != two || floor != 0 {
				w.Fatal(err, again, third, one, two, floor)
			}
		},
		"JobsComeAgainUntilFinished": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, fields{"image": file("one")})
			w.mustDelete("photos", p.ID(), ana)
			claim := func() []store.Job {
				jobs, err := w.ClaimJobs(w.Context(), store.JobFilesRemove, 10)
				if err != nil {
					w.Fatal(err)
				}
				return jobs
			}
			equal(w, "first", len(claim()), 1)
			equal(w, "leased", len(claim()), 0)
			w.Advance(2 * time.Minute)
			again := claim()
			equal(w, "again", len(again), 1)
			equal(w, "tries", again[0].Tries, 2)
			if err := w.FinishJob(w.Context(), again[0].ID); err != nil {
				w.Fatal(err)
			}
			w.Advance(time.Hour)
			equal(w, "finished", len(claim()), 0)
		},
		"SecretStays": func(w *world) {
			a, err := w.Secret(w.Context(), "pages")
			b, again := w.Secret(w.Context(), "pages")
			other, third := w.Secret(w.Context(), "other")
			if err != nil || again != nil || third != nil || len(a) != 32 || string(a) != string(b) || string(a) == string(other) {
				w.Fatal(err, again, third, a, b, other)
			}
		},
	}
}
