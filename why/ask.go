package why

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"unicode"
)

// bodyMost is how much of an answer's body is read: enough for a problem (RFC 9457).
const bodyMost = 64 << 10

// userAgent says to others who asks.
const userAgent = "roundtrip-why (+https://roundtrip.dev/why)"

// client sends over the connection that was made, as long as the server keeps it; then over others to the same address.
func (p *probe) client() *http.Client {
	if p.http != nil {
		return p.http
	}
	again := func(ctx context.Context) (net.Conn, error) {
		if c := p.conn; c != nil {
			p.conn = nil
			return c, nil
		}
		last := p.facts.Dials[len(p.facts.Dials)-1].To
		port, err := p.port()
		if err != nil {
			return nil, err
		}
		return p.o.Dial(ctx, port, last)
	}
	t := &http.Transport{
		DisableCompression: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 1 << 20,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return again(ctx) },
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := again(ctx)
			if err != nil {
				return nil, err
			}
			if _, done := c.(*tls.Conn); done {
				return c, nil
			}
			s := tls.Client(c, &tls.Config{ServerName: p.facts.Target.Host, NextProtos: []string{"http/1.1"}, RootCAs: p.o.Roots, InsecureSkipVerify: p.facts.Anyway}) //nolint:gosec // --anyway says so
			return s, s.HandshakeContext(ctx)
		},
	}
	if p.facts.Call { // nothing else will do
		t.Protocols = &http.Protocols{}
		t.Protocols.SetHTTP2(true)
		t.Protocols.SetUnencryptedHTTP2(!p.facts.Target.Secure)
	}
	p.http = &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p.http
}

// send makes one exchange. It takes the next ticket, where there are some.
func (p *probe) send(ctx context.Context, method string, h http.Header, body []byte) *Exchange {
	e := &Exchange{Method: method, Sent: h}
	u := *p.facts.Target.URL
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		e.Failure, e.Error = Other, err.Error()
		return e
	}
	if len(body) == 0 {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header = h.Clone()
	if host := h.Get("Host"); host != "" {
		req.Host = host
		req.Header.Del("Host")
	}
	if p.begun != nil && len(p.begun.Tickets) > p.spent {
		t := p.begun.Tickets[p.spent]
		p.spent++
		e.ID = t.ID
		req.Header.Set("X-Probe", t.Signed)
		req.Header.Set("Traceparent", "00-"+t.ID+"-"+t.ID[:16]+"-01")
	}
	began := p.o.Now()
	resp, err := p.client().Do(req)
	if err != nil {
		e.Took = p.o.Now().Sub(began)
		e.Failure, e.Error, e.Reason = failureOf(err), reasonText(err), exchangeReason(err)
		if p.facts.Call && !p.facts.Target.Secure && strings.Contains(err.Error(), "http2: ") {
			e.Reason = "connection.http_version"
		}
		return e
	}
	e.Status, e.Proto, e.Header = resp.StatusCode, resp.Proto, resp.Header
	if resp.StatusCode != http.StatusSwitchingProtocols {
		e.Body, err = io.ReadAll(io.LimitReader(resp.Body, bodyMost))
		if err != nil && ctx.Err() == nil {
			e.Failure, e.Error = failureOf(err), reasonText(err)
		}
	}
	_ = resp.Body.Close()
	if p.facts.Call {
		e.Call = callEnd(resp.Header, resp.Trailer)
	}
	e.Took = p.o.Now().Sub(began)
	return e
}

// exchangeReason reads from an error what is wrong, where it says so.
func exchangeReason(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "certificate required"), strings.Contains(text, "remote error: tls: bad certificate"):
		return "tls.client_certificate_missing"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "tls.no_tls"
	}
	return ""
}

// reasonText is an error without the URL, which is known.
func reasonText(err error) string {
	var u interface{ Unwrap() error }
	if errors.As(err, &u) && strings.Contains(err.Error(), `": `) {
		if inner := u.Unwrap(); inner != nil {
			err = inner
		}
	}
	return printable(err.Error())
}

// statusText is a status with its words.
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// printable is text of a stranger in one line that steers no terminal.
func printable(s string) string {
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
