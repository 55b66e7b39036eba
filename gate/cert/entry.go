package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// entry is the certificate of one name.
type entry struct {
	name  string
	mode  config.TLSMode
	store *Store
	files config.TLS // TLSFiles only

	// cert is what is shown: of files, of our authority, or for TLSAuto what is shown while there is none yet.
	cert    atomic.Pointer[tls.Certificate]
	stapled atomic.Pointer[staple]

	mu      sync.Mutex // held while a new one is made; guards what follows
	stamp   stamp      // TLSFiles: what the files looked like when they were read
	problem string     // TLSFiles: why what lies there now is not shown
}

// current returns the certificate as it is shown.
func (e *entry) current() (*tls.Certificate, error) {
	c, err := e.bare()
	if err != nil {
		return nil, err
	}
	return e.show(c, e.store.now()), nil
}

// bare returns the certificate without a staple. One that we made ourselves is made anew where it is about to end.
func (e *entry) bare() (*tls.Certificate, error) {
	now := e.store.now()
	c := e.cert.Load()
	switch e.mode {
	case config.TLSFiles:
		return c, nil
	case config.TLSAuto:
		if got := e.store.acme.Certificate(e.name); got != nil {
			return got, nil
		}
	default: // of our own making
	}
	if c != nil && now.Before(renewAt(c)) {
		return c, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c = e.cert.Load(); c != nil && now.Before(renewAt(c)) {
		return c, nil
	}
	c, err := e.make(now)
	if err != nil {
		return nil, err
	}
	e.cert.Store(c)
	return c, nil
}

func (e *entry) make(now time.Time) (*tls.Certificate, error) {
	if e.mode == config.TLSAuto {
		return e.store.stopgap(e.name, now)
	}
	return e.store.authority.Issue(e.name)
}

// stopgap makes a certificate that nobody trusts and that says why it is there. A browser shows it to who looks; without
// one, it would say no more than that the connection failed.
func (s *Store) stopgap(name string, now time.Time) (*tls.Certificate, error) {
	random := s.rand
	if random == nil {
		random = rand.Reader
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, err
	}
	number, err := serial(random)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: number,
		Subject:      pkix.Name{CommonName: "the certificate was ordered and is not there yet", Organization: []string{"Roundtrip: see roundtrip certs"}},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{name},
	}
	der, err := x509.CreateCertificate(random, leaf, leaf, key.Public(), key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}, nil
}

// renewAt is when two thirds of a certificate's life are over.
func renewAt(c *tls.Certificate) time.Time {
	return c.Leaf.NotBefore.Add(c.Leaf.NotAfter.Sub(c.Leaf.NotBefore) * 2 / 3)
}
