// Package acme gets certificates by itself (RFC 8555): for the names of the declaration and no others, from the declared
// issuers in their order, in time before they end, and without ever taking away one that works.
//
// [Manager.Declare] says which names; [Manager.Run] does the work; run.go is the page to read. What is got, and what failed,
// lies in the vault: a restart asks nobody, and two processes with one folder order once.
package acme

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// Zone is a DNS server of ours that can answer the challenge dns-01 (RFC 8555 section 8.4).
type Zone interface {
	// Serves reports whether the zone of a host name is ours, so that a record in it is seen by the whole internet.
	Serves(name string) bool
	// Present adds a TXT record beside those that are there, and returns when every server of the zone answers with it: the
	// issuer is told right after.
	Present(ctx context.Context, fqdn, value string) error
	// Remove takes that record away again, and no other one of the name.
	Remove(ctx context.Context, fqdn, value string) error
}

// Keeper keeps what must outlive the process; *vault.Vault is one.
type Keeper interface {
	Read(name string) ([]byte, error) // wraps fs.ErrNotExist where there is nothing
	Write(name string, content []byte) error
	Lock(ctx context.Context, name string) (unlock func(), err error)
}

// Options says what a manager is handed.
type Options struct {
	Keeper Keeper
	Zone   Zone // nil: dns-01 is not offered
	Now    func() time.Time
	Rand   io.Reader // nil: crypto/rand
	Log    *slog.Logger
	// Look is how often the clock is looked at for what is due; default a minute.
	Look time.Duration
}

// Manager has the certificates of all names that are declared.
type Manager struct {
	keeper  Keeper
	zone    Zone
	now     func() time.Time
	rand    io.Reader
	log     *slog.Logger
	look    time.Duration
	answers *answers
	wake    chan struct{} // has a value when there may be something to do
	slots   chan struct{} // bounds the attempts at once
	group   sync.WaitGroup
	looks   atomic.Int64 // how often Run has looked for what is due

	mu       sync.RWMutex // guards what follows
	names    []*subject   // in declared order
	byName   map[string]*subject
	issuers  []*issuer
	allowed  []string // challenges
	declared bool
}

// attemptsMax is how many certificates are ordered at once.
const attemptsMax = 4

// New makes a manager of no names. It checks and opens nothing.
func New(o Options) (*Manager, error) {
	if o.Keeper == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("acme.New: Options.Keeper, Now and Log must be set")
	}
	m := &Manager{
		keeper: o.Keeper, zone: o.Zone, now: o.Now, rand: o.Rand, log: o.Log, look: o.Look, answers: newAnswers(),
		wake: make(chan struct{}, 1), slots: make(chan struct{}, attemptsMax), byName: map[string]*subject{},
	}
	if m.rand == nil {
		m.rand = rand.Reader
	}
	if m.look <= 0 {
		m.look = time.Minute
	}
	return m, nil
}

// Declare puts the names of sites with `tls: auto` in force, in the place of those before. It reads what is kept of new
// names and asks nobody: what is missing is got by Run. A reload makes names that failed be tried again soon. On an error
// nothing has changed.
func (m *Manager) Declare(declared config.ACME, sites []config.Site) error {
	if mistakes := Check(declared, sites, m.zone); len(mistakes) > 0 {
		return fmt.Errorf("%s: %s", mistakes[0].Pos, mistakes[0].Message)
	}
	issuers, err := newIssuers(declared)
	if err != nil {
		return err
	}
	m.mu.RLock()
	old, again := m.byName, m.declared
	m.mu.RUnlock()
	byName := map[string]*subject{}
	var names []*subject
	for i := range sites {
		name := canonical(sites[i].Name)
		if sites[i].TLS.Mode != config.TLSAuto || byName[name] != nil {
			continue
		}
		s := old[name]
		if s == nil {
			s = &subject{name: name}
			if err := s.read(m.keeper); err != nil {
				return fmt.Errorf("%s: certificate of %s: %w", sites[i].TLS.Pos, name, err)
			}
		}
		byName[name] = s
		names = append(names, s)
	}
	m.mu.Lock()
	m.names, m.byName, m.issuers, m.allowed, m.declared = names, byName, issuers, declared.Challenges, true
	m.mu.Unlock()
	for name, s := range old {
		if byName[name] == nil {
			s.stop()
		} else if again {
			s.tryAgain()
		}
	}
	m.poke()
	return nil
}

// poke tells Run to look again.
func (m *Manager) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Certificate returns the certificate of a declared name, or nil while there is none.
func (m *Manager) Certificate(name string) *tls.Certificate {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if s := m.byName[name]; s != nil {
		return s.cert.Load()
	}
	return nil
}

// HTTPAnswer returns what an issuer wants to find under a path of a host (RFC 8555 section 8.3). It knows the challenges
// that are under way and nothing else.
func (m *Manager) HTTPAnswer(host, path string) (content string, ok bool) {
	return m.answers.http(host, path)
}

// TLSAnswer returns the certificate that an issuer wants to see in a handshake with acme-tls/1 (RFC 8737), or nil.
func (m *Manager) TLSAnswer(name string) *tls.Certificate { return m.answers.tls(canonical(name)) }

// States returns how each name stands, in declared order.
func (m *Manager) States() []State {
	m.mu.RLock()
	defer m.mu.RUnlock()
	states := make([]State, 0, len(m.names))
	for _, s := range m.names {
		states = append(states, s.state(m.now(), m.issuers))
	}
	return states
}

// canonical is how a host name is written here.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// table returns what is in force.
func (m *Manager) table() (names []*subject, issuers []*issuer) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.names), m.issuers
}
