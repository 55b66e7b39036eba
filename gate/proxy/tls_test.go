package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy"
)

// echo answers with what it was asked: protocol, host, and whose certificate was shown.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, switching)
		_, _ = io.Copy(c, buffered)
		return
	}
	body, _ := io.ReadAll(r.Body)
	who := ""
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		who = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	_, _ = io.WriteString(w, r.Proto+" "+r.Method+" "+r.URL.RequestURI()+" "+r.Host+" "+who+" "+string(body))
}

func secureUpstream(t *testing.T, h2 bool, change func(*tls.Config)) (*httptest.Server, string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.EnableHTTP2, s.TLS = h2, &tls.Config{}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	change(s.TLS)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(roots, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s, roots
}

func TestProxy_SpeaksTLSWithUpstreams(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		s, roots := secureUpstream(t, h2, func(*tls.Config) {})
		p := at(s.URL)
		p.Roots, p.Host = roots, "inner.example"
		h := open(t, p)
		proto := "HTTP/1.1"
		if h2 {
			proto = "HTTP/2.0"
		}
		each(t, h, func(t *testing.T, c *http.Client, base string) {
			for range 3 {
				a := h.do(t, c, http.MethodPost, base+"/a%2Cb//c?x=%41&&", strings.NewReader("hello"))
				if want := proto + " POST /a,b/c?x=%41&& inner.example  hello"; a.err != nil || a.body != want {
					t.Errorf("%q, want %q", a.body, want)
				}
			}
			large := strings.Repeat("x", 3<<20)
			if a := h.do(t, c, http.MethodPost, base+"/", io.MultiReader(strings.NewReader(large))); a.err != nil || !strings.HasSuffix(a.body, " "+large) {
				t.Errorf("a large body: %d bytes back, %v", len(a.body), a.err)
			}
		})
	}
}

// A WebSocket is one of HTTP/1.1 also where the upstream speaks HTTP/2 else.
func TestProxy_UpgradesOverTLS(t *testing.T) {
	t.Parallel()
	s, roots := secureUpstream(t, true, func(*tls.Config) {})
	p := at(s.URL)
	p.Roots = roots
	h := open(t, p)
	if a := h.get(t, "/"); !strings.HasPrefix(a.body, "HTTP/2.0 GET") {
		t.Fatalf("%q", a.body)
	}
	c, in, res := h.socket(t, true, "")
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v", res)
	}
	_, _ = io.WriteString(c, "ping!")
	got := make([]byte, 5)
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "ping!" {
		t.Errorf("%q, %v", got, err)
	}
	_ = c.Close()
	h.await(t, "journey", func(s traceSnapshot) bool { return s.Path == "/ws" })
}

func TestProxy_TrustsNoUpstreamThatNobodyVouchesFor(t *testing.T) {
	t.Parallel()
	s, roots := secureUpstream(t, true, func(*tls.Config) {})
	for name, change := range map[string]func(*config.Proxy){
		"unknown authority": func(*config.Proxy) {},
		"another name":      func(p *config.Proxy) { p.Roots, p.ServerName = roots, "other.example.org" },
	} {
		p := at(s.URL)
		change(p)
		h := open(t, p)
		a := h.get(t, "/")
		if s := h.journey(t, a); a.StatusCode != http.StatusBadGateway || s.Reason.Code() != "proxy.tls_failed" {
			t.Errorf("%s: %d %s", name, a.StatusCode, s.Reason.Code())
		}
	}
}

func TestProxy_ShowsItsCertificateToUpstreams(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the gate"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, roots := secureUpstream(t, true, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	p := at(s.URL)
	p.Roots, p.ClientCert, p.ClientKey = roots, certFile, config.Secret{File: keyFile}
	if a := open(t, p).get(t, "/"); !strings.Contains(a.body, " the gate ") {
		t.Errorf("%q", a.body)
	}
}

func TestProxy_ReachesUpstreamsThroughSockets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	h := open(t, at("unix:"+path))
	for range 3 {
		if a := h.get(t, "/x"); a.body != "HTTP/1.1 GET /x app.localhost  " {
			t.Errorf("%q", a.body)
		}
	}
}

// A reload takes certificates from the disk anew, and only then makes other connections.
func TestConnect_KnowsWhenItsFilesAreOthers(t *testing.T) {
	t.Parallel()
	s, roots := secureUpstream(t, false, func(*tls.Config) {})
	p := at(s.URL)
	p.Roots = roots
	up, err := proxy.Connect(time.Now, nil)(p, p.Upstreams[0])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(roots)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		do    func() error
		stale bool
	}{
		{"as it was", func() error { return nil }, false},
		{"written again", func() error { return os.WriteFile(roots, text, 0o600) }, false},
		{"another certificate", func() error { return os.WriteFile(roots, append(text, text...), 0o600) }, true},
		{"gone", func() error { return os.Remove(roots) }, true},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if got := up.Stale(); got != c.stale {
			t.Errorf("%s: stale is %v, want %v", c.name, got, c.stale)
		}
	}
}
