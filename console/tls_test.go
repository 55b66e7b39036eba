package console_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

func certificate(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestTLS_CookieAndNames(t *testing.T) {
	t.Parallel()
	pair := certificate(t, "console.gallery.test")
	b := newBench(t, func(o *console.Options) { o.Certificate = func() *tls.Certificate { return pair } })
	if !strings.HasPrefix(b.URL(), "https://console.gallery.test:") {
		t.Fatal(b.URL())
	}
	link, err := b.Link(operators.Owner)
	if err != nil {
		t.Fatal(err)
	}
	who := b.browser(t)
	who.base = strings.Replace(b.base, "http://", "https://", 1)
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	who.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "console.gallery.test"}
	resp := who.send("POST", "/api/claim", args{"token": tokenOf(t, link), "name": "ana", "password": secret}, "Host", "console.gallery.test")
	resp.Body.Close()
	set := resp.Header.Get("Set-Cookie")
	if resp.StatusCode != 200 || !strings.HasPrefix(set, "__Host-roundtrip_console") || !strings.Contains(set, "Secure") || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	who.want(421, "GET", "/api/session", nil, "Host", "other.gallery.test")
}

func TestOrigin_AProxyOnThisMachineIsBelieved(t *testing.T) {
	t.Parallel()
	origin, err := url.Parse("https://console.gallery.test")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(o *console.Options) { o.Origin = origin })
	who := b.browser(t)
	proxied := []string{"Host", "console.gallery.test", "Origin", "https://console.gallery.test", "X-Forwarded-For", "198.51.100.1, 203.0.113.9"}
	for range 20 {
		who.want(401, "POST", "/api/sign-in", args{"name": time.Now().String(), "password": "x"}, proxied...)
	}
	who.want(429, "POST", "/api/sign-in", args{"name": "x", "password": "x"}, proxied...)
	proxied[5] = "203.0.113.9, 198.51.100.1" // another client, whatever it wrote itself
	who.want(401, "POST", "/api/sign-in", args{"name": "y", "password": "x"}, proxied...)
	if b.URL() != "https://console.gallery.test/" {
		t.Fatal(b.URL())
	}
}
