package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/lab"
	"github.com/roundtrip-dev/roundtrip/test/server"
)

// open makes a lab for a test. Where the machine can't make network namespaces there is none: the rest of the house is tested
// without.
func open(t testing.TB) *lab.Lab {
	t.Helper()
	// Not t.TempDir: the path of a control socket has room for 100 bytes.
	folder, err := os.MkdirTemp("", "rtl") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	l, err := lab.New(t.Context(), folder)
	if errors.Is(err, lab.ErrNoNamespaces) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// must ends the test if something that only prepares it fails.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// program is the roundtrip that is tested.
func program(t testing.TB) string {
	t.Helper()
	at, err := filepath.Abs(server.Binary(t))
	must(t, err)
	return at
}

// serve runs roundtrip on a machine until the test ends.
func serve(t testing.TB, m *lab.Machine, yaml string, args ...string) *lab.Process {
	t.Helper()
	must(t, m.Declare(yaml))
	p, err := m.Serve(t.Context(), program(t), args...)
	must(t, err)
	t.Cleanup(func() { stop(t, p) })
	return p
}

// stop ends a server, which must do so cleanly; what it said is shown if the test failed.
func stop(t testing.TB, p *lab.Process) {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Errorf("roundtrip on %s did not stop cleanly: %v", p.On, err)
	}
	if t.Failed() {
		t.Logf("roundtrip on %s said:\n%s", p.On, p.Log())
	}
}

// run runs a program on a machine and wants an exit status; it returns what the program wrote.
func run(t testing.TB, m *lab.Machine, want int, name string, args ...string) string {
	t.Helper()
	text, status, err := m.Run(t.Context(), name, args...)
	if err != nil || status != want {
		t.Fatalf("%s %s on %s: exit status %d, %v; wanted %d; it said:\n%s", name, strings.Join(args, " "), m.Name, status, err, want, text)
	}
	return text
}

// has wants a text to contain others.
func has(t testing.TB, what, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

// browser is an HTTP client on a machine: it asks the lab's name server, and trusts the authority of the edge.
func browser(t testing.TB, l *lab.Lab, on string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(l.Machine(lab.Edge).Authority())
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	m := l.Machine(on)
	resolver := m.Resolver(l.Machine(lab.DNS).IPv4())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			found, err := resolver.LookupNetIP(ctx, "ip4", host)
			if err != nil {
				return nil, err
			}
			return m.Dial(ctx, network, net.JoinHostPort(found[0].String(), port))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: lab.Patience}
}

// await waits until something is so. It asks again and again, since what it asks has no way to tell.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(lab.Patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after %v: %s", lab.Patience, what)
		}
	}
}
