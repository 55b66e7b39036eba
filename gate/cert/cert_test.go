package cert_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
)

// clock is set by hand.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func authority(t *testing.T, dir string, now func() time.Time) *cert.Authority {
	t.Helper()
	a, err := cert.NewAuthority(dir, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func local(names ...string) []config.Site {
	var all []config.Site
	for _, name := range names {
		all = append(all, config.Site{Name: name, TLS: config.TLS{Mode: config.TLSLocal}})
	}
	return all
}

// shake does a handshake for a name over a pipe, and returns what the client saw.
func shake(t *testing.T, s *cert.Store, roots *x509.CertPool, name string, now func() time.Time) (tls.ConnectionState, error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	var group sync.WaitGroup
	group.Go(func() {
		server := tls.Server(b, s.TLSConfig())
		_ = server.HandshakeContext(t.Context()) // the client reports
	})
	client := tls.Client(a, &tls.Config{
		RootCAs: roots, ServerName: name, InsecureSkipVerify: name == "", Time: now, NextProtos: []string{"h2", "http/1.1"},
	})
	err := client.HandshakeContext(t.Context())
	_ = a.Close()
	group.Wait()
	return client.ConnectionState(), err
}

func TestAuthority_IsMadeOnceAndKeptPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "certs")
	a := authority(t, dir, time.Now)
	if b := authority(t, dir, time.Now); b.Fingerprint() != a.Fingerprint() {
		t.Error("opening it again made another one")
	}
	root := a.Certificate()
	if !root.IsCA || !root.MaxPathLenZero || !strings.HasPrefix(root.Subject.CommonName, "Roundtrip local CA ") ||
		len(root.ExtKeyUsage) != 1 || root.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || root.NotAfter.Sub(root.NotBefore) > 3660*24*time.Hour {
		t.Errorf("root: %+v", root)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]os.FileMode{true: 0o600, false: 0o644}[strings.HasSuffix(e.Name(), ".key")]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestAuthority_RefusesWhatItCannotTrust(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"half":  func(dir string) error { return os.Remove(filepath.Join(dir, "local-ca.key")) },
		"other": func(dir string) error { return os.Remove(filepath.Join(dir, "local-ca.crt")) },
		"torn":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "local-ca.key"), []byte("x"), 0o600) },
	} {
		dir := t.TempDir()
		authority(t, dir, time.Now)
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := cert.NewAuthority(dir, time.Now, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	dir := t.TempDir()
	authority(t, dir, time.Now)
	if _, err := cert.NewAuthority(dir, func() time.Time { return time.Now().AddDate(10, 0, 0) }, nil); err == nil {
		t.Error("a root that ends soon is used")
	}
}

func TestStore_ServesEachSiteItsCertificate(t *testing.T) {
	t.Parallel()
	a := authority(t, t.TempDir(), time.Now)
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	s := cert.NewStore(a, time.Now)
	if err := s.Load(local("gallery.localhost", "*.preview.test", "127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gallery.localhost", "GALLERY.localhost", "pr-1.preview.test"} {
		state, err := shake(t, s, roots, name, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		leaf := state.PeerCertificates[0]
		if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 397*24*time.Hour || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "h2" {
			t.Errorf("%s: life %v, %s, %s", name, life, tls.VersionName(state.Version), state.NegotiatedProtocol)
		}
	}
	for _, name := range []string{"other.test", "a.b.preview.test", "preview.test"} {
		_, err := shake(t, s, roots, name, nil)
		if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s: %v, want the alert unrecognized_name", name, err)
		}
		if s.Serves(name) {
			t.Errorf("%s is served", name)
		}
	}
	if state, err := shake(t, s, roots, "", nil); err != nil || state.PeerCertificates[0].DNSNames[0] != "gallery.localhost" {
		t.Errorf("a client without a name: %v", err)
	}
	if _, err := shake(t, cert.NewStore(a, time.Now), roots, "gallery.localhost", nil); err == nil {
		t.Error("an empty store serves")
	}
}

func TestStore_RenewsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	time := &clock{now: time.Now()}
	a := authority(t, t.TempDir(), time.Now)
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	s := cert.NewStore(a, time.Now)
	if err := s.Load(local("gallery.localhost")); err != nil {
		t.Fatal(err)
	}
	serial := func() string {
		state, err := shake(t, s, roots, "gallery.localhost", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	if serial() != first {
		t.Error("each handshake makes a certificate")
	}
	if err := s.Load(local("gallery.localhost", "new.localhost")); err != nil || serial() != first {
		t.Errorf("a reload makes a certificate that was there (%v)", err)
	}
	for range 20 { // almost four years
		time.add(70 * 24 * 3600 * 1e9)
		if next := serial(); next == first {
			t.Error("it was not renewed")
		} else {
			first = next
		}
	}
}

// pair writes a certificate of an authority and its key into files.
func pair(t *testing.T, a *cert.Authority, dir, name string) config.TLS {
	t.Helper()
	c, err := a.Issue(name)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	files := config.TLS{Mode: config.TLSFiles, Cert: filepath.Join(dir, "site.crt"), Key: config.Secret{File: filepath.Join(dir, "site.key")}}
	for path, block := range map[string]*pem.Block{
		files.Cert:     {Type: "CERTIFICATE", Bytes: c.Certificate[0]},
		files.Key.File: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestStore_ReadsFilesAndReadsThemAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := authority(t, dir, time.Now)
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	site := config.Site{Name: "shop.example.com", TLS: pair(t, a, dir, "shop.example.com")}
	s := cert.NewStore(nil, time.Now)
	if err := s.Load([]config.Site{site}); err != nil {
		t.Fatal(err)
	}
	before, err := shake(t, s, roots, "shop.example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	pair(t, a, dir, "shop.example.com")
	if err := s.Load([]config.Site{site}); err != nil {
		t.Fatal(err)
	}
	after, err := shake(t, s, roots, "shop.example.com", nil)
	if err != nil || after.PeerCertificates[0].Equal(before.PeerCertificates[0]) {
		t.Errorf("a new file is not shown: %v", err)
	}

	pair(t, a, dir, "other.example.com")
	if err := s.Load([]config.Site{site}); err == nil {
		t.Error("a certificate of another name was loaded")
	}
	if err := os.Remove(site.TLS.Cert); err != nil {
		t.Fatal(err)
	}
	if err := s.Load([]config.Site{site}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := s.Load(local("gallery.localhost")); err == nil {
		t.Error("a local site was loaded without an authority")
	}
	still, err := shake(t, s, roots, "shop.example.com", nil)
	if err != nil || !still.PeerCertificates[0].Equal(after.PeerCertificates[0]) {
		t.Errorf("a reload that failed changed something: %v", err)
	}
}

func TestStore_RefusesAFileThatIsOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := authority(t, dir, time.Now)
	site := config.Site{Name: "shop.example.com", TLS: pair(t, a, dir, "shop.example.com")}
	s := cert.NewStore(nil, func() time.Time { return time.Now().AddDate(1, 0, 0) })
	if err := s.Load([]config.Site{site}); err == nil || !strings.Contains(err.Error(), "renew it") {
		t.Errorf("%v", err)
	}
}

// shell stands for the commands of a machine: it notes what was run, and keeps NSS entries in memory.
type shell struct {
	ran     []string
	entries map[string]bool
	fails   string
}

func (s *shell) run(_ context.Context, name string, args ...string) ([]byte, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	if s.fails != "" && strings.HasPrefix(line, s.fails) {
		return []byte("it broke"), errors.New("exit status 1")
	}
	if name == "certutil" {
		key := args[2] + " " + args[len(args)-1]
		if args[0] == "-A" {
			key = args[2] + " " + args[6]
		}
		switch args[0] {
		case "-L":
			if !s.entries[key] {
				return nil, errors.New("exit status 255")
			}
			return nil, nil
		case "-A":
			s.entries[key] = true
		case "-D":
			delete(s.entries, key)
		}
	}
	s.ran = append(s.ran, line)
	return nil, nil
}

// machine is a Debian machine in a folder, with Chromium and Firefox.
func machine(t *testing.T) (cert.Machine, *shell, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	home := filepath.Join(root, "home/ana")
	for _, dir := range []string{"usr/local/share/ca-certificates", "home/ana/.pki/nssdb", "home/ana/.mozilla/firefox/x.default"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, db := range []string{".pki/nssdb", ".mozilla/firefox/x.default"} {
		if err := os.WriteFile(filepath.Join(home, db, "cert9.db"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, out := &shell{entries: map[string]bool{}}, &bytes.Buffer{}
	return cert.Machine{OS: "linux", Root: root, Home: home, Run: s.run, Look: func(string) bool { return true }, Out: out}, s, out
}

func TestTrust_InstallsAndRemovesExactlyItsOwn(t *testing.T) {
	t.Parallel()
	m, s, out := machine(t)
	a := authority(t, t.TempDir(), time.Now)
	foreign := filepath.Join(m.Root, "usr/local/share/ca-certificates/company.crt")
	if err := os.WriteFile(foreign, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time finds everything done
		if err := cert.Trust(t.Context(), m, a); err != nil {
			t.Fatal(err)
		}
	}
	installed := filepath.Join(m.Root, "usr/local/share/ca-certificates/roundtrip-"+a.Fingerprint()+".crt")
	content, err := os.ReadFile(installed)
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(content); block == nil || !bytes.Equal(block.Bytes, a.Certificate().Raw) {
		t.Error("another certificate was installed")
	}
	if len(s.ran) != 3 || len(s.entries) != 2 { // update-ca-certificates, certutil -A twice
		t.Errorf("ran %q, entries %v", s.ran, s.entries)
	}
	if strings.Count(out.String(), "installed: ") != 3 || strings.Count(out.String(), "already trusted: ") != 3 {
		t.Errorf("said:\n%s", out)
	}

	out.Reset()
	s.ran = nil
	for range 2 {
		if err := cert.Untrust(t.Context(), m, a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(installed); !errors.Is(err, os.ErrNotExist) || len(s.entries) != 0 || len(s.ran) != 3 {
		t.Errorf("something is left: %v, %v, ran %q", err, s.entries, s.ran)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a foreign certificate is gone: %v", err)
	}
	if strings.Count(out.String(), "removed: ") != 3 || strings.Count(out.String(), "not there: ") != 3 {
		t.Errorf("said:\n%s", out)
	}
}

func TestTrust_LeavesNothingBehindWhenACommandFails(t *testing.T) {
	t.Parallel()
	m, s, _ := machine(t)
	a := authority(t, t.TempDir(), time.Now)
	s.fails = "update-ca-certificates"
	err := cert.Trust(t.Context(), m, a)
	if err == nil || !strings.Contains(err.Error(), "it broke") {
		t.Errorf("%v", err)
	}
	entries, err := os.ReadDir(filepath.Join(m.Root, "usr/local/share/ca-certificates"))
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if len(s.entries) != 2 {
		t.Error("the browsers' stores were left out after the error")
	}
}

func TestTrust_SaysWhatToDoByHand(t *testing.T) {
	t.Parallel()
	a := authority(t, t.TempDir(), time.Now)
	m, s, out := machine(t)
	m.OS = "plan9"
	m.Look = func(string) bool { return false }
	if err := errors.Join(cert.Trust(t.Context(), m, a), cert.Untrust(t.Context(), m, a)); err != nil || len(s.ran) != 0 {
		t.Errorf("%v, ran %q", err, s.ran)
	}
	for _, want := range []string{"Import " + a.Path(), "install certutil", "by hand"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}
