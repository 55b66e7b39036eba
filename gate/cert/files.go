package cert

import (
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// readPair reads a certificate and its key, and refuses a pair that no client would accept for the name.
func readPair(t config.TLS, name string, now time.Time) (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(t.Cert)
	if err != nil {
		return nil, err
	}
	keyPEM, err := t.Key.Value()
	if err != nil {
		return nil, err
	}
	c, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s with its key: %w", t.Cert, err)
	}
	if err := c.Leaf.VerifyHostname(name); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Cert, err)
	}
	if now.After(c.Leaf.NotAfter) {
		return nil, fmt.Errorf("%s ended on %s: renew it", t.Cert, c.Leaf.NotAfter.UTC().Format(time.DateTime))
	}
	return &c, nil
}
