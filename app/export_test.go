package app

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
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

// IsOurs is how the records of probes are found.
var IsOurs = isOurs

// Unnamed shortens a client's address in what the console shows of dropped packets.
func Unnamed(client netip.Addr, sentence string) (from, short string) {
	return unnamed(client, sentence)
}

// SiteLink gives tests what the console gives to operators.
func (a *App) SiteLink(site string) (string, error) { return a.siteLink(site) }

// Reload reads the declaration again, as a signal has it done.
func (a *App) Reload(ctx context.Context) error { return a.reload(ctx, wall.Entering{LockOut: true}) }
