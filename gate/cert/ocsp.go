package cert

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/crypto/ocsp"
)

const (
	stapleMax   = 64 << 10 // bytes of an answer
	stapleTime  = 10 * time.Second
	stapleAgain = 10 * time.Minute // after a failure
	stapleDay   = 24 * time.Hour   // how long an answer holds that does not say so
)

// staple is an answer of a certificate's responder that says that it is not revoked (RFC 6960), on the certificate as it is
// shown with it. Most certificates of today name no responder, and have none.
type staple struct {
	of    *tls.Certificate // without
	with  *tls.Certificate // nil while there is no answer
	until time.Time
	again time.Time // when to ask again
}

// show returns a certificate with its staple, where that is still good.
func (e *entry) show(c *tls.Certificate, now time.Time) *tls.Certificate {
	if st := e.stapled.Load(); st != nil && st.of == c && st.with != nil && now.Before(st.until) {
		return st.with
	}
	return c
}

// staple asks the responders of certificates whose staple is missing or half over.
func (s *Store) staple(ctx context.Context) {
	for _, e := range s.table.Load().entries {
		c, _ := e.bare() // a failure is the handshake's to tell
		if c == nil || len(c.Leaf.OCSPServer) == 0 || len(c.Certificate) < 2 {
			continue
		}
		st := e.stapled.Load()
		if st != nil && st.of == c && s.now().Before(st.again) {
			continue
		}
		next, err := s.ask(ctx, c)
		if err == nil {
			e.stapled.Store(next)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		again := staple{of: c, again: s.now().Add(stapleAgain)}
		if st != nil && st.of == c {
			again.with, again.until = st.with, st.until // what is there holds as long as it says
		}
		e.stapled.Store(&again)
		s.log.Warn("the responder of a certificate did not vouch for it", slog.String("name", e.name), slog.Any("error", err),
			slog.Bool("must_staple", mustStaple(c.Leaf)))
	}
}

// ask asks the responder of a certificate.
func (s *Store) ask(ctx context.Context, c *tls.Certificate) (*staple, error) {
	issuer, err := x509.ParseCertificate(c.Certificate[1])
	if err != nil {
		return nil, err
	}
	question, err := ocsp.CreateRequest(c.Leaf, issuer, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, stapleTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Leaf.OCSPServer[0], bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/ocsp-request")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", c.Leaf.OCSPServer[0], resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, stapleMax))
	if err != nil {
		return nil, err
	}
	return s.judge(c, issuer, raw)
}

// judge takes in an answer: only a signed and fresh one that says "good".
func (s *Store) judge(c *tls.Certificate, issuer *x509.Certificate, raw []byte) (*staple, error) {
	answer, err := ocsp.ParseResponseForCert(raw, c.Leaf, issuer)
	if err != nil {
		return nil, err
	}
	if answer.Status != ocsp.Good {
		return nil, errors.New("it is revoked, or unknown to its issuer: order another one")
	}
	until := answer.NextUpdate
	if until.IsZero() {
		until = answer.ThisUpdate.Add(stapleDay)
	}
	if !s.now().Before(until) {
		return nil, fmt.Errorf("the answer was good until %s", until.UTC().Format(time.DateTime))
	}
	with := *c
	with.OCSPStaple = raw
	return &staple{of: c, with: &with, until: until, again: answer.ThisUpdate.Add(until.Sub(answer.ThisUpdate) / 2)}, nil
}

// mustStaple reports whether a certificate says that it is worth nothing without a staple (RFC 7633).
func mustStaple(leaf *x509.Certificate) bool {
	for _, ext := range leaf.Extensions {
		if ext.Id.String() == "1.3.6.1.5.5.7.1.24" {
			return bytes.Contains(ext.Value, []byte{2, 1, 5}) // INTEGER 5, status_request
		}
	}
	return false
}
