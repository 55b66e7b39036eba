// Package cert keeps the certificates that the gate shows: got by ACME (package acme), made by an authority of our own in
// the data folder, or read from files. It also installs that authority into the trust stores of this machine, and takes it
// out again.
package cert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
)

// Options says what a store is handed.
type Options struct {
	Authority *Authority    // nil where no site has `tls: local`
	ACME      *acme.Manager // nil where no site has `tls: auto`
	Now       func() time.Time
	Rand      io.Reader    // nil: crypto/rand
	Log       *slog.Logger // nil: nobody is told
	// Look is how often files are looked at for changes, and staples for their age; default a minute.
	Look time.Duration
}

// Store holds one certificate for each site with TLS. Load fills it, and replaces all of them in one step.
type Store struct {
	authority *Authority
	acme      *acme.Manager
	now       func() time.Time
	rand      io.Reader
	log       *slog.Logger
	look      time.Duration
	table     atomic.Pointer[table]
}

type table struct {
	entries []*entry // in declared order
	byName  map[string]*entry
	first   *entry // for clients that name no server
}

// New makes an empty store: until Load, every handshake fails.
func New(o Options) (*Store, error) {
	if o.Now == nil {
		return nil, errors.New("cert.New: Options.Now must be set")
	}
	s := &Store{authority: o.Authority, acme: o.ACME, now: o.Now, rand: o.Rand, log: o.Log, look: o.Look}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.look <= 0 {
		s.look = time.Minute
	}
	s.table.Store(&table{})
	return s, nil
}

// NewStore makes a store of local certificates and files. authority may be nil where no site has `tls: local`.
func NewStore(authority *Authority, now func() time.Time) *Store {
	s, _ := New(Options{Authority: authority, Now: now}) // it fails without a clock alone
	return s
}

// Load puts the certificates of sites in force that need no issuer; see [Store.Enter].
func (s *Store) Load(sites []config.Site) error { return s.Enter(&config.Config{Sites: sites}) }

// Enter makes, reads or orders the certificates of a declaration, and puts them in force. What has to be ordered is got by
// Run, which Enter does not wait for. On an error nothing has changed. Entering the same declaration again reads changed
// files.
func (s *Store) Enter(c *config.Config) error {
	old := s.table.Load()
	next := &table{byName: map[string]*entry{}}
	auto := false
	for i := range c.Sites {
		site := &c.Sites[i]
		if site.TLS.Mode == config.TLSOff {
			continue
		}
		name := strings.ToLower(strings.TrimSuffix(site.Name, "."))
		e, err := s.enter(site, name, old.byName[name])
		if err != nil {
			return err
		}
		auto = auto || site.TLS.Mode == config.TLSAuto
		next.byName[name] = e
		next.entries = append(next.entries, e)
		if next.first == nil {
			next.first = e
		}
	}
	if auto && s.acme == nil {
		return errors.New("a site has tls: auto, and there is nobody to order certificates")
	}
	if s.acme != nil { // the last that can fail
		if err := s.acme.Declare(c.ACME, c.Sites); err != nil {
			return err
		}
	}
	s.table.Store(next)
	return nil
}

// enter makes the entry of one site, or keeps the old one where that will do.
func (s *Store) enter(site *config.Site, name string, old *entry) (*entry, error) {
	e := &entry{name: name, mode: site.TLS.Mode, store: s}
	switch site.TLS.Mode {
	case config.TLSFiles:
		e.files = site.TLS
		e.stamp = stampOf(site.TLS)
		c, err := readPair(site.TLS, name, s.now())
		if err != nil {
			return nil, fmt.Errorf("%s: certificate of %s: %w", site.TLS.Pos, site.Name, err)
		}
		if old != nil && old.mode == config.TLSFiles && old.cert.Load().Leaf.Equal(c.Leaf) {
			c = old.cert.Load() // a reload loses no staple
			e.stapled.Store(old.stapled.Load())
		}
		e.cert.Store(c)
	case config.TLSAuto:
		if old != nil && old.mode == config.TLSAuto {
			return old, nil
		}
	default:
		if s.authority == nil {
			return nil, fmt.Errorf("%s: %s wants a certificate of the local authority, and there is none", site.TLS.Pos, site.Name)
		}
		if old != nil && old.mode == e.mode { // a reload keeps what it can
			return old, nil
		}
		if _, err := e.current(); err != nil {
			return nil, fmt.Errorf("certificate of %s: %w", site.Name, err)
		}
	}
	return e, nil
}

// Run orders and renews what Enter has declared, and looks at files for changes, until ctx ends. It returns when all its
// goroutines have ended.
func (s *Store) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		if s.acme == nil {
			ended <- nil
			return
		}
		ended <- s.acme.Run(ctx)
	}()
	tick := time.NewTicker(s.look)
	defer tick.Stop()
	for {
		s.staple(ctx)
		select {
		case <-tick.C:
			s.readChanged()
		case <-ctx.Done():
			return errors.Join(ctx.Err(), ignore(<-ended))
		}
	}
}

// ignore takes the end of the context off: whoever ended it knows.
func ignore(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Serves reports whether there is a certificate for a server name, "" included where there is any.
func (s *Store) Serves(name string) bool { return s.table.Load().find(name) != nil }

// Expires returns when the certificate of a server name ends, zero where there is none.
func (s *Store) Expires(name string) time.Time {
	e := s.table.Load().find(name)
	if e == nil {
		return time.Time{}
	}
	if c, err := e.bare(); err == nil && c.Leaf != nil {
		return c.Leaf.NotAfter
	}
	return time.Time{}
}

// Pending reports whether clients of a server name are shown a certificate that vouches for nothing, because the one that
// was ordered is not there yet.
func (s *Store) Pending(name string) bool {
	e := s.table.Load().find(name)
	return e != nil && e.mode == config.TLSAuto && s.acme.Certificate(e.name) == nil
}

// HTTPAnswer returns what an issuer wants to find under a path of a host, while it checks that a name is ours (RFC 8555
// section 8.3): the gate answers it before anything else, without TLS.
func (s *Store) HTTPAnswer(host, path string) (content string, ok bool) {
	if s.acme == nil {
		return "", false
	}
	return s.acme.HTTPAnswer(host, path)
}

// find returns the entry for a server name: the very name, or a wildcard for its first label.
func (t *table) find(name string) *entry {
	if name == "" {
		return t.first
	}
	if e := t.byName[name]; e != nil {
		return e
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if e := t.byName[name]; e != nil {
		return e
	}
	if _, rest, ok := strings.Cut(name, "."); ok {
		return t.byName["*."+rest]
	}
	return nil
}
