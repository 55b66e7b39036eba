package app

import (
	"context"
	"net/http"
	"testing"

	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/why"
)

// Recorder gives tests the journeys: they are the oracle of what happened.
func (a *App) Recorder() *trace.Recorder { return a.recorder }

// HoldReader takes a reader of the database until it is freed.
func (a *App) HoldReader(t *testing.T) (free func()) {
	t.Helper()
	held, done, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- a.base.store.View(context.Background(), func(store.View) error { close(held); <-done; return nil })
	}()
	select {
	case <-held:
	case err := <-ended:
		t.Fatal(err)
	}
	return func() {
		close(done)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// Folder is where the declaration lies.
func (a *App) Folder() string { return a.options.File }

// Metrics gives tests what the console answers to programs that measure.
func (a *App) Metrics() http.Handler { return a.metrics() }

// Begin gives tests what the witness says before a probe.
func (a *App) Begin(ctx context.Context, w why.Wanted) (*why.Begun, error) {
	return a.witness.Begin(ctx, w)
}

// SiteLink gives tests what the console gives to operators.
func (a *App) SiteLink(site string) (string, error) { return a.witness.SiteLink(site) }

// Reload reads the declaration again, as a signal has it done.
func (a *App) Reload(ctx context.Context) error { return a.reload(ctx, wall.Entering{LockOut: true}) }
