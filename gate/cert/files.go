package cert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// CheckFiles reads the certificate and the key of a site, and says what is wrong with them.
func CheckFiles(site *config.Site, now time.Time) error {
	_, err := readPair(site.TLS, strings.ToLower(strings.TrimSuffix(site.Name, ".")), now)
	return err
}

// ReadFiles reads a certificate and its key, whatever names it has, and refuses a pair that no client would accept.
func ReadFiles(t config.TLS, now time.Time) (*tls.Certificate, error) { return readPair(t, "", now) }

// readPair reads a certificate and its key, and refuses a pair that no client would accept for the name; "" is any.
func readPair(t config.TLS, name string, now time.Time) (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(t.Cert)
	if err != nil {
		return nil, fmt.Errorf("it can't be read, correct the path or the file: %w", err)
	}
	keyPEM, err := t.Key.Value()
	if err != nil {
		return nil, fmt.Errorf("its key can't be read, correct the path or the file: %w", err)
	}
	c, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err != nil && isEncrypted(keyPEM):
		return nil, fmt.Errorf("its key %s has a passphrase: write it without one (openssl pkey -in KEY -out NEW) where only the server can read it", t.Key)
	case err != nil:
		return nil, fmt.Errorf("%s and its key %s don't fit: %w; name the key that the certificate was made with, both in PEM", t.Cert, t.Key, err)
	}
	if err := c.Leaf.VerifyHostname(name); name != "" && err != nil {
		return nil, fmt.Errorf("%s is of another name: %w; name a certificate that holds the name of the site", t.Cert, err)
	}
	if now.After(c.Leaf.NotAfter) {
		return nil, fmt.Errorf("%s ended on %s: renew it", t.Cert, c.Leaf.NotAfter.UTC().Format(time.DateTime))
	}
	return &c, nil
}

// isEncrypted reports whether a key in PEM has a passphrase, in the form of PKCS #8 or in the older one.
func isEncrypted(keyPEM []byte) bool {
	block, _ := pem.Decode(keyPEM)
	return block != nil && (block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "")
}

// readLeaf reads the certificate. Its key is looked at only where it is in a file: an environment variable is the server's.
func readLeaf(t config.TLS, name string, now time.Time) (*x509.Certificate, error) {
	if t.Key.File != "" {
		c, err := readPair(t, name, now)
		if err != nil {
			return nil, err
		}
		return c.Leaf, nil
	}
	content, err := os.ReadFile(t.Cert)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate", t.Cert)
	}
	return x509.ParseCertificate(block.Bytes)
}

// stamp is what two files look like from outside. A file that is not there has none.
type stamp struct{ cert, key os.FileInfo }

func stampOf(t config.TLS) stamp {
	one := func(path string) os.FileInfo {
		info, err := os.Stat(path)
		if err != nil {
			return nil
		}
		return info
	}
	return stamp{one(t.Cert), one(t.Key.File)}
}

// same reports whether neither file was written or replaced. Times of files are coarse, so one that was put in the place of
// another is known by itself.
func (s stamp) same(o stamp) bool {
	one := func(a, b os.FileInfo) bool {
		if a == nil || b == nil {
			return a == nil && b == nil
		}
		return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
	}
	return one(s.cert, o.cert) && one(s.key, o.key)
}

// readChanged reads certificate files again that another program has replaced. A pair that is no good, as one of which only
// the first half is there, is told of once and leaves the old one in force.
func (s *Store) readChanged() {
	for _, e := range s.table.Load().entries {
		if e.mode != config.TLSFiles {
			continue
		}
		e.mu.Lock()
		now := stampOf(e.files)
		changed := !now.same(e.stamp)
		e.stamp = now
		e.mu.Unlock()
		if !changed {
			continue
		}
		c, err := readPair(e.files, e.name, s.now())
		e.fail(err)
		if err != nil {
			s.log.Warn("certificate files changed and can't be used; the old certificate stays", slog.String("name", e.name),
				slog.Time("until", e.cert.Load().Leaf.NotAfter), slog.Any("error", err))
			continue
		}
		if e.cert.Swap(c).Leaf.Equal(c.Leaf) {
			continue
		}
		s.log.Info("certificate files read again", slog.String("name", e.name), slog.Time("until", c.Leaf.NotAfter))
	}
}

// fail notes why what lies in the files now is not shown; nil takes the note off.
func (e *entry) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.problem = ""
	if err != nil {
		e.problem = err.Error()
	}
}
