// Package cert keeps the certificates that the gate shows: made by an authority of our own in the data folder, or read
// from files. It also installs that authority into the trust stores of this machine, and takes it out again.
package cert

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// Store holds one certificate for each site with TLS. Load fills it, and replaces all of them in one step.
type Store struct {
	authority *Authority // nil where no site uses it
	now       func() time.Time
	table     atomic.Pointer[table]
}

type table struct {
	byName map[string]*entry
	first  *entry // for clients that name no server
}

// entry is the certificate of one name. One that we made is made anew before it ends.
type entry struct {
	name      string
	authority *Authority // nil for a certificate from files

	mu   sync.Mutex // held while a new one is made
	cert atomic.Pointer[tls.Certificate]
}

// NewStore makes an empty store: until Load, every handshake fails. authority may be nil where no site has `tls: local`.
func NewStore(authority *Authority, now func() time.Time) *Store {
	s := &Store{authority: authority, now: now}
	s.table.Store(&table{})
	return s
}

// Load makes or reads the certificates of all sites, then puts them in force. On an error nothing has changed. Loading
// again reads changed files.
func (s *Store) Load(sites []config.Site) error {
	old := s.table.Load()
	next := &table{byName: map[string]*entry{}}
	for i := range sites {
		site := &sites[i]
		name := strings.ToLower(strings.TrimSuffix(site.Name, "."))
		var e *entry
		switch site.TLS.Mode {
		case config.TLSOff:
			continue
		case config.TLSFiles:
			c, err := readPair(site.TLS, name, s.now())
			if err != nil {
				return fmt.Errorf("%s: certificate of %s: %w", site.TLS.Pos, site.Name, err)
			}
			e = &entry{name: name}
			e.cert.Store(c)
		default:
			if s.authority == nil {
				return fmt.Errorf("%s: %s wants a certificate of the local authority, and there is none", site.TLS.Pos, site.Name)
			}
			if e = old.byName[name]; e == nil || e.authority == nil { // a reload keeps what it can
				e = &entry{name: name, authority: s.authority}
				if _, err := e.current(s.now()); err != nil {
					return fmt.Errorf("certificate of %s: %w", site.Name, err)
				}
			}
		}
		next.byName[name] = e
		if next.first == nil {
			next.first = e
		}
	}
	s.table.Store(next)
	return nil
}

// Serves reports whether there is a certificate for a server name, "" included where there is any.
func (s *Store) Serves(name string) bool { return s.table.Load().find(name) != nil }

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

// GetCertificate finds the certificate for a handshake. For a name that no site has there is none, which makes
// crypto/tls send the alert unrecognized_name (RFC 6066 section 3).
func (s *Store) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	e := s.table.Load().find(hello.ServerName)
	if e == nil {
		return nil, nil //nolint:nilnil // the documented way to say so
	}
	return e.current(s.now())
}

// TLSConfig returns the settings of a listener: TLS 1.2 with forward secrecy and authenticated encryption, or 1.3. Each
// call makes a new one, with session ticket keys of its own.
func (s *Store) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: s.GetCertificate,
		NextProtos:     []string{"h2", "http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256},
	}
}

// current returns the certificate, made anew where it is about to end.
func (e *entry) current(now time.Time) (*tls.Certificate, error) {
	c := e.cert.Load()
	if e.authority == nil || (c != nil && now.Before(renewAt(c))) {
		return c, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c = e.cert.Load(); c != nil && now.Before(renewAt(c)) {
		return c, nil
	}
	c, err := e.authority.Issue(e.name)
	if err != nil {
		return nil, err
	}
	e.cert.Store(c)
	return c, nil
}

// renewAt is when two thirds of a certificate's life are over.
func renewAt(c *tls.Certificate) time.Time {
	return c.Leaf.NotBefore.Add(c.Leaf.NotAfter.Sub(c.Leaf.NotBefore) * 2 / 3)
}
