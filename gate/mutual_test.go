package gate_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// signer is an authority for clients.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newSigner(t *testing.T, name string) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{key: key, pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	if s.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return s
}

// sign makes a client's certificate.
func (s *signer) sign(t *testing.T, name string, until time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(until),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, s.cert, key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// guarded are three sites: one that asks for certificates, one that takes them, and one that does not care.
func guarded(t *testing.T, ca string) []config.Site {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clients.pem")
	write(t, file, ca)
	api := []config.Route{{Path: "/", API: true}}
	local := config.TLS{Mode: config.TLSLocal}
	return []config.Site{
		{Name: "open.localhost", TLS: local, Routes: api},
		{Name: "staff.localhost", TLS: local, Routes: api, Client: &config.ClientCertificates{CA: file}},
		{Name: "mixed.localhost", TLS: local, Routes: api, Client: &config.ClientCertificates{CA: file, Optional: true}},
	}
}

func tableOf(t *testing.T, sites []config.Site, api http.Handler) *gate.Table {
	t.Helper()
	table, err := gate.NewTable(sites, route.Builders{API: func(string) http.Handler { return api }})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// clients are one client for each protocol, each with the certificate, if there is one.
func (h *house) clients(t *testing.T, addr string, certificate ...tls.Certificate) map[string]*http.Client {
	t.Helper()
	all := map[string]*http.Client{"h1": h.client(t, false), "h2": h.client(t, true), "h3": h.client3(t, addr, func(c *tls.Config) { show(c, certificate) })}
	for _, name := range []string{"h1", "h2"} {
		show(all[name].Transport.(*http.Transport).TLSClientConfig, certificate)
	}
	return all
}

// show makes a client show its certificate whatever authority is asked for.
func show(c *tls.Config, certificate []tls.Certificate) {
	if len(certificate) > 0 {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate[0], nil }
	}
	c.ClientSessionCache = tls.NewLRUClientSessionCache(8)
}

func TestGate_AsksClientsForCertificates(t *testing.T) {
	t.Parallel()
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := peer.From(r.Context())
		_, _ = io.WriteString(w, p.Subject+" "+p.Certificate)
	})
	ours, theirs := newSigner(t, "ours"), newSigner(t, "theirs")
	sites := guarded(t, ours.pem)
	h, addr := openQUIC(t, ok, func(o *gate.Options) {
		if err := o.Certs.Load(sites); err != nil {
			t.Fatal(err)
		}
		o.Table = tableOf(t, sites, who)
	})
	robot := ours.sign(t, "robot", time.Hour)
	cases := []struct {
		name, reason string
		certificate  []tls.Certificate
		staff, mixed bool
	}{
		{"none", "tls.client_certificate_missing", nil, false, true},
		{"ours", "", []tls.Certificate{robot}, true, true},
		{"of another authority", "tls.client_certificate_refused", []tls.Certificate{theirs.sign(t, "robot", time.Hour)}, false, false},
		{"too old", "tls.client_certificate_refused", []tls.Certificate{ours.sign(t, "robot", -time.Minute)}, false, false},
	}
	for _, q := range cases {
		for protocol, c := range h.clients(t, addr, q.certificate...) {
			for host, good := range map[string]bool{"staff.localhost": q.staff, "mixed.localhost": q.mixed, "open.localhost": true, "STAFF.localhost": q.staff} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/x", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := c.Do(r)
				if (err == nil) != good {
					t.Errorf("%s, certificate %s, %s: %v", protocol, q.name, host, err)
				}
				if err != nil {
					continue
				}
				body, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				want := " "
				if q.certificate != nil && host != "open.localhost" {
					want = "CN=robot " + fingerprint(q.certificate[0])
				}
				if string(body) != want {
					t.Errorf("%s, certificate %s, %s: the handler sees %q, want %q", protocol, q.name, host, body, want)
				}
				note := h.journey(t, res.Header.Get("X-Journey")).Hops[0].Note
				if shown := strings.HasSuffix(note, ", client certificate CN=robot"); res.StatusCode != 200 || shown != (q.certificate != nil && host != "open.localhost") {
					t.Errorf("%s, certificate %s, %s: %s, %q", protocol, q.name, host, res.Status, note)
				}
			}
		}
		if q.reason != "" {
			s := h.await(t, "journey of "+q.reason, func(s trace.Snapshot) bool { return s.Reason.Code() == q.reason })
			if s.Kind != trace.Connection || !strings.EqualFold(s.Host, "staff.localhost") && s.Host != "mixed.localhost" {
				t.Errorf("%s: %+v", q.name, s)
			}
		}
	}
}

// A connection that was made for a site without certificates carries no request for one with: not by its Host header, not
// by a session of the other site, and not by a connection that named no site.
func TestGate_ClientCertificatesCantBeGoneAround(t *testing.T) {
	t.Parallel()
	ours := newSigner(t, "ours")
	sites := guarded(t, ours.pem)
	h, addr := openQUIC(t, ok, func(o *gate.Options) {
		if err := o.Certs.Load(sites); err != nil {
			t.Fatal(err)
		}
		o.Table = tableOf(t, sites, http.HandlerFunc(ok))
	})
	for protocol, c := range h.clients(t, addr) {
		for _, host := range []string{"staff.localhost", "mixed.localhost", "Staff.LOCALHOST", "staff.localhost.", "staff.localhost:8443"} {
			a := h.do(t, c, http.MethodGet, "https://open.localhost/x", nil, "Host", host)
			problem(t, a, 421, "tls.client_certificate_missing")
		}
		if a := h.do(t, c, http.MethodGet, "https://open.localhost/x", nil); a.StatusCode != 200 {
			t.Errorf("%s: %s", protocol, a.Status)
		}
	}
	// A ticket of the open site, shown to the other one.
	cache := tls.NewLRUClientSessionCache(8)
	c := h.client(t, false)
	settings := c.Transport.(*http.Transport).TLSClientConfig
	settings.ClientSessionCache = oneSession{cache}
	for range 2 {
		if a := h.do(t, c, http.MethodGet, "https://open.localhost/x", nil); a.StatusCode != 200 {
			t.Error(a.Status)
		}
		c.CloseIdleConnections()
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://staff.localhost/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := c.Do(r); err == nil {
		_ = res.Body.Close()
		t.Errorf("a session of another site was resumed: %s", res.Status)
	}
}

// oneSession uses any session for any name.
type oneSession struct{ tls.ClientSessionCache }

func (s oneSession) Get(string) (*tls.ClientSessionState, bool) {
	return s.ClientSessionCache.Get("any")
}

func (s oneSession) Put(_ string, cs *tls.ClientSessionState) { s.ClientSessionCache.Put("any", cs) }

// After a reload, connections stay good where nothing changed, and are not where it did.
func TestGate_ClientCertificatesSurviveReloads(t *testing.T) {
	t.Parallel()
	ours, others := newSigner(t, "ours"), newSigner(t, "others")
	sites := guarded(t, ours.pem)
	h, addr := openQUIC(t, ok, func(o *gate.Options) {
		if err := o.Certs.Load(sites); err != nil {
			t.Fatal(err)
		}
		o.Table = tableOf(t, sites, http.HandlerFunc(ok))
	})
	robot := ours.sign(t, "robot", time.Hour)
	clients := h.clients(t, addr, robot)
	ask := func(when string, status int) {
		for protocol, c := range clients {
			a := h.do(t, c, http.MethodGet, "https://staff.localhost/x", nil)
			if a.StatusCode != status {
				t.Errorf("%s, %s: %s", when, protocol, a.Status)
			}
			if status != 200 {
				problem(t, a, status, "tls.client_certificate_missing")
			}
		}
	}
	// again connects anew, over each protocol.
	again := func(when, reason string, certificate tls.Certificate) {
		for protocol, c := range h.clients(t, addr, certificate) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://staff.localhost/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.Do(r)
			if err == nil {
				_ = res.Body.Close()
			}
			if good := err == nil && res.StatusCode == 200; good != (reason == "") {
				t.Errorf("%s, a new connection, %s: %v, %v", when, protocol, res, err)
			}
			if reason == "" {
				continue
			}
			note := map[string]string{"h1": "tls", "h2": "tls", "h3": "CRYPTO"}[protocol]
			h.await(t, "journey over "+protocol, func(s trace.Snapshot) bool {
				return s.Reason.Code() == reason && s.Host == "staff.localhost" && strings.Contains(s.Hops[len(s.Hops)-1].Note, note)
			})
		}
	}
	ask("at first", 200)
	h.gate.Swap(tableOf(t, guarded(t, ours.pem), http.HandlerFunc(ok)))
	ask("the same again", 200)
	again("the same again", "", robot)
	h.gate.Swap(tableOf(t, guarded(t, others.pem), http.HandlerFunc(ok)))
	ask("other authorities", 421)
	again("other authorities", "tls.client_certificate_refused", robot)
	again("other authorities", "", others.sign(t, "robot", time.Hour))
}

func TestNewTable_RefusesClientAuthoritiesThatAreNone(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"missing": filepath.Join(t.TempDir(), "none.pem"), "empty": filepath.Join(t.TempDir(), "empty.pem")} {
		if name == "empty" {
			write(t, file, "hello")
		}
		sites := guarded(t, "x")[:2]
		sites[1].Client.CA = file
		_, err := gate.NewTable(sites, route.Builders{API: func(string) http.Handler { return http.HandlerFunc(ok) }})
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func fingerprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return hex.EncodeToString(sum[:])
}
