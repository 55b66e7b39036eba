package console

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console/audit"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/internal/password"
	"github.com/roundtrip-dev/roundtrip/internal/tries"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// The bounds of the listener. Operators are few: what is more is a mistake or an attack.
const (
	connectionsMax  = 256
	headerBytesMax  = 16 << 10
	headerTimeout   = 5 * time.Second
	readTimeout     = 20 * time.Second // of a request's body
	writeTimeout    = 30 * time.Second // of an answer that is not a stream
	idleTimeout     = 2 * time.Minute
	stopTimeout     = 3 * time.Second
	bodyBytesMax    = 64 << 10
	partBodyMax     = 64 << 20 // of what the parts Data and People take; they have limits of their own below it
	partTimeout     = 5 * time.Minute
	tryContentMax   = 32 << 20 // of what a call that is tried sends
	whysMax         = 4        // probes that run at once
	whyTimeout      = time.Minute
	signInsPerName  = 5  // in a minute, of one name from one network; then each costs a wait
	signInsPerPlace = 20 // from one address
	signInsStrange  = 30 // of one name, from all networks together in which its operator never was
)

// Options says what the console shows and where.
type Options struct {
	Listener net.Listener // the console closes it
	// Certificate returns the certificate in force; nil: plain HTTP, which app allows on loopback only.
	Certificate func() *tls.Certificate
	Origin      *url.URL // under which browsers reach it by way of a proxy; nil: directly
	Dir         string   // the data folder: operators.json and audit.log
	Name        string   // of the declaration
	Dev         bool

	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger

	Recorder    *trace.Recorder // nil: no journeys are kept
	Places      trace.Places
	Overview    func(ctx context.Context) Overview // cheap: asked ten times a second by each viewer
	Generations func() any                         // what changed when, the newest first
	Diff        func(a, z uint32) []config.Change  // the changes between two generations
	Why         func(ctx context.Context, o WhyOrder, step func(any)) (answer any, err error)

	// API describes the API of the declaration in force for the page API. nil: there is no such page.
	API func() any
	// Try makes one call of a site's API, to this server itself and the real way. nil: nothing can be tried.
	Try func(ctx context.Context, o TryOrder) (*TryAnswer, error)
	// TryStream makes one whose answer may be a stream, and tells of it as it comes, until tell fails. nil: there are none.
	TryStream func(ctx context.Context, o TryOrder, tell func(TryEvent) error) error

	Data    http.Handler // mounted at /api/data/, with the operator in the context
	People  http.Handler // mounted at /api/people/
	Metrics http.Handler
	// SiteLink makes a link that lets an operator be known at a site, once. nil: there are none.
	SiteLink func(site string) (string, error)
	// MetricsToken returns the bearer token for /metrics, "" where only loopback may ask.
	MetricsToken func() string
	Pages        fs.FS         // the built page
	HashCost     password.Cost // of operators' passwords; zero: the usual one
}

// WhyOrder is what the page Why asks for.
type WhyOrder struct {
	URL     string      `json:"url"`
	Method  string      `json:"method"`
	Origin  string      `json:"origin"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
	As      string      `json:"as"` // login of the account in whose name it asks
}

// Console is the operator's server.
type Console struct {
	options  Options
	book     *operators.Book
	sessions *sessions
	guests   *guestLinks
	names    *tries.Limiter // sign-ins of one name from one network
	places   *tries.Limiter // failed sign-ins and dead links of one address
	viewers  chan struct{}
	whys     chan struct{}
	pulse    *pulse
	boot     string // of this process, in the ids of events
	server   *http.Server
	ready    chan struct{}

	everywhere *tries.Limiter // sign-ins of one name from networks that its operator never came from

	mu      sync.Mutex // guards all below
	audit   *audit.Log // nil before Run
	refused *audit.Log // of strangers who were turned away; nil before Run
}

// New checks the options and makes a console. It opens nothing.
func New(o Options) (*Console, error) {
	if o.Listener == nil || o.Now == nil || o.Rand == nil || o.Log == nil || o.Overview == nil || o.Pages == nil {
		return nil, errors.New("console: Listener, Now, Rand, Log, Overview and Pages must be given")
	}
	book, err := operators.New(operators.Options{Dir: o.Dir, Now: o.Now, Rand: o.Rand, Cost: o.HashCost})
	if err != nil {
		return nil, err
	}
	boot, err := operators.NewToken(o.Rand)
	if err != nil {
		return nil, err
	}
	c := &Console{
		options: o, book: book, sessions: newSessions(o.Now), guests: &guestLinks{now: o.Now}, boot: boot[:8],
		names: tries.New(signInsPerName, o.Now), places: tries.New(signInsPerPlace, o.Now), everywhere: tries.New(signInsStrange, o.Now),
		viewers: make(chan struct{}, viewersMax), whys: make(chan struct{}, whysMax),
		pulse: newPulse(o.Recorder, o.Now), ready: make(chan struct{}),
	}
	c.server = &http.Server{
		Handler: c.front(), TLSConfig: c.tls(), MaxHeaderBytes: headerBytesMax, ReadHeaderTimeout: headerTimeout,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return c, nil
}

// Ready is closed when the console takes connections.
func (c *Console) Ready() <-chan struct{} { return c.ready }

// Run serves until ctx ends. Streams end at once then, other requests have three seconds.
func (c *Console) Run(ctx context.Context) error {
	closeLogs, err := c.openLogs()
	if err != nil {
		return errors.Join(err, c.options.Listener.Close())
	}
	defer closeLogs()
	c.server.BaseContext = func(net.Listener) context.Context { return ctx }
	defer beside(ctx, c.pulse.run)()
	defer beside(ctx, c.leaves)()
	l := newCrowd(c.options.Listener, connectionsMax)
	ended := make(chan error, 1)
	go func() {
		if c.options.Certificate != nil {
			ended <- c.server.ServeTLS(l, "", "")
		} else {
			ended <- c.server.Serve(l)
		}
	}()
	close(c.ready)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if c.server.Shutdown(soon) != nil {
		err = c.server.Close()
	}
	if serve := <-ended; !errors.Is(serve, http.ErrServerClosed) {
		err = errors.Join(err, serve)
	}
	return err
}

// openLogs opens both audit logs; the function that it returns closes them.
func (c *Console) openLogs() (closeThem func(), err error) {
	log, err := audit.Open(c.options.Dir, c.options.Now, 0)
	if err != nil {
		return nil, err
	}
	refused, err := audit.OpenRefused(c.options.Dir, c.options.Now, 0)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	for file, l := range map[string]*audit.Log{audit.File: log, audit.RefusedFile: refused} {
		if broken := l.Broken(); broken != "" {
			c.options.Log.Error("the audit log was changed by somebody else: what it says before this can't be trusted", "file", file, "broken", broken)
		}
	}
	c.mu.Lock()
	c.audit, c.refused = log, refused
	c.mu.Unlock()
	return func() { _, _ = log.Close(), refused.Close() }, nil // each entry was synced by itself
}

// beside runs something beside the server; the function that it returns ends it.
func beside(ctx context.Context, run func(ctx context.Context)) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	return func() {
		stop()
		<-ended
	}
}

// crowd bounds how many connections are open at once: further ones wait in the kernel's queue.
type crowd struct {
	net.Listener

	places chan struct{}
	once   sync.Once
	closed chan struct{}
}

func newCrowd(l net.Listener, n int) *crowd {
	return &crowd{Listener: l, places: make(chan struct{}, n), closed: make(chan struct{})}
}

func (l *crowd) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &guest{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *crowd) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// guest is a connection that has a place.
type guest struct {
	net.Conn

	leave func()
}

func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}
