package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/why"
)

const (
	tryBodyMost   = 256 << 10       // of an answer, that is shown
	tryStreamTime = 3 * time.Second // for which a stream is watched
)

// triedHeaders are those that a try may have. None of them says who asks or where from.
func triedHeaders() []string {
	return []string{"Accept", "Accept-Language", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-Id", "Connect-Protocol-Version"}
}

// try makes one call for the console's page API: to this server's own door, by the name of one of its sites, so that it meets
// every station that a visitor's call meets.
func (a *App) try(ctx context.Context, o console.TryOrder) (*console.TryAnswer, error) {
	call, cancel := context.WithCancel(ctx)
	defer cancel()
	req, id, err := a.tryRequest(call, o)
	if err != nil {
		return nil, err
	}
	t := a.tryTransport(req.URL)
	defer t.CloseIdleConnections()
	began := a.around.Now()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return nil, roundtrip.E(roundtrip.Unavailable, "console.try_failed", "%s did not answer: %v", o.Site, err)
	}
	if kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); kind == "text/event-stream" {
		defer time.AfterFunc(tryStreamTime, cancel).Stop()
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, tryBodyMost+1))
	ended := err != nil && (errors.Is(err, context.Canceled) || req.Context().Err() != nil)
	cancel() // what is left of a stream
	_ = resp.Body.Close()
	if err != nil && !ended {
		return nil, roundtrip.E(roundtrip.Unavailable, "console.try_failed", "the answer of %s did not come whole: %v", o.Site, err)
	}
	v := &console.TryAnswer{
		Status: resp.StatusCode, Proto: resp.Proto, Headers: resp.Header, Journey: id,
		MS: float64(a.around.Now().Sub(began)) / float64(time.Millisecond), Cut: ended || len(body) > tryBodyMost,
	}
	v.Headers.Del("Set-Cookie") // it is a session
	body = body[:min(len(body), tryBodyMost)]
	if v.Cut {
		body = []byte(strings.ToValidUTF8(string(body), ""))
	}
	if v.Binary = !utf8.Valid(body); !v.Binary {
		v.Body = string(body)
	}
	if a.recorder == nil {
		v.Journey = ""
		return v, nil
	}
	_, err = a.Saw(context.WithoutCancel(ctx), why.Asked{Since: began, Request: []string{id}}) // the journey ends after its answer
	return v, err
}

// tryRequest makes the request of an order, and the id of its journey.
func (a *App) tryRequest(ctx context.Context, o console.TryOrder) (req *http.Request, journey string, err error) {
	sites := a.apiSites(a.house.Load().config)
	at := slices.IndexFunc(sites, func(s apiSite) bool { return s.Name == o.Site })
	if at < 0 {
		return nil, "", roundtrip.E(roundtrip.Invalid, "request.invalid", "no site of this server with the name %q serves the API", o.Site)
	}
	if !slices.Contains([]string{"GET", "POST", "PATCH", "DELETE"}, o.Method) {
		return nil, "", roundtrip.E(roundtrip.Invalid, "request.invalid", "method is one of GET, POST, PATCH and DELETE")
	}
	below, err := console.TryPath(o.Path)
	if err != nil {
		return nil, "", err
	}
	req, err = http.NewRequestWithContext(ctx, o.Method, sites[at].URL+below.RequestURI(), strings.NewReader(o.Body))
	if err != nil {
		return nil, "", roundtrip.E(roundtrip.Invalid, "request.invalid", "this can't be asked: %v", err)
	}
	for name, value := range o.Headers {
		if name = textproto.CanonicalMIMEHeaderKey(name); !slices.Contains(triedHeaders(), name) {
			return nil, "", roundtrip.E(roundtrip.Invalid, "request.invalid", "a try can't have the header %q: it may have %s", name, strings.Join(triedHeaders(), ", "))
		}
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", "roundtrip-console")
	if o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+o.Token)
	}
	id, err := a.newID()
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("X-Probe", a.base.tickets.sign(id, a.around.Now()))
	return req, id.String(), nil
}

// tryTransport reaches this server's own door and nothing else, whatever the name is elsewhere.
func (a *App) tryTransport(u *url.URL) *http.Transport {
	l := a.doors.Plain
	if u.Scheme == "https" {
		l = a.doors.Secure
	}
	to := doors.AddrPort(l.Addr())
	if ip := to.Addr(); ip.IsUnspecified() {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		to = netip.AddrPortFrom(loopback, to.Port())
	}
	return &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), InsecureSkipVerify: true}, //nolint:gosec // the door is ours, dialled by its address
	}
}
