package cert

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
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/cert/vault"
	"github.com/roundtrip-dev/roundtrip/internal/atomicfile"
)

const (
	rootYears = 10
	leafDays  = 90             // browsers refuse more than 397
	backdate  = time.Hour      // for clients whose clock is behind
	rootFile  = "local-ca.crt" // PEM, for everybody
	keyFile   = "local-ca.key" // PEM, mode 0600
)

// Authority is a certificate authority of our own: its root lies in a folder, its leaves are made in memory.
type Authority struct {
	path string // of the root's certificate
	root *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
	rand io.Reader
}

// NewAuthority opens the authority of a folder that is not encrypted; see [AuthorityIn].
func NewAuthority(dir string, now func() time.Time, random io.Reader) (*Authority, error) {
	v, err := vault.Look(vault.Options{Dir: dir, Rand: random})
	if err != nil {
		return nil, err
	}
	return AuthorityIn(v, now, random)
}

// AuthorityIn opens the authority that is kept in a vault, or makes one there (ECDSA P-256, 10 years). Of a vault with one
// half only, or with a root that is over, it says so and touches nothing.
func AuthorityIn(v *vault.Vault, now func() time.Time, random io.Reader) (*Authority, error) {
	if random == nil {
		random = rand.Reader
	}
	a := &Authority{path: filepath.Join(v.Dir(), rootFile), now: now, rand: random}
	err := a.read(v)
	if errors.Is(err, fs.ErrNotExist) {
		err = a.create(v)
	}
	if err != nil {
		return nil, fmt.Errorf("the local certificate authority in %s: %w", v.Dir(), err)
	}
	return a, nil
}

// ReadRoot reads the root alone, for who wants to trust it: it needs no key and can issue nothing. The error wraps
// fs.ErrNotExist where there is no authority in the folder yet.
func ReadRoot(dir string) (*Authority, error) {
	a := &Authority{path: filepath.Join(dir, rootFile)}
	content, err := os.ReadFile(a.path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate", a.path)
	}
	if a.root, err = x509.ParseCertificate(block.Bytes); err != nil {
		return nil, fmt.Errorf("%s: %w", a.path, err)
	}
	if !a.root.IsCA {
		return nil, fmt.Errorf("%s is no authority of ours", a.path)
	}
	return a, nil
}

// Certificate returns the root.
func (a *Authority) Certificate() *x509.Certificate { return a.root }

// Path returns where the root's certificate lies, as PEM.
func (a *Authority) Path() string { return a.path }

// Fingerprint returns the first 16 hex digits of the SHA-256 of the root: what tells it from others in a trust store.
func (a *Authority) Fingerprint() string {
	sum := sha256.Sum256(a.root.Raw)
	return hex.EncodeToString(sum[:8])
}

func (a *Authority) read(v *vault.Vault) error {
	certPEM, certErr := os.ReadFile(a.path)
	keyPEM, keyErr := v.Read(keyFile)
	if errors.Is(certErr, fs.ErrNotExist) != errors.Is(keyErr, fs.ErrNotExist) {
		return fmt.Errorf("one of %s and %s is missing: put it back, or remove the other one to start anew", rootFile, keyFile)
	}
	if err := errors.Join(certErr, keyErr); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return fmt.Errorf("%s is no authority of ours", rootFile)
	}
	if a.now().After(pair.Leaf.NotAfter.AddDate(0, 0, -leafDays)) {
		return fmt.Errorf("it ends on %s: remove %s and %s, start again, and run roundtrip trust",
			pair.Leaf.NotAfter.Format(time.DateOnly), rootFile, keyFile)
	}
	a.root, a.key = pair.Leaf, key
	return nil
}

func (a *Authority) create(v *vault.Vault) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.rand)
	if err != nil {
		return err
	}
	serial, err := serial(a.rand)
	if err != nil {
		return err
	}
	machine, err := os.Hostname()
	if err != nil {
		machine = "this machine"
	}
	now := a.now()
	root := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Roundtrip local CA " + machine, Organization: []string{"Roundtrip local CA"}},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.AddDate(rootYears, 0, 0),
		KeyUsage:     x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		// It can vouch for servers and for nothing else: not for code, mail or people.
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(a.rand, root, root, key.Public(), key)
	if err != nil {
		return err
	}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	return a.write(v)
}

func (a *Authority) write(v *vault.Vault) error {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	if err := v.Write(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	return atomicfile.Write(a.path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}), 0o644)
}

// Issue makes a certificate for a host name or address, with a key of its own, for 90 days. It is kept in memory only.
func (a *Authority) Issue(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.rand)
	if err != nil {
		return nil, err
	}
	serial, err := serial(a.rand)
	if err != nil {
		return nil, err
	}
	now := a.now()
	leaf := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"Roundtrip local certificate"}},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.AddDate(0, 0, leafDays),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(a.rand, leaf, a.root, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}, nil
}

// serial makes a random serial number of 127 bits (RFC 5280 section 4.1.2.2).
func serial(random io.Reader) (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, err
	}
	b[0] &= 0x7f
	b[15] |= 1 // never zero
	return new(big.Int).SetBytes(b[:]), nil
}
