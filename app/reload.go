package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/roundtrip-dev/roundtrip/config"
)

// settle is how long a saved file must be left alone before it is read: editors write in several steps.
const settle = 100 * time.Millisecond

// build makes the house of a declaration and brings the database to it.
func (a *App) build(ctx context.Context, c *config.Config) (*house, error) {
	h, err := a.assemble(c, a.base)
	if err != nil {
		return nil, err
	}
	p, err := a.base.store.Plan(ctx, h.schema.Schema)
	if err != nil {
		return nil, err
	}
	return h, a.base.store.Apply(ctx, h.schema.Schema, p)
}

// swap puts a house in force: from now on new requests meet it. Those that run end in the old one.
func (a *App) swap(ctx context.Context, h *house) error {
	if err := a.base.certs.Load(h.config.Sites); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	go func() {
		defer close(h.done)
		if err := h.identity.Run(run); err != nil && !errors.Is(err, context.Canceled) {
			a.log.Error("identity", "error", err)
		}
	}()
	old := a.house.Swap(h)
	if a.gate != nil {
		a.gate.Swap(h.table)
	}
	a.generation++
	a.recorder.SetGeneration(a.generation)
	if old != nil {
		old.stop()
	}
	return nil
}

// stop ends what the house runs and waits for it.
func (h *house) stop() {
	h.cancel()
	<-h.done
}

// reload reads the declaration again. A good one replaces the old; a bad one changes nothing, and its mistakes are the
// error.
func (a *App) reload(ctx context.Context) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	if err := a.keepsPlace(c); err != nil {
		return err
	}
	h, err := a.build(ctx, c)
	if err != nil {
		return err
	}
	return a.swap(ctx, h)
}

// keepsPlace refuses what only a restart can change.
func (a *App) keepsPlace(c *config.Config) error {
	now := a.house.Load().config
	p := c.Problems()
	if c.Store.Database != now.Store.Database || c.Store.Files != now.Store.Files {
		p.Add(c.Store.Pos, "where records and files are kept can't change while the server runs: restart it")
	}
	if secure := hasTLS(c, config.TLSLocal, config.TLSFiles); secure != hasTLS(a.config, config.TLSLocal, config.TLSFiles) {
		p.Add(c.Sites[0].TLS.Pos, "whether any site has TLS can't change while the server runs: restart it")
	}
	if hasTLS(c, config.TLSLocal) && a.base.authority == "" {
		p.Add(c.Sites[0].TLS.Pos, "the first site with tls: local needs a restart")
	}
	return p.Err()
}

// runReloads reads the declaration again on each signal, and in dev on each save, until ctx ends.
func (a *App) runReloads(ctx context.Context, signals <-chan struct{}) error {
	saved, end, err := a.watch()
	if err != nil {
		return err
	}
	defer end()
	var pending <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-saved:
			pending = time.After(settle)
			continue
		case <-pending:
			pending = nil
		case <-signals:
		}
		began := a.around.Now()
		a.sayReloaded(a.reload(ctx), began)
	}
}

// watch tells when the declaration is saved, in dev only. It watches the folder, since editors replace files.
func (a *App) watch() (saved <-chan struct{}, end func(), err error) {
	if !a.options.Dev {
		return nil, func() {}, nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil, err
	}
	file := a.house.Load().config.File
	if err := w.Add(filepath.Dir(file)); err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	events := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range w.Events {
			if filepath.Base(e.Name) != filepath.Base(file) || e.Op == fsnotify.Chmod {
				continue
			}
			select {
			case events <- struct{}{}:
			default:
			}
		}
	}()
	return events, func() { _ = w.Close(); <-done }, nil
}
