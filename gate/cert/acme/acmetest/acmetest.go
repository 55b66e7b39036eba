// Package acmetest is a certificate authority on loopback for tests: Pebble, the one that Let's Encrypt tests clients with,
// in this process, and a DNS server that leads it to us.
package acmetest

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// Options says how an authority behaves.
type Options struct {
	HTTP, TLS int               // the ports at which names are proven
	DNS       *DNS              // who answers for names
	Accounts  map[string]string // external accounts that are demanded: id to base64url key
	Life      time.Duration     // of certificates; default 90 days
	BadNonces int               // percent of good nonces that are refused
}

// CA is a certificate authority that runs until its test ends.
type CA struct {
	Directory string // URL
	Roots     string // path of the PEM that vouches for the directory's own TLS

	server *httptest.Server

	mu       sync.Mutex // guards what follows
	options  Options
	ca       *ca.CAImpl
	front    wfe.WebFrontEndImpl
	handler  http.Handler
	orders   int
	replaced int
	windows  bool
	fault    func(w http.ResponseWriter, r *http.Request) bool
}

// environment guards the environment variables that Pebble reads while it is made.
var environment sync.Mutex

// New starts an authority.
func New(t *testing.T, o Options) *CA {
	t.Helper()
	if o.Life <= 0 {
		o.Life = 90 * 24 * time.Hour
	}
	c := &CA{windows: true}
	c.start(t, o)
	c.server = httptest.NewTLSServer(http.HandlerFunc(c.serve))
	c.server.Config.ErrorLog = quiet()
	t.Cleanup(c.server.Close)
	c.Directory = c.server.URL + wfe.DirectoryPath
	c.Roots = filepath.Join(t.TempDir(), "pebble.pem")
	if err := os.WriteFile(c.Roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// start makes what is behind the port.
func (c *CA) start(t *testing.T, o Options) {
	t.Helper()
	store := db.NewMemoryStore()
	for id, key := range o.Accounts {
		if err := store.AddExternalAccountKeyByID(id, key); err != nil {
			t.Fatal(err)
		}
	}
	environment.Lock()
	defer environment.Unlock()
	for name, value := range map[string]string{
		"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": strconv.Itoa(o.BadNonces), "PEBBLE_AUTHZREUSE": "0",
	} {
		_ = os.Setenv(name, value) //nolint:usetesting // Pebble has no other way, and these tests run side by side
	}
	authority := ca.New(quiet(), store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: uint64(o.Life / time.Second)}})
	validator := va.New(quiet(), o.HTTP, o.TLS, false, o.DNS.Address, store)
	front := wfe.New(quiet(), store, validator, authority, []string{"pebble.test"}, false, len(o.Accounts) > 0, 0, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options, c.ca, c.front, c.handler = o, authority, front, front.Handler()
}

// Forget makes the authority one that was set up anew: it knows none of its accounts and certificates.
func (c *CA) Forget(t *testing.T) {
	t.Helper()
	c.start(t, c.options)
}

// Close makes the authority one that nobody can reach.
func (c *CA) Close() { c.server.Close() }

// WithoutWindows makes the authority one that does not say when it would like renewals (RFC 9773). It must come before
// anybody has asked.
func (c *CA) WithoutWindows() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows = false
}

// Replaced returns how many orders said which certificate they replace.
func (c *CA) Replaced() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replaced
}

// serve counts orders, and lets a test break things.
func (c *CA) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	fault, next, windows := c.fault, c.handler, c.windows
	c.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	var body []byte
	if IsOrder(r) {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	seen := httptest.NewRecorder()
	next.ServeHTTP(seen, r)
	if IsOrder(r) && seen.Code == http.StatusCreated {
		c.mu.Lock()
		c.orders++
		if replaces(body) {
			c.replaced++
		}
		c.mu.Unlock()
	}
	if r.URL.Path == wfe.DirectoryPath && !windows {
		withoutWindows(seen)
	}
	for k, v := range seen.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(seen.Code)
	_, _ = w.Write(seen.Body.Bytes())
}

// withoutWindows takes the renewal windows out of a directory.
func withoutWindows(seen *httptest.ResponseRecorder) {
	var directory map[string]any
	if json.Unmarshal(seen.Body.Bytes(), &directory) != nil {
		return
	}
	delete(directory, "renewalInfo")
	text, err := json.Marshal(directory)
	if err != nil {
		return
	}
	seen.Body.Reset()
	seen.Body.Write(text)
	seen.Header().Del("Content-Length")
}

// replaces reports whether an order says which certificate it replaces.
func replaces(body []byte) bool {
	var signed struct{ Payload string }
	if json.Unmarshal(body, &signed) != nil {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(signed.Payload)
	return err == nil && bytes.Contains(payload, []byte(`"replaces":"`))
}

// IsOrder reports whether a request orders a certificate.
func IsOrder(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/order-plz" }

// Break lets fault answer requests, those of which it returns true; nil mends everything.
func (c *CA) Break(fault func(w http.ResponseWriter, r *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fault
}

// Orders returns how many orders were taken.
func (c *CA) Orders() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.orders
}

// Root returns what vouches for the certificates that are given.
func (c *CA) Root(t *testing.T) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(c.ca.GetRootCert(0).PEM()) {
		t.Fatal("Pebble has no root")
	}
	return pool
}

// RootPEM returns the same as PEM.
func (c *CA) RootPEM() []byte { return c.ca.GetRootCert(0).PEM() }

// Renew sets when the authority would like a certificate to be renewed.
func (c *CA) Renew(t *testing.T, leaf *x509.Certificate, from, until time.Time) {
	t.Helper()
	window := fmt.Sprintf(`{"suggestedWindow":{"start":%q,"end":%q}}`, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
	body, err := json.Marshal(map[string]string{
		"Certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})), "ARIResponse": window,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	c.front.SetRenewalInfo(t.Context(), w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body))))
	if w.Code != http.StatusOK {
		t.Fatalf("Pebble took no window: %s", w.Body)
	}
}
