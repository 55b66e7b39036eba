package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func concurrentTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"ThousandAdds": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			w.race(t, 1000, func(int) error {
				_, err := w.write(t.Context(), w.adding(t, p.ID(), "views", roundtrip.Int(1)), ana)
				return err
			})
			got := w.get(t, "photos", p.ID(), ana)
			equal(t, "views", got.Get("views"), roundtrip.Int(1000))
			equal(t, "etag", got.ETag(), 1001)
		},
		"PatchesOfDifferentFields": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			for range 50 {
				p := w.photo(t, ana, nil)
				w.race(t, 2, func(i int) error {
					f := []fields{{"caption": roundtrip.Text("c")}, {"views": roundtrip.Int(7)}}[i]
					_, err := w.write(t.Context(), w.updating(t, "photos", p.ID(), f), ana)
					return err
				})
				got := w.get(t, "photos", p.ID(), ana)
				equal(t, "caption", got.Get("caption"), roundtrip.Text("c"))
				equal(t, "views", got.Get("views"), roundtrip.Int(7))
			}
		},
		"OneLikeWins": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			p := w.photo(t, ana, nil)
			var mu sync.Mutex
			won := 0
			w.race(t, 50, func(int) error {
				_, err := w.write(t.Context(), w.creating(t, "likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}), ana)
				if e, ok := errors.AsType[*roundtrip.Error](err); ok && e.Reason == "store.unique" {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				won++
				return err
			})
			equal(t, "winners", won, 1)
			equal(t, "likes", w.get(t, "photos", p.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
		"SameKeyWritesOnce": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			w.race(t, 20, func(int) error {
				_, err := w.write(t.Context(), w.keyed(w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 1), ana)
				return err
			})
			equal(t, "photos", len(w.all(t, "photos", roundtrip.Query{}, ana)), 1)
		},
		"CountersEqualCounts":    countersEqualCounts,
		"ReadsSeeOneSnapshot":    readsSeeOneSnapshot,
		"OwnWritesAreSeenAtOnce": ownWritesAreSeenAtOnce,
	}
}

// race runs fn n times, on 16 goroutines, and fails with its first error.
func (w *world) race(t *testing.T, n int, fn func(i int) error) {
	t.Helper()
	errs := make(chan error, n)
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var group sync.WaitGroup
	for range min(n, 16) {
		group.Go(func() {
			for i := range next {
				if err := fn(i); err != nil {
					errs <- err
				}
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
}

// countersEqualCounts likes, unlikes, deletes and batches at random from many goroutines.
func countersEqualCounts(t *testing.T, w *world) {
	people := make([]*roundtrip.Principal, 6)
	for i := range people {
		people[i] = w.user(t, string(rune('a'+i)))
	}
	var photos []roundtrip.ID
	for i := range 12 {
		photos = append(photos, w.photo(t, people[i%len(people)], nil).ID())
	}
	w.race(t, 600, func(i int) error {
		random := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // the same moves each time
		return w.move(t, random, people[random.IntN(len(people))], photos)
	})
	for _, p := range w.all(t, "photos", roundtrip.Query{PageSize: 200}, people[0]) {
		for field, collection := range map[string]string{"likes": "likes", "comments": "comments"} {
			_, page, _, err := w.list(t.Context(), collection, roundtrip.Query{Equal: []roundtrip.Equal{{Field: "photo", Value: p.ID().String()}}, Count: true}, people[0])
			if err != nil {
				t.Fatal(err)
			}
			equal(t, field, p.Get(field).Int(), page.Total)
		}
	}
}

// move makes one random write. What fails because another was faster is no error.
func (w *world) move(t *testing.T, random *rand.Rand, who *roundtrip.Principal, photos []roundtrip.ID) error {
	t.Helper()
	photo := photos[random.IntN(len(photos))]
	like := w.creating(t, "likes", fields{"user": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(photo)})
	var call *roundtrip.Call
	switch n := random.IntN(10); {
	case n < 4:
		call = like
	case n < 7:
		mine, _, _, err := w.list(t.Context(), "likes", roundtrip.Query{Equal: []roundtrip.Equal{{Field: "user", Value: who.ID.String()}}}, who)
		if err != nil || len(mine) == 0 {
			return err
		}
		call = w.deleting(t, "likes", mine[random.IntN(len(mine))].ID())
	case n < 8:
		call = w.updating(t, "photos", photo, fields{"views": roundtrip.Int(1)})
	case n < 9:
		comment := w.creating(t, "comments", fields{"author": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(photo), "text": roundtrip.Text("x")})
		call = w.batch(t, comment, like, comment)
	default:
		if random.IntN(8) > 0 {
			return nil
		}
		call = w.deleting(t, "photos", photo)
	}
	_, err := w.write(t.Context(), call, who)
	if e, ok := errors.AsType[*roundtrip.Error](err); ok && e.Kind != roundtrip.Internal && e.Kind != roundtrip.Unavailable {
		return nil
	}
	return err
}

// readsSeeOneSnapshot moves an amount between two photos in batches; every view must find the same total, also in two
// statements.
func readsSeeOneSnapshot(t *testing.T, w *world) {
	ana := w.user(t, "ana")
	a, b := w.photo(t, ana, fields{"views": roundtrip.Int(1000)}), w.photo(t, ana, fields{"views": roundtrip.Int(0)})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				if _, err := w.write(t.Context(), w.batch(t, w.adding(t, a.ID(), "views", roundtrip.Int(-1)), w.adding(t, b.ID(), "views", roundtrip.Int(1))), ana); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	permits := make(map[roundtrip.ID]func(store.View, *int64) error)
	for _, p := range []*roundtrip.Record{a, b} {
		at, _ := p.Collection.Lookup("views")
		permits[p.ID()] = func(v store.View, sum *int64) error {
			permit, err := w.rules.Decide(&roundtrip.Call{Action: roundtrip.Get, Collection: p.Collection, ID: p.ID()}, ana)
			if err != nil {
				return err
			}
			return v.Get(permit, func(row roundtrip.Row) error {
				*sum += row.Int(at)
				return nil
			})
		}
	}
	w.race(t, 500, func(int) error {
		return w.View(t.Context(), func(v store.View) error {
			var sum int64
			if err := errors.Join(permits[a.ID()](v, &sum), permits[b.ID()](v, &sum)); err != nil {
				return err
			}
			if sum != 1000 {
				return errors.New("the view is torn")
			}
			return nil
		})
	})
	stop()
	writers.Wait()
}

func ownWritesAreSeenAtOnce(t *testing.T, w *world) {
	ana := w.user(t, "ana")
	w.race(t, 200, func(int) error {
		result, err := w.write(t.Context(), w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), ana)
		if err != nil {
			return err
		}
		_, err = w.read(t.Context(), "photos", result.Records[0].ID(), ana)
		return err
	})
}
