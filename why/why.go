package why

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options says what to probe, and with what.
type Options struct {
	URL     string
	Method  string // default GET, or POST where there is a body
	Header  http.Header
	Body    []byte
	Origin  string // of the page that is stood in for; "" for none
	As      string // an account that the server makes a session of; "" for none
	Call    bool   // of gRPC; also without it, where the path is that of a method and nothing says how else to ask
	Cookies *bool  // whether the page would send cookies; nil: where there are some
	Anyway  bool   // go on where a browser would stop

	Server   Server                // nil: a foreign site
	Alone    string                // why there is none, where somebody may wonder
	Resolve  map[string]netip.Addr // names in small letters whose address is given
	Resolver Stub                  // zero: that of this machine
	Dial     func(ctx context.Context, port uint16, to netip.AddrPort) (net.Conn, error)
	Roots    *x509.CertPool // nil: those of the system
	Now      func() time.Time
	Rand     io.Reader
	Timeout  time.Duration // of the whole; default 30 s
	Step     func(Step)    // called with each step as soon as it is known; may be nil
}

const timeoutDefault = 30 * time.Second

// probe is one run.
type probe struct {
	o     Options
	facts Facts
	begun *Begun
	saw   *Saw
	since time.Time

	conn  net.Conn // made and not used up yet
	http  *http.Client
	spent int // tickets
	told  int // steps
	done  bool
}

// Run goes the way of a request, and says what stops it. The error is of a command line that can't be followed, or of a
// server of ours that did not want to help; that a site can't be reached is an answer.
func Run(ctx context.Context, o Options) (*Answer, error) {
	p, err := newProbe(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	if err := p.begin(ctx); err != nil {
		return nil, err
	}
	defer p.end(ctx)
	if err := p.way(ctx); err != nil {
		return nil, err
	}
	p.done = true
	if err := p.tell(ctx); err != nil {
		return nil, err
	}
	return Conclude(p.sides()), nil
}

func newProbe(o Options) (*probe, error) {
	if o.Dial == nil || o.Now == nil || o.Rand == nil {
		return nil, errors.New("why.Run: Options.Dial, Now and Rand must be set")
	}
	if o.Timeout <= 0 {
		o.Timeout = timeoutDefault
	}
	o.Resolver.Now = o.Now
	t, err := ParseTarget(o.URL)
	if err != nil {
		return nil, err
	}
	origin, err := ParseOrigin(o.Origin)
	if err != nil {
		return nil, err
	}
	method := strings.ToUpper(o.Method)
	switch {
	case method == "" && len(o.Body) > 0:
		method = http.MethodPost
	case method == "":
		method = http.MethodGet
	}
	if strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" || method == http.MethodConnect || method == http.MethodTrace {
		return nil, wrong("-X %s is no method that a page can use", printable(o.Method))
	}
	p := &probe{o: o, since: o.Now()}
	p.facts = Facts{Target: t, Method: method, Origin: origin, Anyway: o.Anyway, Call: isCall(&o, &t)}
	if p.facts.Call {
		if origin != "" || t.Socket {
			return nil, wrong("--grpc goes neither with --origin nor with a WebSocket: pages of browsers can't call gRPC. They call gRPC-Web: -X POST -H 'Content-Type: application/grpc-web+proto'")
		}
		p.facts.Method, p.o.Body = http.MethodPost, enveloped(o.Body)
	}
	return p, nil
}

// ticketsMost is how many requests one probe makes: a preflight and what it asks for.
const ticketsMost = 2

func (p *probe) begin(ctx context.Context) error {
	if p.o.Server == nil {
		if p.o.As != "" {
			return wrong("--as needs the server that has the account: run it where that server runs, and name its file with --file")
		}
		return nil
	}
	t := &p.facts.Target
	var err error
	p.begun, err = p.o.Server.Begin(ctx, Wanted{Host: t.Host, Port: t.Port, Secure: t.Secure, Tickets: ticketsMost, As: p.o.As})
	return err
}

// end takes the session back and lets go of connections.
func (p *probe) end(ctx context.Context) {
	if p.http != nil {
		p.http.CloseIdleConnections()
	}
	if p.conn != nil {
		_ = p.conn.Close()
	}
	if p.begun != nil && p.begun.Session != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
		defer cancel()
		_ = p.o.Server.End(ctx, p.begun) // a server that stops meanwhile has the session end by itself
	}
}

// way goes from station to station until one stops it.
func (p *probe) way(ctx context.Context) error {
	p.goNames(ctx)
	if err := p.tell(ctx); err != nil || len(p.facts.Names.Addresses) == 0 {
		return err
	}
	p.goConnect(ctx)
	if p.conn == nil {
		return nil
	}
	if p.facts.Target.Secure {
		p.goTLS(ctx)
	}
	if err := p.tell(ctx); err != nil || p.conn == nil {
		return err
	}
	return p.goRequest(ctx)
}

// goRequest makes the requests that a browser would make.
func (p *probe) goRequest(ctx context.Context) error {
	f := &p.facts
	h := p.headers()
	f.Mixed = strings.HasPrefix(f.Origin, "https://") && !f.Target.Secure && !isLoopbackName(f.Target.Host)
	if f.Mixed && !f.Anyway {
		return nil
	}
	if f.Call && !p.speaksHTTP2() {
		f.Answer = &Exchange{Method: f.Method, Sent: h, Failure: Other, Reason: "tls.http_version", Error: "no HTTP/2"}
		return nil
	}
	because, simple := needsPreflight(&f.Target, f.Origin, f.Method, p.o.Header)
	f.Simple = simple
	if because != "" {
		asked := unsafeHeaders(p.o.Header)
		f.Preflight = p.send(ctx, http.MethodOptions, p.preflightHeaders(asked), nil)
		if err := p.tell(ctx); err != nil {
			return err
		}
		if f.Preflight.Failure != None || judgePreflight(f.Preflight, f.Origin, f.Method, asked, f.Credentials).reason != "" && !f.Anyway {
			return nil
		}
	}
	f.Answer = p.send(ctx, f.Method, h, p.o.Body)
	return nil
}

// headers are those of the request, as a browser would send them for the page.
func (p *probe) headers() http.Header {
	f := &p.facts
	h := http.Header{"Accept": {"*/*"}, "User-Agent": {userAgent}}
	for name, values := range p.o.Header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		if lower := strings.ToLower(name); f.Origin != "" && forbidden(lower) && lower != "cookie" {
			f.Withheld = append(f.Withheld, "A script may not set "+name+"; it is sent all the same, since you asked for it.")
		}
	}
	if f.Call {
		addCall(h)
	}
	if len(p.o.Body) > 0 && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/plain;charset=UTF-8") // as fetch does with a text
	}
	f.Credentials = h.Get("Cookie") != "" || p.begun != nil && p.begun.Session != nil
	if p.o.Cookies != nil {
		f.Credentials = *p.o.Cookies
	}
	p.addSession(h)
	if !f.Credentials {
		h.Del("Cookie")
	}
	if f.Origin != "" {
		h.Set("Origin", f.Origin)
		h.Set("Sec-Fetch-Site", fetchSite(&f.Target, f.Origin))
		h.Set("Sec-Fetch-Mode", "cors")
		h.Set("Sec-Fetch-Dest", "empty")
	}
	if f.Target.Socket {
		p.addUpgrade(h)
	}
	return h
}

// addSession sends the session's cookie where a browser would: it is SameSite=Lax, so never from a page of another site.
func (p *probe) addSession(h http.Header) {
	f := &p.facts
	if p.begun == nil || p.begun.Session == nil || !f.Credentials {
		return
	}
	s := p.begun.Session
	if f.Origin != "" && fetchSite(&f.Target, f.Origin) == "cross-site" {
		f.Withheld = append(f.Withheld, "The session's cookie is SameSite=Lax: a browser does not send it from pages of another site, so it was not sent.")
		return
	}
	if to := f.Dials[len(f.Dials)-1].To.Addr(); (!f.Target.Secure || f.TLS != nil && f.TLS.Reason != "") && !p.sides().ours(to) {
		f.Withheld = append(f.Withheld, "The session's cookie was not sent: nothing proves that "+to.String()+" is this server.")
		return
	}
	pair := s.Cookie + "=" + s.Token
	if others := h.Get("Cookie"); others != "" {
		pair = others + "; " + pair
	}
	h.Set("Cookie", pair)
}

// preflightHeaders are those of a preflight (Fetch standard, section 4.8): no cookies, ever.
func (p *probe) preflightHeaders(asked []string) http.Header {
	f := &p.facts
	h := http.Header{
		"Accept": {"*/*"}, "User-Agent": {userAgent}, "Origin": {f.Origin}, "Access-Control-Request-Method": {f.Method},
		"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {fetchSite(&f.Target, f.Origin)}, "Sec-Fetch-Dest": {"empty"},
	}
	if len(asked) > 0 {
		h["Access-Control-Request-Headers"] = []string{strings.Join(asked, ",")}
	}
	return h
}

// addUpgrade asks for a WebSocket (RFC 6455 section 4.1).
func (p *probe) addUpgrade(h http.Header) {
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-Websocket-Version", "13")
	h.Set("Sec-Websocket-Key", "cm91bmR0cmlwIHdoeSBpcw==") // any 16 bytes: nothing is said over the socket
	if p.facts.Origin != "" {
		h.Set("Sec-Fetch-Mode", "websocket")
	}
}

// tell asks the server what it saw, judges both sides, and hands on the steps that are new.
func (p *probe) tell(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	steps := Judge(p.sides())
	for _, s := range steps[min(p.told, len(steps)):] {
		if p.o.Step != nil {
			p.o.Step(s)
		}
	}
	p.told = len(steps)
	return nil
}

func (p *probe) look(ctx context.Context) error {
	if p.begun == nil {
		return nil
	}
	f := &p.facts
	a := Asked{Since: p.since, Host: f.Target.Host, Port: f.Target.Port, Query: p.begun.ProbeID}
	for _, d := range f.Dials {
		a.From, a.To = append(a.From, d.From), append(a.To, d.To)
	}
	last := len(f.Dials) - 1
	a.Failed = last >= 0 && f.Dials[last].Failure != None || f.TLS != nil && f.TLS.Reason != ""
	for _, e := range []*Exchange{f.Preflight, f.Answer} {
		if e != nil && e.ID != "" {
			a.Request = append(a.Request, e.ID)
		}
	}
	saw, err := p.o.Server.Saw(context.WithoutCancel(ctx), a)
	if err == nil {
		p.saw = saw
	}
	return err
}

func (p *probe) sides() *Sides {
	return &Sides{Facts: &p.facts, Begun: p.begun, Saw: p.saw, Done: p.done, Alone: p.o.Alone}
}

func isLoopbackName(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && a.IsLoopback()
}

// number is the layer with that word.
func layerOf(word string) trace.Layer {
	for l := trace.DNS; l.String() != "unknown"; l++ {
		if l.String() == word {
			return l
		}
	}
	return 0
}

// StoppedBy is the layer that stops it, 0 for none: the exit status of the command is ten more.
func (a *Answer) StoppedBy() trace.Layer {
	if a.Well {
		return 0
	}
	return layerOf(a.Layer)
}
