// Package app assembles the stations in path order, owns their lifetimes, and swaps a new declaration in while the old
// one finishes its requests. journey.go is the page to read first: it is the path, line by line.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/certs"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/overview"
	"github.com/roundtrip-dev/roundtrip/app/places"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/app/witness"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/internal/lifetime"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options says what to run and where to listen.
type Options struct {
	File        string // a roundtrip.yaml or its folder
	Dev         bool   // loopback names, own authority, reload on save, demo data
	HTTPS, HTTP string // host:port
	Console     string // the same of the operator's console; "" as declared, and in Dev for none
	DNS         string // the same of the name server, several joined by commas; only opened where zones are declared
	Data        string // keeps database and files here instead of where the declaration says; "" for there
	NoDemo      bool   // Dev: leave an empty database empty

	Roles   []string           // of this machine, for the firewall; none: those among whose machines it is
	LockOut bool               // the groups may refuse sessions of this machine's operators
	Enforce config.Enforcement // instead of the declared one; "" leaves that

	AllowDataLoss []string // what may be dropped at the start: a collection, or collection.field

	// Hint decides when a commit wakes the streams, if at all; nil: at once. It must not wait. Tests lose, delay and repeat
	// wake-ups with it: nothing but the delay may come of that.
	Hint func(wake func())
}

// DevHTTPS is where dev serves HTTPS if nobody says otherwise.
const DevHTTPS = "127.0.0.1:8443"

// App is one running server.
type App struct {
	options Options
	around  process.Surroundings
	log     *slog.Logger
	started time.Time

	config      *config.Config // the first one; house has the one in force
	recorder    *trace.Recorder
	lookups     lookups          // who asked our name server for what
	witness     *witness.Witness // of probes; nil in commands
	lines       *trace.Log       // nil: no access log
	base        *base
	gate        *gate.Gate
	doors       *doors.Doors                    // nil: not open yet
	console     *console.Console                // nil: it listens nowhere
	consoleCert atomic.Pointer[tls.Certificate] // nil: none is declared
	names       *names.Server                   // nil: no server runs
	house       atomic.Pointer[house]
	generation  uint32
	guard       wall.Guard
	wall        *wall.Wall               // nil: the kernel is left alone
	seen        *wall.Seen               // nil in commands
	applies     chan applying            // orders to read the declaration again and bring its groups into the kernel
	closing     chan struct{}            // closed when no orders are taken any more
	serves      bool                     // it opens doors; false where a command only looks at a declaration
	hint        chan struct{}            // tells the jobs that there may be one
	book        places.Book              // where in the declarations stands what journeys were decided by
	looked      *overview.Overview       // nil until the doors are open
	missing     atomic.Pointer[[]string] // folders of pages that were told not to be there; nil: none was looked for yet
	refused     atomic.Pointer[string]   // why the declaration on the disk is not in force; nil: it is, as far as we were told to read it
}

// Version returns the version that the program was built as.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// New reads and builds the declaration. It opens nothing; its error is a *config.Problems with every mistake of the file,
// or says which combination is unsafe.
func New(o Options, s process.Surroundings) (*App, error) {
	a := &App{options: o, around: s, serves: true, started: s.Now(), log: slog.New(slog.NewJSONHandler(s.Err, nil)), hint: make(chan struct{}, 1), applies: make(chan applying), closing: make(chan struct{})}
	if o.Dev {
		a.log = slog.New(newPlainLog(s.Err))
	}
	c, err := a.load()
	if err != nil {
		return nil, err
	}
	a.config = c
	a.guard.Now = s.Now
	switch {
	case c.Journeys.Log && o.Dev:
		a.lines = trace.NewPlainLog(s.Out)
	case c.Journeys.Log:
		a.lines = trace.NewLog(s.Err)
	}
	if !c.Journeys.Off {
		a.recorder = trace.New(trace.Options{Now: s.Now, Recent: c.Journeys.Recent, Kept: c.Journeys.Kept, Log: a.lines, Keep: trace.Keep(c.Journeys.Keep)})
	}
	a.guard.Recorder = a.recorder
	return a, nil
}

// load reads the declaration as this run sees it.
func (a *App) load() (*config.Config, error) {
	c, err := declare.Read(a.options.File, a.options.Data, a.around)
	if err != nil {
		return nil, err
	}
	if a.options.Dev {
		_, port, err := net.SplitHostPort(a.options.HTTPS)
		if err != nil {
			return nil, roundtrip.E(roundtrip.Invalid, "start.address", "--https %s is no address: write host:port, such as 127.0.0.1:8443", a.options.HTTPS)
		}
		dev := c.Dev(port)
		if err := declare.FileProblems(dev, a.around.Now()); err != nil {
			return nil, err
		}
		return dev, refuseLoops(dev, a.options)
	}
	if err := certs.CertProblems(c); err != nil {
		return nil, err
	}
	if err := declare.FileProblems(c, a.around.Now()); err != nil {
		return nil, err
	}
	if err := consoleProblems(c, a.around.Now()); err != nil {
		return nil, err
	}
	return c, refuseUnsafe(c, a.options)
}

// refuseUnsafe names the combinations that production doesn't run.
func refuseUnsafe(c *config.Config, o Options) error {
	for _, s := range c.Sites {
		if s.TLS.Mode == config.TLSOff && !doors.Loopback(o.HTTP) {
			return roundtrip.E(roundtrip.Invalid, "start.unsafe",
				`site %s has tls: off, but HTTP listens on %s, which others can reach: passwords would travel in the clear. `+
					`Listen on loopback behind a proxy (--http 127.0.0.1:8000), or give the site certificate files`, s.Name, o.HTTP)
		}
	}
	return refuseLoops(c, o)
}

// refuseLoops refuses routes that lead to this server itself.
func refuseLoops(c *config.Config, o Options) error {
	p := c.Problems()
	for _, s := range c.Sites {
		for _, r := range s.Routes {
			if r.Proxy == nil {
				continue
			}
			for _, u := range r.Proxy.Upstreams {
				if isDoor(u.Address, o.HTTP) || isDoor(u.Address, o.HTTPS) {
					p.Add(u.Pos, "this server listens on %s itself, so the request would come back", u.Address).
						Expect("the address of the server behind it, or another port for this one (--http, --https)")
				}
			}
		}
	}
	return p.Err()
}

// isDoor reports whether an address of loopback has the port that we listen on.
func isDoor(address, door string) bool {
	_, port, err := net.SplitHostPort(address)
	_, ours, wrong := net.SplitHostPort(door)
	return err == nil && wrong == nil && port == ours && doors.Loopback(address)
}

// Run serves until ctx ends, and reads the declaration again whenever reload says so. It returns when every goroutine has
// ended and the store is closed.
func (a *App) Run(ctx context.Context, reload <-chan struct{}) (err error) {
	if a.base, err = a.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.base.store.Close()) }()
	defer a.base.ups.Close()
	if err := a.openWall(ctx); err != nil {
		return err
	}
	if err := a.openSeen(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.wall.GiveUp(context.WithoutCancel(ctx))) }()
	if err := a.enter(ctx, a.config, a.options.AllowDataLoss, a.firstEntering()); err != nil {
		return err
	}
	defer func() { a.house.Load().stop() }()
	first := a.house.Load()
	if err := first.recoverFiles(ctx, a.base); err != nil {
		return err
	}
	a.base.store.OnCommit(a.committed)
	if err := a.openWitness(); err != nil {
		return err
	}
	doors, err := a.listen(ctx)
	if err != nil {
		return err
	}
	defer doors.Close()
	a.doors = doors
	if err := a.names.Listen(ctx); err != nil {
		return err
	}
	defer a.names.Close()
	a.openOverview()
	if err := a.openConsole(ctx); err != nil {
		return err
	}
	if a.options.Dev && !a.options.NoDemo { // it takes a while: a port that is taken is told before
		if err := a.fillDemo(ctx, first); err != nil {
			return err
		}
	}
	err = lifetime.Run(ctx, func() { a.sayReady(doors) }, a.parts(doors, reload)...)
	a.sayStopped(err)
	return err
}

// parts lists what runs, the innermost first; it stops in reverse: the doors first.
func (a *App) parts(d *doors.Doors, reload <-chan struct{}) []lifetime.Part {
	parts := []lifetime.Part{
		{Name: "firewall", Run: func(ctx context.Context) error { return a.wall.Watch(ctx, a.guardAgain) }},
		{Name: "drops", Ready: a.seen.Watch().Ready(), Run: a.seen.Watch().Run},
		{Name: "jobs", Run: a.runJobs},
		{Name: "outward", Run: a.runOutward},
		{Name: "control", Run: a.runControl(d)},
		{Name: "reload", Run: func(ctx context.Context) error { return a.runReloads(ctx, reload) }},
		{Name: "streams", Ready: a.base.live.Ready(), Run: a.base.live.Run},
		{Name: "gate", Ready: d.Gate.Ready(), Run: func(ctx context.Context) error { return d.Gate.Run(ctx, d.Secure, d.Plain) }},
		{Name: "names", Ready: a.names.Ready(), Run: a.names.Run},
		{Name: "certificates", Run: a.base.certs.Run}, // behind the gate, which answers those who look whether a name is ours
		{Name: "farewell", Run: a.closeStreams},       // before the gate waits for its requests: events are some
	}
	if a.console != nil { // the first to come and the last to go: it shows how the others are
		parts = slices.Insert(parts, 0, lifetime.Part{Name: "console", Ready: a.console.Ready(), Run: a.console.Run})
	}
	if a.recorder != nil {
		parts = slices.Insert(parts, 0, lifetime.Part{Name: "journeys", Run: a.recorder.Run})
	}
	if a.lines != nil {
		parts = slices.Insert(parts, 0, lifetime.Part{Name: "access log", Run: a.lines.Run})
	}
	return parts
}

// committed is told of each commit before those who wait for it are.
func (a *App) committed(changes []roundtrip.Change) {
	if wake := func() { a.base.live.Committed(changes) }; a.options.Hint != nil {
		a.options.Hint(wake)
	} else {
		wake()
	}
	h := a.house.Load()
	for _, c := range changes {
		h.outward.committed(c)
		if c.Inbox() || c.Counts {
			continue // nothing of an account that is kept in memory, and no file
		}
		if c.Collection.Accounts && c.Action != roundtrip.Create {
			h.identity.Forget(c.ID)
		}
		if c.Action != roundtrip.Create {
			select {
			case a.hint <- struct{}{}: // files may have to go
			default:
			}
		}
	}
}

// closeStreams tells those who watch to come back later, when the server stops.
func (a *App) closeStreams(ctx context.Context) error {
	<-ctx.Done()
	a.base.health.Stop()
	a.base.live.CloseAll()
	a.base.ups.Farewell()
	return nil
}
