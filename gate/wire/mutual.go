package wire

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Policy is what a site asks of its clients' certificates (mutual TLS). A nil one asks for nothing.
type Policy struct {
	id       [sha256.Size]byte
	roots    *x509.CertPool
	optional bool
}

// LoadPolicy reads the certificate authorities of a site's clients. A file that can't be read, or has no certificate, is
// an error: a site that asks for certificates is not served without.
func LoadPolicy(site string, declared *config.ClientCertificates) (*Policy, error) {
	if declared == nil {
		return nil, nil //nolint:nilnil // the policy of a site that asks for nothing
	}
	p := &Policy{roots: x509.NewCertPool(), optional: declared.Optional}
	text, err := readAuthorities(declared, p.roots)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", declared.Pos, err)
	}
	p.id = sha256.Sum256(fmt.Appendf(text, "\x00%s\x00%t", site, p.optional))
	return p, nil
}

// CheckAuthorities reads the certificate authorities that a declaration names, and says what is wrong with them.
func CheckAuthorities(declared *config.ClientCertificates) error {
	_, err := readAuthorities(declared, x509.NewCertPool())
	return err
}

func readAuthorities(declared *config.ClientCertificates, roots *x509.CertPool) ([]byte, error) {
	text, err := os.ReadFile(declared.CA)
	if err != nil {
		return nil, fmt.Errorf("the certificate authorities of its clients can't be read, correct the path or the file: %w", err)
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM, so no client could be let in: put the certificate of the authority there that signs theirs", declared.CA)
	}
	return text, nil
}

// Meets reports whether a connection that was made under other may carry requests of a site with policy p. After a
// reload that left the site's policy as it was, it may.
func (p *Policy) Meets(other *Policy) bool {
	return p == nil || other != nil && p.id == other.id
}

// settings makes the settings of a handshake under the policy. There is no resumption: each connection shows its
// certificate, and it is judged by the authorities that are declared now.
func (p *Policy) settings(base *tls.Config) *tls.Config {
	s := base.Clone()
	s.GetConfigForClient = nil
	s.SessionTicketsDisabled = true
	s.ClientCAs = p.roots
	s.ClientAuth = tls.RequireAndVerifyClientCert
	if p.optional {
		s.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return s
}

// settings is the one place where a handshake is decided on, over TCP and QUIC: what the client asked for is noted, and
// what the site asks of it is put in force.
func (f *Front) settings(base *tls.Config) *tls.Config {
	s := base.Clone()
	certificate, inner := base.GetCertificate, base.GetConfigForClient
	s.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		factsOf(hello).hears(hello)
		return certificate(hello)
	}
	s.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		facts := factsOf(hello)
		facts.hears(hello)
		if inner != nil {
			other, err := inner(hello)
			if err != nil || other != nil { // an issuer looks whether a name is ours: no request comes on that
				return other, err
			}
		}
		facts.Policy = f.options.Policy(hello.ServerName)
		if facts.Policy == nil {
			return s, nil
		}
		return facts.Policy.settings(s), nil
	}
	return s
}

// factsOf returns the facts of the connection that a handshake is for.
func factsOf(hello *tls.ClientHelloInfo) *Facts {
	if t, ok := hello.Conn.(*tracked); ok {
		return &t.facts
	}
	if f := FactsFrom(hello.Context()); f != nil {
		return f
	}
	return &Facts{}
}

// learn notes what came out of a handshake.
func (f *Front) learn(facts *Facts, s *tls.ConnectionState) {
	facts.Handshake = f.options.Now().Sub(facts.Accepted)
	facts.Server = s.ServerName
	facts.Agreed = handshakeNote(s)
	facts.Note = facts.Agreed + f.validity(facts)
	facts.offer = nil
	switch s.NegotiatedProtocol {
	case "h2":
		facts.Proto = "HTTP/2.0"
	case "h3":
		facts.Proto = "HTTP/3.0"
	}
	if pending := f.options.Pending; pending != nil && pending(s.ServerName) {
		facts.Reason = trace.ReasonOf("tls.certificate_pending")
	}
	if len(s.VerifiedChains) == 0 {
		return
	}
	leaf := s.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	facts.Certificate, facts.Subject = hex.EncodeToString(sum[:]), leaf.Subject.String()
	facts.Note += ", client certificate " + facts.Subject
}
