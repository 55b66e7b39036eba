package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
	"github.com/roundtrip-dev/roundtrip/test/server"
)

// relay is a port that is known before the server has one: it leads to where the server then listens.
type relay struct {
	port int

	mu  sync.Mutex // guards what follows
	to  string
	set chan struct{} // closed when to is
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{port: l.Addr().(*net.TCPAddr).Port, set: make(chan struct{})}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { r.carry(t.Context(), c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		group.Wait()
	})
	return r
}

// target waits until it is known where to.
func (r *relay) target(ctx context.Context) (string, error) {
	r.mu.Lock()
	set := r.set
	r.mu.Unlock()
	select {
	case <-set:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.to, nil
}

func (r *relay) carry(ctx context.Context, from net.Conn) {
	defer from.Close()
	at, err := r.target(ctx)
	if err != nil {
		return
	}
	to, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}

// hold makes who connects from now on wait for lead.
func (r *relay) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set = make(chan struct{})
}

func (r *relay) lead(to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
	close(r.set)
}

// issued is a server with sites whose certificates are ordered from Pebble.
type issued struct {
	*server.Server

	ca            *acmetest.CA
	plain, secure *relay
}

// Restart starts the server anew, on ports of its own.
func (s *issued) Restart() {
	s.plain.hold()
	s.secure.hold()
	s.Server.Restart()
	s.plain.lead(s.HTTP)
	s.secure.lead(s.HTTPS)
}

const shop = `name: shop
sites:
  %s
acme:
  issuers: [{ directory: "%s", roots: "%s" }]
  challenges: [%s]
store:
  database: sqlite:data/shop.db
`

func siteOf(name string) string {
	return name + `: { tls: auto, routes: [{ path: /hello, respond: { body: "hello from ` + name + `" } }] }`
}

func startIssued(t *testing.T, challenge string, env []string, names ...string) *issued {
	t.Helper()
	plain, secure := newRelay(t), newRelay(t)
	ca := acmetest.New(t, acmetest.Options{HTTP: plain.port, TLS: secure.port, DNS: acmetest.NewDNS(t)})
	folder := server.Declare(t, shopOf(ca, challenge, names...))
	s := server.StartProgram(t, server.Binary(t), env, folder)
	plain.lead(s.HTTP)
	secure.lead(s.HTTPS)
	return &issued{s, ca, plain, secure}
}

func shopOf(ca *acmetest.CA, challenge string, names ...string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = siteOf(name)
	}
	return fmt.Sprintf(shop, strings.Join(all, "\n  "), ca.Directory, ca.Roots, challenge)
}

// certs runs `roundtrip certs --json` and returns what it says, by name.
func (s *issued) certs(t *testing.T) map[string]map[string]any {
	t.Helper()
	out, err := exec.Command(server.Binary(t), "certs", "--json", s.Folder).Output()
	var list []map[string]any
	if json.Unmarshal(out, &list) != nil {
		t.Fatalf("%v: %s", err, out)
	}
	byName := map[string]map[string]any{}
	for _, one := range list {
		byName[one["name"].(string)] = one
	}
	return byName
}

// await waits until a name has a certificate.
func (s *issued) await(t *testing.T, name string) {
	t.Helper()
	for end := time.Now().Add(server.Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if s.certs(t)[name]["issuer"] != nil {
			return
		}
	}
	t.Fatalf("%s has no certificate: %v", name, s.certs(t))
}

// get asks a site over TLS, trusting Pebble alone.
func (s *issued) get(t *testing.T, name, path string) (string, *tls.ConnectionState, error) {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.ca.Root(t)}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.HTTPS)
		},
	}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: server.Patience}).Get("https://" + name + path)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), resp.TLS, err
}

func TestCerts_AreGotAndServed(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			s := startIssued(t, challenge, nil, "shop.example.com")
			s.await(t, "shop.example.com")
			body, _, err := s.get(t, "shop.example.com", "/hello")
			if err != nil || body != "hello from shop.example.com" {
				t.Fatalf("%q, %v", body, err)
			}
			pem := filepath.Join(t.TempDir(), "root.pem")
			if err := os.WriteFile(pem, s.ca.RootPEM(), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("curl", "-sS", "--cacert", pem, "--connect-to", "::"+s.HTTPS, "https://shop.example.com/hello").CombinedOutput()
			if err != nil || string(out) != "hello from shop.example.com" {
				t.Errorf("curl: %v, %s", err, out)
			}
			if s.ca.Orders() != 1 {
				t.Errorf("%d orders", s.ca.Orders())
			}
			s.Stop()
			s.Restart() // what is kept serves at once
			if body, _, err := s.get(t, "shop.example.com", "/hello"); err != nil || body != "hello from shop.example.com" {
				t.Errorf("after a restart: %q, %v", body, err)
			}
			if s.ca.Orders() != 1 {
				t.Errorf("after a restart: %d orders", s.ca.Orders())
			}
		})
	}
}

func TestCerts_AreGotAfterAKillInTheMiddle(t *testing.T) {
	t.Parallel()
	s := startIssued(t, "tls-alpn-01", nil, "a.example.com")
	s.await(t, "a.example.com")
	ordered, free := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(ordered) })
	s.ca.Break(func(_ http.ResponseWriter, r *http.Request) bool {
		if acmetest.IsOrder(r) {
			begin()
			<-free
		}
		return false
	})
	if err := os.WriteFile(filepath.Join(s.Folder, "roundtrip.yaml"), []byte(shopOf(s.ca, "tls-alpn-01", "a.example.com", "b.example.com")), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGHUP)
	<-ordered
	s.Kill() // it has the lock of the name
	s.ca.Break(nil)
	close(free)
	s.Restart()
	s.await(t, "b.example.com")
	for _, name := range []string{"a.example.com", "b.example.com"} {
		if body, _, err := s.get(t, name, "/hello"); err != nil || body != "hello from "+name {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
}

func TestCerts_OfNewSitesAreGotBesideWhatRuns(t *testing.T) {
	t.Parallel()
	s := startIssued(t, "http-01", []string{"TLS_STORAGE_KEY=0123456789abcdef0123456789abcdef"}, "a.example.com")
	s.await(t, "a.example.com")
	if err := os.WriteFile(filepath.Join(s.Folder, "roundtrip.yaml"), []byte(shopOf(s.ca, "http-01", "a.example.com", "b.example.com")), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGHUP)
	s.await(t, "b.example.com")
	for _, name := range []string{"a.example.com", "b.example.com"} {
		if body, _, err := s.get(t, name, "/hello"); err != nil || body != "hello from "+name {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
	if s.ca.Orders() != 2 {
		t.Errorf("%d orders for two names", s.ca.Orders())
	}
	s.Stop() // a file that is being written stands beside the one whose place it takes
	kept := filepath.Join(s.Folder, "data", "certs", "acme", "names")
	entries, err := os.ReadDir(kept)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if content, err := os.ReadFile(filepath.Join(kept, e.Name())); err != nil || strings.Contains(string(content), "PRIVATE KEY") {
			t.Errorf("%s is not encrypted (%v)", e.Name(), err)
		}
	}
	out, err := exec.Command(server.Binary(t), "certs", s.Folder).CombinedOutput() // without the key
	if err == nil || !strings.Contains(string(out), "set TLS_STORAGE_KEY") {
		t.Errorf("%v: %s", err, out)
	}
}
