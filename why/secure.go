package why

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

const handshakeTimeout = 5 * time.Second

// goTLS brings the connection through the handshake. It checks the certificate itself, so that everything that is wrong with
// it can be told, and refuses it with an alert as a browser would.
func (p *probe) goTLS(ctx context.Context) {
	h := &Handshake{At: p.o.Now()}
	p.facts.TLS = h
	next := []string{"h2", "http/1.1"}
	if p.facts.Target.Socket { // the upgrade is one of HTTP/1.1
		next = next[1:]
	}
	c := tls.Client(p.conn, &tls.Config{
		ServerName: p.facts.Target.Host, NextProtos: next, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies, and tells why not
		VerifyConnection: func(s tls.ConnectionState) error {
			err := p.verify(h, s)
			if p.facts.Anyway {
				return nil
			}
			return err
		},
	})
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	err := c.HandshakeContext(ctx)
	h.Took = p.o.Now().Sub(h.At)
	if err != nil {
		if h.Reason == "" {
			h.Reason, h.Error = tlsReason(err), err.Error()
		}
		h.Failure = failureOf(err)
		_ = p.conn.Close()
		p.conn = nil
		return
	}
	s := c.ConnectionState()
	h.Version, h.ALPN = tls.VersionName(s.Version), s.NegotiatedProtocol
	p.conn = c
}

// verify notes what is shown and what is wrong with it.
func (p *probe) verify(h *Handshake, s tls.ConnectionState) error {
	h.Version, h.ALPN = tls.VersionName(s.Version), s.NegotiatedProtocol
	leaf := s.PeerCertificates[0]
	ours := p.ourRoots()
	h.Leaf = show(leaf, ours != nil && verifies(s.PeerCertificates, ours, h.At) == nil)
	h.Reason, h.Error = judgeChain(s.PeerCertificates, p.o.Roots, p.facts.Target.Host, h.At)
	if h.Reason == "" {
		return nil
	}
	return errors.New(h.Error)
}

// ourRoots are those of the server's own authority.
func (p *probe) ourRoots() *x509.CertPool {
	if p.begun == nil || len(p.begun.Roots) == 0 {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.begun.Roots)
	return pool
}

func show(c *x509.Certificate, ours bool) *Certificate {
	names := slices.Clone(c.DNSNames)
	for _, a := range c.IPAddresses {
		names = append(names, a.String())
	}
	issuer := c.Issuer.CommonName
	if issuer == "" {
		issuer = c.Issuer.String()
	}
	return &Certificate{Names: names, Issuer: printable(issuer), NotBefore: c.NotBefore, NotAfter: c.NotAfter, Ours: ours}
}

// judgeChain says what is wrong with a certificate, in the order in which somebody would want to know: who issued it says
// little about one that is over.
func judgeChain(chain []*x509.Certificate, roots *x509.CertPool, host string, now time.Time) (reason, text string) {
	leaf := chain[0]
	switch {
	case now.After(leaf.NotAfter):
		return "tls.certificate_expired", "the certificate ended on " + leaf.NotAfter.UTC().Format(time.DateOnly)
	case now.Before(leaf.NotBefore):
		return "tls.certificate_not_yet_valid", "the certificate begins on " + leaf.NotBefore.UTC().Format(time.DateTime)
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return "tls.name_mismatch", err.Error()
	}
	err := verifies(chain, roots, now)
	if err == nil {
		return "", ""
	}
	if len(chain) == 1 && len(leaf.IssuingCertificateURL) > 0 && leaf.Issuer.String() != leaf.Subject.String() {
		return "tls.chain_incomplete", err.Error()
	}
	return "tls.client_rejected_ca", err.Error()
}

// verifies checks the chain up to a root. roots may be nil: those of the system.
func verifies(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
	return err
}

// tlsReason reads from an error of the handshake what went wrong. What servers say is an alert of one word.
func tlsReason(err error) string {
	var header tls.RecordHeaderError
	text := err.Error()
	switch {
	case errors.As(err, &header):
		return "tls.no_tls"
	case strings.Contains(text, "unrecognized name"):
		return "tls.no_certificate_for_name"
	case strings.Contains(text, "protocol version"), strings.Contains(text, "unsupported versions"):
		return "tls.version_unsupported"
	case strings.Contains(text, "no application protocol"):
		return "tls.alpn_mismatch"
	case strings.Contains(text, "certificate required"), strings.Contains(text, "bad certificate") && strings.Contains(text, "remote error"):
		return "tls.client_certificate_missing"
	case failureOf(err) == Reset:
		return "connection.reset"
	}
	return "tls.handshake_failed"
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
