package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func boundTests() map[string]func(*world) {
	return map[string]func(*world){
		"PoolExhausted": func(w *world) {
			release := make(chan struct{})
			busy := make(chan struct{}, w.PoolMax)
			var readers sync.WaitGroup
			for range w.PoolMax {
				readers.Go(func() {
					err := w.View(w.Context(), func(store.View) error {
						busy <- struct{}{}
						<-release
						return nil
					})
					if err != nil {
						w.Error(err)
					}
				})
			}
			for range w.PoolMax {
				<-busy
			}
			err := w.View(w.Context(), func(store.View) error { return nil })
			close(release)
			readers.Wait()
			if e := wants(w, err, roundtrip.Unavailable, "store.pool_exhausted"); e.Retry <= 0 {
				w.Fatal("it does not say when to try again")
			}
			if err := w.View(w.Context(), func(store.View) error { return nil }); err != nil {
				w.Fatal(err)
			}
		},
		"CancelledBeforeTheWrite": func(w *world) {
			ana := w.user("ana")
			ctx, cancel := context.WithCancel(w.Context())
			cancel()
			_, err := w.write(ctx, w.creating("photos", fields{"author": roundtrip.Ref(ana.ID)}), ana)
			wants(w, err, roundtrip.Deadline, "client.aborted")
			equal(w, "photos", len(w.all("photos", roundtrip.Query{}, ana)), 0)
		},
		"DeadlineOfTheCaller": func(w *world) {
			ana := w.user("ana")
			w.crowd(ana)
			ctx, cancel := context.WithTimeout(w.Context(), time.Millisecond)
			defer cancel()
			<-ctx.Done()
			_, _, _, err := w.list(ctx, "photos", roundtrip.Query{Filter: slowFilter, Count: true}, ana)
			wants(w, err, roundtrip.Deadline, "store.deadline")
			w.photo(ana, nil) // and all is well after it
			w.all("photos", roundtrip.Query{PageSize: 1}, ana)
		},
	}
}

// slowFilter takes some milliseconds over the crowd, so that a statement is interrupted in the middle.
const slowFilter = `photos.exists(a, a.author == record.author && a.caption == record.caption && a.views > record.views)`

// crowd makes many photos with the same caption.
func (w *world) crowd(who *roundtrip.Principal) {
	w.Helper()
	for range 10 {
		var ops []*roundtrip.Call
		for range 100 {
			ops = append(ops, w.creating("photos", fields{"author": roundtrip.Ref(who.ID), "caption": roundtrip.Text("same"), "views": roundtrip.Int(1)}))
		}
		if _, err := w.write(w.Context(), w.batch(ops...), who); err != nil {
			w.Fatal(err)
		}
	}
}
