package gate_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
	"github.com/roundtrip-dev/roundtrip/gate/cert/vault"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const shop = "shop.example.com"

// ordering is a gate with a site whose certificate is ordered.
type ordering struct {
	*house

	store    *cert.Store
	declared config.Config
}

func openOrdering(t *testing.T) *ordering {
	t.Helper()
	o := &ordering{declared: config.Config{Sites: []config.Site{{
		Name: shop, TLS: config.TLS{Mode: config.TLSAuto}, Routes: []config.Route{{Path: "/", API: true}},
	}}}}
	api := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
	folder, err := vault.Open(vault.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	manager, err := acme.New(acme.Options{Keeper: folder, Now: time.Now, Log: slog.New(slog.DiscardHandler), Look: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if o.store, err = cert.New(cert.Options{ACME: manager, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if err := o.store.Enter(&o.declared); err != nil {
		t.Fatal(err)
	}
	table, err := gate.NewTable(o.declared.Sites, builders(api))
	if err != nil {
		t.Fatal(err)
	}
	o.house = open(t, api, func(options *gate.Options) { options.Table, options.Certs = table, o.store })
	return o
}

// order has the certificate got from an authority that looks at the gate.
func (o *ordering) order(t *testing.T, challenge string) {
	t.Helper()
	ca := acmetest.New(t, acmetest.Options{HTTP: portOf(t, o.plain), TLS: portOf(t, o.secure), DNS: acmetest.NewDNS(t)})
	o.declared.ACME = config.ACME{Issuers: []config.Issuer{{Directory: ca.Directory, Roots: ca.Roots}}, Challenges: []string{challenge}}
	if err := o.store.Enter(&o.declared); err != nil {
		t.Fatal(err)
	}
	o.roots = ca.Root(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	for end := time.Now().Add(time.Minute); o.store.Pending(shop); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no certificate: %+v", o.store.States())
		}
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGate_ProvesItsNamesAndSaysWhatIsPending(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{acme.HTTP01, acme.TLS01} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			o := openOrdering(t)
			if _, err := o.dial(t, &tls.Config{ServerName: shop, RootCAs: o.roots}); err == nil {
				t.Fatal("what is shown before the certificate is there is trusted")
			}
			c, err := o.dial(t, &tls.Config{ServerName: shop, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "GET /pending HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", shop)
			s := o.await(t, "request before the certificate", func(s trace.Snapshot) bool { return s.Path == "/pending" })
			if s.Hops[0].Layer != trace.TLS || s.Hops[0].Reason.Code() != "tls.certificate_pending" {
				t.Errorf("hops: %+v", s.Hops)
			}

			o.order(t, challenge)
			a := o.get(t, "https://"+shop+"/")
			if a.StatusCode != http.StatusOK || a.body != "hello" {
				t.Fatalf("%d, %q", a.StatusCode, a.body)
			}
			if s := o.journey(t, a.Header.Get("X-Journey")); s.Hops[0].Reason != trace.None {
				t.Errorf("hops: %+v", s.Hops)
			}
			if challenge != acme.HTTP01 {
				return
			}
			o.await(t, "proof of the name", func(s trace.Snapshot) bool {
				return strings.HasPrefix(s.Path, "/.well-known/acme-challenge/") && s.Status == http.StatusOK && s.Hops[0].Name == "acme-challenge"
			})
			if got := raw(t, o.plain, "GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: "+shop+"\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 308") {
				t.Errorf("a challenge that nobody set: %s", got)
			}
		})
	}
}

func TestGate_ProvesNoNameThatNobodyAsksFor(t *testing.T) {
	t.Parallel()
	o := openOrdering(t)
	for _, name := range []string{shop, "other.example.com"} {
		if _, err := o.dial(t, &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: []string{acme.Protocol}}); err == nil {
			t.Errorf("%s: a handshake with acme-tls/1 went through", name)
		}
	}
}

// dial does a handshake with the gate.
func (o *ordering) dial(t *testing.T, settings *tls.Config) (*tls.Conn, error) {
	t.Helper()
	c, err := (&tls.Dialer{Config: settings}).DialContext(t.Context(), "tcp", o.secure)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*tls.Conn), nil
}
