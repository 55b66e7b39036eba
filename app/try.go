package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
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
	"github.com/roundtrip-dev/roundtrip/identity"
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := a.beginTry(ctx, o)
	if err != nil {
		return nil, err
	}
	defer c.end(ctx)
	return c.whole(ctx, cancel)
}

// tryCall is a call that was tried, and is answered.
type tryCall struct {
	app       *App
	resp      *http.Response
	transport *http.Transport
	site, id  string // id: of the journey
	began     time.Time
	takeBack  func(ctx context.Context) // the session that was lent for it
}

// beginTry sends the request of an order and reads the head of its answer.
func (a *App) beginTry(ctx context.Context, o console.TryOrder) (*tryCall, error) {
	c := &tryCall{app: a, site: o.Site, began: a.around.Now(), takeBack: func(context.Context) {}}
	req, id, err := a.tryRequest(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Account != "" {
		token, err := c.lend(ctx, o.Account)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	c.id, c.transport = id, a.tryTransport(req.URL)
	if c.resp, err = c.transport.RoundTrip(req); err != nil { //nolint:bodyclose // end closes it
		c.end(ctx)
		return nil, roundtrip.E(roundtrip.Unavailable, "console.try_failed", "%s did not answer: %v", o.Site, err)
	}
	c.resp.Header.Del("Set-Cookie") // it is a session
	return c, nil
}

// lend makes a session of an account for the time of a call. That it was is in the console's audit, and in the server's log.
func (c *tryCall) lend(ctx context.Context, account string) (token string, err error) {
	h := c.app.house.Load()
	if h.identity.Users() == nil {
		return "", roundtrip.E(roundtrip.Unprocessable, "command.undeclared", "the declaration has no accounts; name their collection with identity.accounts")
	}
	g, err := h.identity.Lend(ctx, account, identity.Device{Name: "roundtrip console"})
	if err != nil {
		return "", err
	}
	c.app.log.InfoContext(ctx, "the console tries a call as an account", slog.String("account", g.Account.ID().String()), slog.String("site", c.site))
	c.takeBack = func(ctx context.Context) {
		if err := h.identity.TakeBack(ctx, g.Account.ID(), g.Session.ID); err != nil {
			c.app.log.WarnContext(ctx, "a session that was lent for a try lives until its time is over", slog.Any("error", err))
		}
	}
	return g.Token, nil
}

// end closes what the call has open.
func (c *tryCall) end(ctx context.Context) {
	if c.resp != nil {
		_ = c.resp.Body.Close()
	}
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
	c.takeBack(context.WithoutCancel(ctx))
}

// head is the answer without its body.
func (c *tryCall) head() *console.TryAnswer {
	a := c.app
	v := &console.TryAnswer{
		Status: c.resp.StatusCode, Proto: c.resp.Proto, Headers: c.resp.Header, Journey: c.id,
		MS: float64(a.around.Now().Sub(c.began)) / float64(time.Millisecond),
	}
	if a.recorder == nil {
		v.Journey = ""
	}
	return v
}

// whole reads the answer, as much of it as is shown. cancel ends what is left of a stream.
func (c *tryCall) whole(ctx context.Context, cancel func()) (*console.TryAnswer, error) {
	if c.media() == "text/event-stream" {
		defer time.AfterFunc(tryStreamTime, cancel).Stop()
	}
	body, err := io.ReadAll(io.LimitReader(c.resp.Body, tryBodyMost+1))
	ended := err != nil && (errors.Is(err, context.Canceled) || ctx.Err() != nil)
	cancel()
	if err != nil && !ended {
		return nil, roundtrip.E(roundtrip.Unavailable, "console.try_failed", "the answer of %s did not come whole: %v", c.site, err)
	}
	_ = c.resp.Body.Close()
	v := c.head()
	v.Cut = ended || len(body) > tryBodyMost
	body = body[:min(len(body), tryBodyMost)]
	if v.Cut {
		body = []byte(strings.ToValidUTF8(string(body), ""))
	}
	if v.Binary = !utf8.Valid(body); !v.Binary {
		v.Body = string(body)
	}
	return v, c.saw(ctx)
}

// saw waits until the journey is there, which ends after its answer.
func (c *tryCall) saw(ctx context.Context) error {
	if c.app.recorder == nil {
		return nil
	}
	_, err := c.app.witness.Saw(context.WithoutCancel(ctx), why.Asked{Since: c.began, Request: []string{c.id}})
	return err
}

// media is the type of the answer, without its parameters.
func (c *tryCall) media() string {
	kind, _, _ := strings.Cut(c.resp.Header.Get("Content-Type"), ";")
	return kind
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
	if o.Content != nil {
		req.Body, req.GetBody, req.ContentLength = io.NopCloser(o.Content), nil, o.Size
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
	id, signed, err := a.witness.Ticket()
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("X-Probe", signed)
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
		// Neither Expect nor Connection: close: where net/http refuses a body of such a request half read, it closes at once, and
		// the answer is lost.
		DisableCompression: true, ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), InsecureSkipVerify: true}, //nolint:gosec // the door is ours, dialled by its address
	}
}
