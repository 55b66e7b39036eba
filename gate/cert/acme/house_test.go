package acme_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
	"github.com/roundtrip-dev/roundtrip/gate/cert/vault"
)

// house is a name server, the two ports at which names are proven, and what answers there.
type house struct {
	dns       *acmetest.DNS
	http, tls int
	manager   atomic.Pointer[acme.Manager] // the one that answers
	now       clock
	dir       string
}

// clock is the real one, set forward by hand.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) add(d time.Duration) { c.ahead.Add(int64(d)) }

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{dns: acmetest.NewDNS(t), dir: t.TempDir()}
	plain, secure := listen(t), listen(t)
	h.http, h.tls = plain.Addr().(*net.TCPAddr).Port, secure.Addr().(*net.TCPAddr).Port
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := h.manager.Load().HTTPAnswer(r.Host, r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, content)
	})}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(plain) })
	group.Go(func() {
		for {
			c, err := secure.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				_ = tls.Server(c, &tls.Config{GetConfigForClient: h.prove}).HandshakeContext(t.Context())
			})
		}
	})
	t.Cleanup(func() {
		_ = server.Close()
		_ = secure.Close()
		group.Wait()
	})
	return h
}

func (h *house) prove(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c := h.manager.Load().TLSAnswer(hello.ServerName)
	if c == nil {
		return nil, errors.New("nobody asked for this name")
	}
	return &tls.Config{Certificates: []tls.Certificate{*c}, NextProtos: []string{acme.Protocol}}, nil
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// ca starts an authority that proves names at the house.
func (h *house) ca(t *testing.T, o acmetest.Options) *acmetest.CA {
	t.Helper()
	o.HTTP, o.TLS, o.DNS = h.http, h.tls, h.dns
	return acmetest.New(t, o)
}

// run is one process that gets certificates.
type run struct {
	*acme.Manager

	log  *lines
	stop func()
}

// lines is a log that can be waited on.
type lines struct {
	mu   sync.Mutex // guards text
	text strings.Builder
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs a manager over the house's folder until the test ends or stop is called.
func (h *house) start(t *testing.T, key string, declared config.ACME, names ...string) *run {
	t.Helper()
	v, err := vault.Open(vault.Options{Dir: h.dir, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{log: &lines{more: make(chan struct{}, 1)}}
	r.Manager, err = acme.New(acme.Options{
		Keeper: v, Zone: h.dns, Now: h.now.Now, Log: slog.New(slog.NewTextHandler(r.log, nil)), Look: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.manager.Store(r.Manager)
	if err := r.Declare(declared, sites(names...)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func sites(names ...string) []config.Site {
	var all []config.Site
	for _, name := range names {
		all = append(all, config.Site{Name: name, TLS: config.TLS{Mode: config.TLSAuto}})
	}
	return all
}

// issuers declares authorities in order.
func issuers(list ...*acmetest.CA) config.ACME {
	var a config.ACME
	for _, c := range list {
		a.Issuers = append(a.Issuers, config.Issuer{Directory: c.Directory, Roots: c.Roots})
	}
	return a
}

// until waits until a condition about a name holds; the log says why it does not.
func (r *run) until(t *testing.T, what string, holds func(s acme.State) bool) acme.State {
	t.Helper()
	end := time.After(time.Minute)
	for {
		for _, s := range r.States() {
			if holds(s) {
				return s
			}
		}
		select {
		case <-r.log.more:
		case <-time.After(20 * time.Millisecond): // what changes without a line in the log
		case <-end:
			t.Fatalf("it did not come to: %s\n%+v\n%s", what, r.States(), r.log)
		}
	}
}

// got waits for the certificate of a name.
func (r *run) got(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	r.until(t, "a certificate of "+name, func(s acme.State) bool { return s.Name == name && !s.NotAfter.IsZero() })
	return r.Certificate(name).Leaf
}

// vouched fails where the certificate of a name is not one that the authority vouches for.
func vouched(t *testing.T, c *acmetest.CA, m *acme.Manager, name, host string) {
	t.Helper()
	got := m.Certificate(name)
	if got == nil {
		t.Fatalf("%s has no certificate", name)
	}
	between := x509.NewCertPool()
	for _, der := range got.Certificate[1:] {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		between.AddCert(one)
	}
	if _, err := got.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: c.Root(t), Intermediates: between}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// settle waits until nothing is under way, and everything that is due by the clock was looked at since it was called.
func (r *run) settle(t *testing.T) {
	t.Helper()
	looks := r.Looks()
	end := time.After(time.Minute)
	for r.Looks() < looks+2 || r.busy() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-end:
			t.Fatalf("it does not settle: %+v", r.States())
		}
	}
}

func (r *run) busy() bool {
	for _, s := range r.States() {
		if s.UnderWay {
			return true
		}
	}
	return false
}

// secret makes a secret of a file.
func secret(t *testing.T, content string) config.Secret {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Secret{File: path}
}

// open opens a folder that is not encrypted.
func open(t *testing.T, dir string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(vault.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
