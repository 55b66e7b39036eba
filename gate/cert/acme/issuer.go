package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"github.com/roundtrip-dev/roundtrip/config"
)

// The directories of Let's Encrypt, which knows names of the internet alone.
const (
	letsEncrypt        = "https://acme-v02.api.letsencrypt.org/directory"
	letsEncryptStaging = "https://acme-staging-v02.api.letsencrypt.org/directory"
)

const (
	attemptMax = 5 * time.Minute  // what one order may take
	replyMax   = 30 * time.Second // what one answer of an issuer may take
	replyBytes = 1 << 20          // and how long it may be
)

// issuer is one declared ACME server.
type issuer struct {
	declared  config.Issuer
	directory string
	email     string
	roots     *x509.CertPool // nil: the system's
}

// newIssuers makes the declared issuers, or the one that serves without a declaration.
func newIssuers(declared config.ACME) ([]*issuer, error) {
	list := declared.Issuers
	if len(list) == 0 {
		list = []config.Issuer{{Pos: declared.Pos, Directory: letsEncrypt}}
	}
	var issuers []*issuer
	for _, d := range list {
		i, err := newIssuer(d, declared.Email)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Pos, err)
		}
		issuers = append(issuers, i)
	}
	return issuers, nil
}

func newIssuer(declared config.Issuer, email string) (*issuer, error) {
	i := &issuer{declared: declared, directory: declared.Directory, email: email}
	if declared.Roots == "" {
		return i, nil
	}
	content, err := os.ReadFile(declared.Roots)
	if err != nil {
		return nil, fmt.Errorf("the roots of the issuer %s: %w", i.host(), err)
	}
	if i.roots = x509.NewCertPool(); !i.roots.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate: the roots of the issuer %s are to be there, as PEM", declared.Roots, i.host())
	}
	return i, nil
}

// host is how an issuer is called in what people read.
func (i *issuer) host() string { return hostOf(i.directory) }

func hostOf(directory string) string {
	if u, err := url.Parse(directory); err == nil && u.Host != "" {
		return u.Host
	}
	return directory
}

// wait is an error of an issuer that says how long it does not want to be asked.
type wait struct {
	error

	atLeast time.Duration
}

// Unwrap returns what the issuer said.
func (w wait) Unwrap() error { return w.error }

// told returns how long an issuer wants not to be asked; 0 where it did not say so.
func told(err error) time.Duration {
	if w, ok := errors.AsType[wait](err); ok {
		return w.atLeast
	}
	return 0
}

// plain returns what an issuer said, without the path that the error took.
func plain(err error) string {
	if p, ok := errors.AsType[acme.Problem](err); ok {
		return strings.TrimPrefix(p.Type, acme.ProblemTypeNamespace) + ": " + strings.TrimSpace(p.Detail)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return "it can't be reached: " + u.Err.Error()
	}
	return err.Error()
}

// conversation is one client of an issuer, for one attempt. It hears when the issuer names a time to come back at.
type conversation struct {
	transport *http.Transport
	now       func() time.Time
	after     time.Duration // of the last Retry-After
}

// RoundTrip sends a request.
func (c *conversation) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.transport.RoundTrip(r)
	if err == nil {
		c.after = retryAfter(resp.Header.Get("Retry-After"), c.now())
		resp.Body = http.MaxBytesReader(nil, resp.Body, replyBytes)
	}
	return resp, err
}

// retryAfter reads the header, in seconds or as a date (RFC 9110 section 10.2.3). It believes a week at most.
func retryAfter(value string, now time.Time) time.Duration {
	const most = 7 * 24 * time.Hour
	if n, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(n, 0), int(most.Seconds()))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), most)
	}
	return 0
}

// talk makes a client. close ends its connections.
func (m *Manager) talk(i *issuer) (client *acmez.Client, c *conversation) {
	c = &conversation{now: m.now, transport: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: replyMax}).DialContext,
		TLSHandshakeTimeout:   replyMax,
		ResponseHeaderTimeout: replyMax,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{RootCAs: i.roots, MinVersion: tls.VersionTLS12},
	}}
	return &acmez.Client{Client: &acme.Client{
		Directory: i.directory, UserAgent: "Roundtrip", PollTimeout: attemptMax, HTTPClient: &http.Client{Transport: c, Timeout: replyMax},
	}}, c
}

// obtain orders one certificate from one issuer, in the place of the one that is there. The key is new each time.
func (m *Manager) obtain(ctx context.Context, s *subject, i *issuer) (record, error) {
	if (i.directory == letsEncrypt || i.directory == letsEncryptStaging) && !config.IsPublic(strings.TrimPrefix(s.name, "*.")) {
		return record{}, wait{fmt.Errorf("%s is no name of the internet, so this issuer is not asked: use tls: local", s.name), askLater}
	}
	m.mu.RLock()
	able := inTurn(challenges(m.allowed, s.name, m.zone), s.current().Tries)
	m.mu.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, attemptMax)
	defer cancel()
	client, c := m.talk(i)
	defer c.transport.CloseIdleConnections()
	client.ChallengeSolvers = m.solvers(able)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return record{}, err
	}
	chain, err := m.orderFrom(ctx, client, i, s, key)
	if err != nil {
		return record{}, c.explain(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return record{}, err
	}
	return record{Chain: string(chain), Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}, nil
}

// orderFrom does the order, with an account that is made where there is none. What an issuer does not know any more, as
// after it was set up anew, stops nothing: an account is made again, and a certificate that is said to be replaced is left
// out.
func (m *Manager) orderFrom(ctx context.Context, client *acmez.Client, i *issuer, s *subject, key *ecdsa.PrivateKey) ([]byte, error) {
	csr, err := acmez.NewCSR(key, []string{s.name})
	if err != nil {
		return nil, err
	}
	fresh, first := false, s.cert.Load()
	for {
		account, err := m.account(ctx, client, i, fresh)
		if err != nil {
			return nil, err
		}
		params, err := acmez.OrderParametersFromCSR(account, csr)
		if err != nil {
			return nil, err
		}
		if first != nil && s.current().Directory == i.directory {
			params.Replaces = first.Leaf // RFC 9773 section 5: a renewal is exempt from limits
		}
		chains, err := client.ObtainCertificate(ctx, params)
		if p, ok := errors.AsType[acme.Problem](err); ok && p.Type == acme.ProblemTypeAccountDoesNotExist && !fresh {
			fresh = true
			continue
		}
		if p, ok := errors.AsType[acme.Problem](err); ok && params.Replaces != nil && unknownToIssuer(p) {
			first = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(chains) == 0 {
			return nil, errors.New("the issuer gave no certificate")
		}
		return chains[0].ChainPEM, nil
	}
}

// unknownToIssuer reports whether an order may have been refused for the certificate that it replaces.
func unknownToIssuer(p acme.Problem) bool {
	return p.Status == http.StatusNotFound || p.Status == http.StatusConflict || p.Status == http.StatusBadRequest && p.Type == acme.ProblemTypeMalformed
}

// explain adds how long the issuer wants to be left alone.
func (c *conversation) explain(err error) error {
	p, ok := errors.AsType[acme.Problem](err)
	if !ok || p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable && p.Type != acme.ProblemTypeRateLimited {
		return err
	}
	if c.after == 0 {
		c.after = limited
	}
	return wait{err, c.after}
}

// window asks for the renewal window of a certificate.
func (m *Manager) window(ctx context.Context, i *issuer, leaf *x509.Certificate) (window, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptMax)
	defer cancel()
	client, c := m.talk(i)
	defer c.transport.CloseIdleConnections()
	info, err := client.GetRenewalInfo(ctx, leaf)
	if err != nil {
		return window{}, err
	}
	w := window{Start: info.SuggestedWindow.Start, End: info.SuggestedWindow.End, Why: info.ExplanationURL}
	w.Chosen = w.Start.Add(time.Duration(m.chance() * float64(w.End.Sub(w.Start))))
	if c.after == 0 {
		c.after = askEvery
	}
	w.Ask = m.now().Add(max(c.after, time.Minute))
	return w, nil
}
