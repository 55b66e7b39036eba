package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func concurrentTests() map[string]func(*world) {
	return map[string]func(*world){
		"ThousandAdds": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			w.race(1000, func(int) error {
				_, err := w.write(w.Context(), w.adding(p.ID(), "views", roundtrip.Int(1)), ana)
				return err
			})
			got := w.get("photos", p.ID(), ana)
			equal(w, "views", got.Get("views"), roundtrip.Int(1000))
			equal(w, "etag", got.ETag(), 1001)
		},
		"PatchesOfDifferentFields": func(w *world) {
			ana := w.user("ana")
			for range 50 {
				p := w.photo(ana, nil)
				w.race(2, func(i int) error {
					f := []fields{{"caption": roundtrip.Text("c")}, {"views": roundtrip.Int(7)}}[i]
					_, err := w.write(w.Context(), w.updating("photos", p.ID(), f), ana)
					return err
				})
				got := w.get("photos", p.ID(), ana)
				equal(w, "caption", got.Get("caption"), roundtrip.Text("c"))
				equal(w, "views", got.Get("views"), roundtrip.Int(7))
			}
		},
		"OneLikeWins": func(w *world) {
			ana := w.user("ana")
			p := w.photo(ana, nil)
			var mu sync.Mutex
			won := 0
			w.race(50, func(int) error {
				_, err := w.write(w.Context(), w.creating("likes", fields{"user": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID())}), ana)
				if e, ok := errors.AsType[*roundtrip.Error](err); ok && e.Reason == "store.unique" {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				won++
				return err
			})
			equal(w, "winners", won, 1)
			equal(w, "likes", w.get("photos", p.ID(), ana).Get("likes"), roundtrip.Int(1))
		},
		"SameKeyWritesOnce": func(w *world) {
			ana := w.user("ana")
			w.race(20, func(int) error {
				_, err := w.write(w.Context(), w.keyed(w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), "k", 1), ana)
				return err
			})
			equal(w, "photos", len(w.all("photos", roundtrip.Query{}, ana)), 1)
		},
		"CountersEqualCounts":    countersEqualCounts,
		"CancelledInTheMiddle":   cancelledInTheMiddle,
		"ReadsSeeOneSnapshot":    readsSeeOneSnapshot,
		"OwnWritesAreSeenAtOnce": ownWritesAreSeenAtOnce,
	}
}

// race runs fn n times, on 16 goroutines, and fails with its first error.
func (w *world) race(n int, fn func(i int) error) {
	w.Helper()
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
		w.Fatal(err)
	}
}

// countersEqualCounts likes, unlikes, deletes and batches at random from many goroutines.
func countersEqualCounts(w *world) {
	people := make([]*roundtrip.Principal, 6)
	for i := range people {
		people[i] = w.user(string(rune('a' + i)))
	}
	var photos []roundtrip.ID
	for i := range 12 {
		photos = append(photos, w.photo(people[i%len(people)], nil).ID())
	}
	w.race(600, func(i int) error {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		return w.move(random, people[random.IntN(len(people))], photos)
	})
	for _, p := range w.all("photos", roundtrip.Query{PageSize: 200}, people[0]) {
		for field, collection := range map[string]string{"likes": "likes", "comments": "comments"} {
			_, page, _, err := w.list(w.Context(), collection, roundtrip.Query{Equal: []roundtrip.Equal{{Field: "photo", Value: p.ID().String()}}, Count: true}, people[0])
			if err != nil {
				w.Fatal(err)
			}
			equal(w, field, p.Get(field).Int(), page.Total)
		}
	}
}

// move makes one random write. What fails because another was faster is no error.
func (w *world) move(random *rand.Rand, who *roundtrip.Principal, photos []roundtrip.ID) error {
	w.Helper()
	photo := photos[random.IntN(len(photos))]
	like := w.creating("likes", fields{"user": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(photo)})
	var call *roundtrip.Call
	switch n := random.IntN(10); {
	case n < 4:
		call = like
	case n < 7:
		mine, _, _, err := w.list(w.Context(), "likes", roundtrip.Query{Equal: []roundtrip.Equal{{Field: "user", Value: who.ID.String()}}}, who)
		if err != nil || len(mine) == 0 {
			return err
		}
		call = w.deleting("likes", mine[random.IntN(len(mine))].ID())
	case n < 8:
		call = w.updating("photos", photo, fields{"views": roundtrip.Int(1)})
	case n < 9:
		comment := w.creating("comments", fields{"author": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(photo), "text": roundtrip.Text("x")})
		call = w.batch(comment, like, comment)
	default:
		if random.IntN(8) > 0 {
			return nil
		}
		call = w.deleting("photos", photo)
	}
	_, err := w.write(w.Context(), call, who)
	if e, ok := errors.AsType[*roundtrip.Error](err); ok && e.Kind != roundtrip.Internal && e.Kind != roundtrip.Unavailable {
		return nil
	}
	return err
}

// cancelledInTheMiddle deletes photos with many comments for callers who leave before it is done, beside others whose
// writes share the group. Each delete happens wholly or not at all, and the others lose nothing.
func cancelledInTheMiddle(w *world) {
	ana := w.user("ana")
	counted := w.photo(ana, nil)
	var photos []roundtrip.ID
	for range 8 {
		p := w.photo(ana, nil)
		photos = append(photos, p.ID())
		for range 10 {
			var ops []*roundtrip.Call
			for range 100 {
				ops = append(ops, w.creating("comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("x")}))
			}
			if _, err := w.write(w.Context(), w.batch(ops...), ana); err != nil {
				w.Fatal(err)
			}
		}
	}
	w.race(16*len(photos), func(i int) error {
		if i%16 > 0 {
			_, err := w.write(w.Context(), w.adding(counted.ID(), "views", roundtrip.Int(1)), ana)
			return err
		}
		ctx, cancel := context.WithTimeout(w.Context(), time.Duration(i/16)*2*time.Millisecond)
		defer cancel()
		_, err := w.write(ctx, w.deleting("photos", photos[i/16]), ana)
		if e, ok := errors.AsType[*roundtrip.Error](err); ok && e.Kind == roundtrip.Deadline {
			return nil
		}
		return err
	})
	equal(w, "views", w.get("photos", counted.ID(), ana).Get("views"), roundtrip.Int(int64(15*len(photos))))
	for _, id := range photos {
		_, page, _, err := w.list(w.Context(), "comments", roundtrip.Query{Equal: []roundtrip.Equal{{Field: "photo", Value: id.String()}}, Count: true, PageSize: 1}, ana)
		if err != nil {
			w.Fatal(err)
		}
		left := int64(0)
		if p, err := w.read(w.Context(), "photos", id, ana); err == nil {
			left = p.Get("comments").Int()
			equal(w, "comments of a photo that stayed", left, 1000)
		}
		equal(w, "comments", page.Total, left)
	}
}

// readsSeeOneSnapshot moves an amount between two photos in batches; every view must find the same total, also in two
// statements.
func readsSeeOneSnapshot(w *world) {
	ana := w.user("ana")
	a, b := w.photo(ana, fields{"views": roundtrip.Int(1000)}), w.photo(ana, fields{"views": roundtrip.Int(0)})
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				if _, err := w.write(w.Context(), w.batch(w.adding(a.ID(), "views", roundtrip.Int(-1)), w.adding(b.ID(), "views", roundtrip.Int(1))), ana); err != nil {
					w.Error(err)
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
	w.race(500, func(int) error {
		return w.View(w.Context(), func(v store.View) error {
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

func ownWritesAreSeenAtOnce(w *world) {
	ana := w.user("ana")
	w.race(200, func(int) error {
		result, err := w.write(w.Context(), w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), ana)
		if err != nil {
			return err
		}
		_, err = w.read(w.Context(), "photos", result.Records[0].ID(), ana)
		return err
	})
}
