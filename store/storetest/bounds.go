package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func boundTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"PoolExhausted": func(t *testing.T, w *world) {
			release := make(chan struct{})
			busy := make(chan struct{}, w.PoolMax)
			var readers sync.WaitGroup
			for range w.PoolMax {
				readers.Go(func() {
					err := w.View(t.Context(), func(store.View) error {
						busy <- struct{}{}
						<-release
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			for range w.PoolMax {
				<-busy
			}
			err := w.View(t.Context(), func(store.View) error { return nil })
			close(release)
			readers.Wait()
			if e := wants(t, err, roundtrip.Unavailable, "store.pool_exhausted"); e.Retry <= 0 {
				t.Fatal("it does not say when to try again")
			}
			if err := w.View(t.Context(), func(store.View) error { return nil }); err != nil {
				t.Fatal(err)
			}
		},
		"CancelledBeforeTheWrite": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := w.write(ctx, w.creating(t, "photos", fields{"author": roundtrip.Ref(ana.ID)}), ana)
			wants(t, err, roundtrip.Deadline, "client.aborted")
			equal(t, "photos", len(w.all(t, "photos", roundtrip.Query{}, ana)), 0)
		},
		"DeadlineOfTheCaller": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			w.crowd(t, ana)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			<-ctx.Done()
			_, _, _, err := w.list(ctx, "photos", roundtrip.Query{Filter: slowFilter, Count: true}, ana)
			wants(t, err, roundtrip.Deadline, "store.deadline")
			w.photo(t, ana, nil) // and all is well after it
			w.all(t, "photos", roundtrip.Query{PageSize: 1}, ana)
		},
	}
}

// slowFilter takes some milliseconds over the crowd, so that a statement is interrupted in the middle.
const slowFilter = `photos.exists(a, a.caption == record.caption && a.views > record.views)`

// crowd makes many photos with the same caption.
func (w *world) crowd(t *testing.T, who *roundtrip.Principal) {
	t.Helper()
	for range 10 {
		var ops []*roundtrip.Call
		for range 100 {
			ops = append(ops, w.creating(t, "photos", fields{"author": roundtrip.Ref(who.ID), "caption": roundtrip.Text("same"), "views": roundtrip.Int(1)}))
		}
		if _, err := w.write(t.Context(), w.batch(t, ops...), who); err != nil {
			t.Fatal(err)
		}
	}
}
