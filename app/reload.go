package app

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// settle is how long a saved file must be left alone before it is read: editors write in several steps.
const settle = 100 * time.Millisecond

// enter builds the house of a declaration and puts it in force. All that can fail comes first, and the last of it is the
// change of the database; what follows it can't fail, so that there is never a new database under an old house.
//
// allowLoss names what may be dropped from the database, a collection or collection.field; e says how the groups are brought
// into the kernel.
func (a *App) enter(ctx context.Context, c *config.Config, allowLoss []string, e wall.Entering) error {
	h, err := a.assemble(c, a.base)
	if err != nil {
		return err
	}
	defer h.ups.Drop() // does nothing once they are in force
	p, err := a.base.store.Plan(ctx, h.schema.Schema)
	if err != nil {
		return err
	}
	if err := p.Allow(allowLoss); err != nil {
		return err
	}
	if err := p.Err(); err != nil {
		return err
	}
	if err := h.openCalls(a.base, a.options.Dev); err != nil {
		return err
	}
	a.describe(h)
	h.ups.Prove(ctx)                     // servers that are new are asked how they are before they get the first request
	undeclare := a.names.Declare(&c.DNS) // which names could be proven is asked before the swap
	if err := a.base.certs.Enter(c); err != nil {
		undeclare()
		return err
	}
	old := a.house.Load()
	back := func(err error) error { // what others have been told already is taken back
		undeclare()
		if old != nil {
			err = errors.Join(err, a.base.certs.Enter(old.config))
		}
		return err
	}
	if err := a.enterWall(ctx, h, e); err != nil {
		return back(err)
	}
	if err := a.base.store.Apply(ctx, h.schema.Schema, p); err != nil {
		if old != nil {
			err = errors.Join(err, a.enterWall(ctx, old, wall.Entering{LockOut: true}))
		}
		return back(err)
	}
	a.swap(ctx, h)
	return nil
}

// swap puts a house in force: from now on new requests meet it. Those that run end in the old one.
func (a *App) swap(ctx context.Context, h *house) {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	go func() {
		defer close(h.done)
		if err := h.identity.Run(run); err != nil && !errors.Is(err, context.Canceled) {
			a.log.Error("identity", "error", err)
		}
	}()
	h.generation = a.generation + 1
	a.recorder.SetKeep(trace.Keep(h.config.Journeys.Keep))
	a.book.Enter(h.generation, h.config, h.config.Source, a.around.Now())
	old := a.house.Swap(h)
	a.base.health.Enter(h.services())
	a.guardDoors(ctx, h)
	a.base.live.Enter(ctx, h.streams())
	a.names.Enter(h.config, h.zones)
	if a.gate != nil {
		a.gate.Swap(h.table)
		a.gate.SwapPeers(peers(h.config))
		a.gate.SwapHeaders(h.config.Journeys.Headers)
	}
	h.ups.Enter(h.config.Gate.Drain)
	a.generation = h.generation
	a.recorder.SetGeneration(a.generation)
	if old != nil {
		close(old.outward.retired)
		old.stop()
	}
}

// stop ends what the house runs and waits for it.
func (h *house) stop() {
	h.cancel()
	<-h.done
}

// reload reads the declaration again. A good one replaces the old; a bad one changes nothing, and its mistakes are the
// error.
func (a *App) reload(ctx context.Context, e wall.Entering) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	if err := a.keepsPlace(c); err != nil {
		return err
	}
	if err := a.enter(ctx, c, nil, e); err != nil { // a reload loses nothing: who saves the file then is not asked again
		return err
	}
	if err := a.readConsoleCert(c); err != nil {
		a.log.Error("the console's certificate went after it was checked; the old one stays", "error", err)
	}
	return nil
}

// keepsPlace refuses what only a restart can change.
func (a *App) keepsPlace(c *config.Config) error {
	now := a.house.Load().config
	p := c.Problems()
	if c.Store.Database != now.Store.Database || c.Store.Files != now.Store.Files {
		p.Add(c.Store.Pos, "where records and files are kept can't change while the server runs: restart it")
	}
	var first roundtrip.Pos // of the sites
	if len(c.Sites) > 0 {
		first = c.Sites[0].TLS.Pos
	}
	if declare.IsSecure(c) != declare.IsSecure(a.config) {
		p.Add(first, "whether any site has TLS can't change while the server runs: restart it")
	}
	if declare.HasTLS(c, config.TLSLocal) && a.base.authority == "" {
		p.Add(first, "the first site with tls: local needs a restart")
	}
	if len(c.DNS.Zones) > 0 && len(a.config.DNS.Zones) == 0 {
		p.Add(c.DNS.Zones[0].Pos, "the first zone needs a restart: no socket of the name server is open")
	}
	if o, was := c.Console, now.Console; !a.options.Dev && (o.Listen != was.Listen || o.TLS.Mode != was.TLS.Mode || o.Origin != was.Origin) {
		p.Add(o.Pos, "where the console listens, its origin, and whether it has TLS can't change while the server runs: restart it")
	}
	g, was := c.Gate, now.Gate
	if g.Header != was.Header || g.Idle != was.Idle || g.Stall != was.Stall || g.Drain != was.Drain {
		p.Add(g.Pos, "the time-outs of the gate can't change while the server runs: restart it")
	}
	return p.Err()
}

// runReloads reads the declaration again on each signal, and in dev on each save, until ctx ends.
func (a *App) runReloads(ctx context.Context, signals <-chan struct{}) error {
	saved, follow, end, err := a.watch()
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
		case order := <-a.applies:
			began := a.around.Now()
			err := a.reload(ctx, order.how)
			a.keepRefused(err)
			a.sayReloaded(err, began)
			order.done <- err
			follow()
			continue
		}
		began := a.around.Now()
		err := a.reload(ctx, wall.Entering{LockOut: a.options.LockOut})
		a.keepRefused(err)
		a.sayReloaded(err, began)
		follow()
	}
}

// keepRefused remembers why the declaration on the disk is not in force, for whoever asks why nothing has changed.
func (a *App) keepRefused(err error) {
	if err == nil {
		a.refused.Store(nil)
		return
	}
	text := terminal.Explain(err)
	a.refused.Store(&text)
}

// watch tells when the declaration is saved, or a file that it reads beside itself, in dev only. It watches their folders,
// since editors replace files; follow looks which these are now.
func (a *App) watch() (saved <-chan struct{}, follow, end func(), err error) {
	if !a.options.Dev {
		return nil, func() {}, func() {}, nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil, nil, err
	}
	if err := w.Add(a.house.Load().config.Dir); err != nil {
		return nil, nil, nil, errors.Join(err, w.Close())
	}
	follow = func() {
		for _, file := range a.watched() {
			_ = w.Add(filepath.Dir(file)) // it was read from there a moment ago; if the folder is gone since, so is what could be saved
		}
	}
	follow()
	events := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case e, more := <-w.Events:
				if !more {
					return
				}
				if !slices.Contains(a.watched(), filepath.Clean(e.Name)) || e.Op == fsnotify.Chmod {
					continue
				}
			case _, more := <-w.Errors: // events were lost: perhaps the one of a save
				if !more {
					return
				}
			}
			select {
			case events <- struct{}{}:
			default:
			}
		}
	}()
	return events, follow, func() { _ = w.Close(); <-done }, nil
}

// watched are the files whose change is a change of the declaration that is in force.
func (a *App) watched() []string {
	c := a.house.Load().config
	return append([]string{filepath.Join(c.Dir, filepath.Base(c.File))}, c.Beside()...)
}
