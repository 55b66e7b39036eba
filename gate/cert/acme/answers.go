package acme

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// Protocol is the ALPN protocol of a handshake that only proves who has the name (RFC 8737 section 4).
const Protocol = acmez.ACMETLS1Protocol

// wellKnown begins the path of each answer over HTTP.
const wellKnown = "/.well-known/acme-challenge/"

// answers are those to the challenges that are under way.
type answers struct {
	mu     sync.RWMutex // guards what follows
	tokens map[string]token
	certs  map[string]*tls.Certificate // by name
}

type token struct{ name, content string }

func newAnswers() *answers {
	return &answers{tokens: map[string]token{}, certs: map[string]*tls.Certificate{}}
}

// http answers for the name that the token was given for, and for no other.
func (a *answers) http(host, path string) (string, bool) {
	key, ok := strings.CutPrefix(path, wellKnown)
	if !ok {
		return "", false
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	t, ok := a.tokens[key]
	return t.content, ok && t.name == canonical(host)
}

func (a *answers) tls(name string) *tls.Certificate {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.certs[name]
}

// solvers are the ways in which a name can be proven to be ours.
func (m *Manager) solvers(able []string) map[string]acmez.Solver {
	all := map[string]acmez.Solver{}
	for _, c := range able {
		switch c {
		case HTTP01:
			all[acme.ChallengeTypeHTTP01] = httpSolver{m.answers}
		case TLS01:
			all[acme.ChallengeTypeTLSALPN01] = tlsSolver{m.answers}
		case DNS01:
			all[acme.ChallengeTypeDNS01] = zoneSolver{m.zone}
		}
	}
	return all
}

type httpSolver struct{ *answers }

// Present makes the answer ready before the issuer is told to look.
func (s httpSolver) Present(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[c.Token] = token{canonical(c.Identifier.Value), c.KeyAuthorization}
	return nil
}

// CleanUp forgets the answer.
func (s httpSolver) CleanUp(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, c.Token)
	return nil
}

type tlsSolver struct{ *answers }

// Present makes the certificate ready before the issuer is told to look.
func (s tlsSolver) Present(_ context.Context, c acme.Challenge) error {
	made, err := acmez.TLSALPN01ChallengeCert(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs[canonical(c.Identifier.Value)] = made
	return nil
}

// CleanUp forgets the certificate.
func (s tlsSolver) CleanUp(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.certs, canonical(c.Identifier.Value))
	return nil
}

// zoneTime is what the zone may take to take a record away.
const zoneTime = 30 * time.Second

type zoneSolver struct{ zone Zone }

// Present returns when the zone answers with the record.
func (s zoneSolver) Present(ctx context.Context, c acme.Challenge) error {
	if err := s.zone.Present(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization()); err != nil {
		return fmt.Errorf("the zone could not answer for %s: %w", c.DNS01TXTRecordName(), err)
	}
	return nil
}

// CleanUp takes the record away, also when the attempt was cut off.
func (s zoneSolver) CleanUp(ctx context.Context, c acme.Challenge) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), zoneTime)
	defer cancel()
	return s.zone.Remove(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization())
}
