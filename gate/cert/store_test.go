package cert_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
	"github.com/roundtrip-dev/roundtrip/gate/cert/vault"
)

// runStore runs a store until the test ends.
func runStore(t *testing.T, o cert.Options) *cert.Store {
	t.Helper()
	o.Look = 10 * time.Millisecond
	s, err := cert.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, s *cert.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("it did not come to: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// shown returns the certificate that a client of a name sees.
func shown(t *testing.T, s *cert.Store, name string) *tls.Certificate {
	t.Helper()
	c, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
	if err != nil || c == nil {
		t.Fatalf("%s: %v, %v", name, c, err)
	}
	return c
}

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func TestStore_ReadsFilesThatAnotherProgramRenews(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := authority(t, dir, time.Now)
	const name = "shop.example.com"
	site := config.Site{Name: name, TLS: pair(t, a, dir, name)}
	log := &logged{}
	s := runStore(t, cert.Options{Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err := s.Load([]config.Site{site}); err != nil {
		t.Fatal(err)
	}
	run(t, s)
	first := shown(t, s, name)

	next := pair(t, a, t.TempDir(), name)
	if err := os.Rename(next.Cert, site.TLS.Cert); err != nil { // the new certificate beside the old key
		t.Fatal(err)
	}
	eventually(t, "a warning", func() bool { return log.count("can't be used") > 0 })
	if got := shown(t, s, name); !got.Leaf.Equal(first.Leaf) {
		t.Error("a pair that does not fit is shown")
	}
	if st := s.States()[0]; !st.Bad(time.Now()) || !strings.Contains(st.Error, "private key does not match") {
		t.Errorf("%+v", st)
	}

	if err := os.Rename(next.Key.File, site.TLS.Key.File); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new certificate", func() bool { return !shown(t, s, name).Leaf.Equal(first.Leaf) })
	eventually(t, "no error", func() bool { return s.States()[0].Error == "" })
	if st := s.States()[0]; st.Source != config.TLSFiles || st.Issuer != "Roundtrip local CA" || st.Bad(time.Now()) {
		t.Errorf("%+v", st)
	}
}

func TestStore_ShowsAStopgapUntilTheCertificateIsThere(t *testing.T) {
	t.Parallel()
	const name = "shop.example.com"
	dns := acmetest.NewDNS(t)
	ca := acmetest.New(t, acmetest.Options{DNS: dns})
	free := make(chan struct{})
	ca.Break(func(http.ResponseWriter, *http.Request) bool { <-free; return false })
	manager, err := acme.New(acme.Options{
		Keeper: keeper(t, t.TempDir()), Zone: dns, Now: time.Now, Log: slog.New(slog.DiscardHandler), Look: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := runStore(t, cert.Options{ACME: manager, Now: time.Now})
	err = s.Enter(&config.Config{
		Sites: []config.Site{{Name: name, TLS: config.TLS{Mode: config.TLSAuto}}},
		ACME:  config.ACME{Issuers: []config.Issuer{{Directory: ca.Directory, Roots: ca.Roots}}, Challenges: []string{acme.DNS01}},
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	stopgap := shown(t, s, name).Leaf
	if !s.Serves(name) || !s.Pending(name) || s.Pending("other.example.com") || stopgap.Issuer.CommonName != "the certificate was ordered and is not there yet" {
		t.Errorf("pending %v, shown: %v", s.Pending(name), stopgap.Issuer)
	}
	if again := shown(t, s, name).Leaf; !again.Equal(stopgap) {
		t.Error("each handshake makes another one")
	}
	if st := s.States()[0]; st.Issuer != "" || st.Bad(time.Now()) {
		t.Errorf("%+v", st)
	}
	close(free)
	eventually(t, "the certificate", func() bool { return !s.Pending(name) })
	if leaf := shown(t, s, name).Leaf; leaf.Equal(stopgap) || !strings.HasPrefix(leaf.Issuer.CommonName, "Pebble") {
		t.Errorf("shown: %v", leaf.Issuer)
	}
	if st := s.States()[0]; st.Source != config.TLSAuto || st.Issuer == "" || st.NotAfter.IsZero() {
		t.Errorf("%+v", st)
	}
}

func keeper(t *testing.T, dir string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(vault.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStore_NeedsSomebodyToOrder(t *testing.T) {
	t.Parallel()
	s := cert.NewStore(nil, time.Now)
	if err := s.Load([]config.Site{{Name: "shop.example.com", TLS: config.TLS{Mode: config.TLSAuto}}}); err == nil {
		t.Error("a site with tls: auto was entered")
	}
	if _, ok := s.HTTPAnswer("shop.example.com", "/.well-known/acme-challenge/x"); ok {
		t.Error("it answers for challenges")
	}
}

// responder is an authority whose certificates name a responder (OCSP), and that responder.
type responder struct {
	root   *x509.Certificate
	key    crypto.Signer
	server *httptest.Server
	status atomic.Int32 // ocsp.Good
	until  time.Duration
	asked  atomic.Int32
}

func newResponder(t *testing.T) *responder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := &responder{key: key, until: 24 * time.Hour}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if r.root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(http.HandlerFunc(r.answer))
	t.Cleanup(r.server.Close)
	return r
}

func (r *responder) answer(w http.ResponseWriter, req *http.Request) {
	r.asked.Add(1)
	body, _ := io.ReadAll(req.Body)
	question, err := ocsp.ParseRequest(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := ocsp.CreateResponse(r.root, r.root, ocsp.Response{
		Status: int(r.status.Load()), SerialNumber: question.SerialNumber, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(r.until), RevokedAt: time.Now(),
	}, r.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}

// files writes a certificate of the responder's authority.
func (r *responder) files(t *testing.T, name string) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0), DNSNames: []string{name},
		OCSPServer: []string{r.server.URL},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, r.root, key.Public(), r.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := config.TLS{Mode: config.TLSFiles, Cert: filepath.Join(dir, "site.crt"), Key: config.Secret{File: filepath.Join(dir, "site.key")}}
	chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.root.Raw})...)
	if err := errors.Join(os.WriteFile(files.Cert, chain, 0o600),
		os.WriteFile(files.Key.File, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600)); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestStore_StaplesWhatTheResponderSays(t *testing.T) {
	t.Parallel()
	const name = "shop.example.com"
	r := newResponder(t)
	now := &clock{now: time.Now()}
	sites := []config.Site{{Name: name, TLS: r.files(t, name)}}
	s := runStore(t, cert.Options{Now: now.Now})
	if err := s.Load(sites); err != nil {
		t.Fatal(err)
	}
	run(t, s)
	eventually(t, "a staple", func() bool { return shown(t, s, name).OCSPStaple != nil })
	answer, err := ocsp.ParseResponseForCert(shown(t, s, name).OCSPStaple, shown(t, s, name).Leaf, r.root)
	if err != nil || answer.Status != ocsp.Good {
		t.Errorf("%v, %+v", err, answer)
	}
	if err := s.Load(sites); err != nil || shown(t, s, name).OCSPStaple == nil {
		t.Errorf("a reload lost the staple (%v)", err)
	}
	if asked := r.asked.Load(); asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
	now.add(13 * time.Hour)
	eventually(t, "another question", func() bool { return r.asked.Load() >= 2 })
	r.status.Store(ocsp.Revoked)
	now.add(30 * time.Hour) // what there was is over, and nothing good comes
	eventually(t, "no staple", func() bool { return shown(t, s, name).OCSPStaple == nil })
}

func TestStore_ShowsNoStapleOfOneThatWasRevoked(t *testing.T) {
	t.Parallel()
	const name = "shop.example.com"
	r := newResponder(t)
	r.status.Store(ocsp.Revoked)
	log := &logged{}
	s := runStore(t, cert.Options{Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err := s.Load([]config.Site{{Name: name, TLS: r.files(t, name)}}); err != nil {
		t.Fatal(err)
	}
	run(t, s)
	eventually(t, "a warning", func() bool { return log.count("did not vouch for it") == 1 })
	if shown(t, s, name).OCSPStaple != nil {
		t.Error("a bad answer is shown")
	}
}

func TestAuthorityIn_KeepsItsKeyEncrypted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := authority(t, dir, time.Now)
	const key = "0123456789abcdef0123456789abcdef"
	v, err := vault.Open(vault.Options{Dir: dir, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	a, err := cert.AuthorityIn(v, time.Now, nil)
	if err != nil || a.Fingerprint() != plain.Fingerprint() {
		t.Fatalf("giving a key made another authority (%v)", err)
	}
	if _, err := a.Issue("gallery.localhost"); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "local-ca.key")); err != nil || strings.Contains(string(content), "PRIVATE KEY") {
		t.Errorf("its key lies in the clear (%v)", err)
	}
	if _, err := cert.NewAuthority(dir, time.Now, nil); err == nil {
		t.Error("it was opened without the key")
	}
	root, err := cert.ReadRoot(dir) // to trust it needs no key
	if err != nil || root.Fingerprint() != a.Fingerprint() || root.Path() != a.Path() {
		t.Errorf("%v", err)
	}
	if _, err := cert.ReadRoot(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestLook_TellsWhatIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := authority(t, dir, time.Now)
	c := &config.Config{Sites: []config.Site{
		{Name: "auto.example.com", TLS: config.TLS{Mode: config.TLSAuto}},
		{Name: "local.example.com", TLS: config.TLS{Mode: config.TLSLocal}},
		{Name: "files.example.com", TLS: pair(t, a, dir, "files.example.com")},
		{Name: "plain.example.com", TLS: config.TLS{Mode: config.TLSOff}},
	}}
	folder := t.TempDir()
	states, err := cert.Look(c, keeper(t, folder), nil, time.Now)
	if err != nil || len(states) != 3 {
		t.Fatalf("%+v, %v", states, err)
	}
	if states[0].Issuer != "" || states[1].Issuer != "local authority" || states[2].NotAfter.IsZero() {
		t.Errorf("%+v", states)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("looking wrote %v (%v)", entries, err)
	}
	if err := os.Remove(c.Sites[2].TLS.Cert); err != nil {
		t.Fatal(err)
	}
	if states, err = cert.Look(c, keeper(t, folder), nil, time.Now); err != nil || !states[2].Bad(time.Now()) {
		t.Errorf("%+v, %v", states, err)
	}
}
