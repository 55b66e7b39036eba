package console

import (
	"crypto/subtle"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// policy is the page's Content-Security-Policy: nothing but what the console serves itself, no inline script or style, and
// no other page may frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// front is what every request passes first: the headers that keep other pages out, the name under which it asks, and
// whether another site's page makes the browser ask.
func (c *Console) front() http.Handler {
	cross := http.NewCrossOriginProtection()
	if o := c.options.Origin; o != nil {
		_ = cross.AddTrustedOrigin(o.Scheme + "://" + o.Host) // app has checked that it is an origin
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.refuse(w, r, roundtrip.E(roundtrip.Denied, "auth.csrf_rejected", "a page of another site made this request"))
	}))
	next := cross.Handler(c.mux())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if c.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !c.ours(r) {
			e := roundtrip.E(roundtrip.Invalid, "console.host", "the console does not answer as %q: open it by its address or by localhost, or declare console.origin", host(r.Host))
			e.Status = http.StatusMisdirectedRequest
			c.refuse(w, r, e)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure reports whether browsers reach the console by https.
func (c *Console) secure() bool {
	return c.options.Certificate != nil || c.options.Origin != nil && c.options.Origin.Scheme == "https"
}

// ours reports whether the Host is one under which the console is meant to be asked. A page of elsewhere whose name was
// turned to our address (DNS rebinding) has a name; an address can't be turned.
func (c *Console) ours(r *http.Request) bool {
	if o := c.options.Origin; o != nil && strings.EqualFold(r.Host, o.Host) {
		return true
	}
	name := host(r.Host)
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" {
		return true
	}
	return r.TLS != nil && c.certified(name)
}

// certified reports whether our certificate has the name: who has turned another name to us has no certificate for it, and
// the browser would not have come so far.
func (c *Console) certified(name string) bool {
	leaf := c.options.Certificate().Leaf
	return leaf != nil && leaf.VerifyHostname(name) == nil
}

// tls is how connections are secured; nil where they are not.
func (c *Console) tls() *tls.Config {
	if c.options.Certificate == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.options.Certificate(), nil },
	}
}

// host is a Host without its port and brackets, in lower case.
func host(hostPort string) string {
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		hostPort = h
	}
	return strings.ToLower(strings.Trim(hostPort, "[]"))
}

// client is who asks: the other end, or whom our proxy names where one stands before us.
func (c *Console) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap().WithZone("")
	if c.options.Origin == nil || !at.IsLoopback() {
		return at
	}
	all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if named, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil { // the last one was written by the proxy itself
		return named.Unmap().WithZone("")
	}
	return at
}

// loopback is the network of who asks from the machine itself, a tunnel's end among them.
const loopback = "loopback"

// network is an address as others may see it: /24, of IPv6 /56.
func network(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	if a.IsLoopback() {
		return loopback
	}
	bits := 24
	if a.Is6() {
		bits = 56
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// metrics answers programs that measure: on this machine without more, from elsewhere with the declared token.
func (c *Console) metrics(w http.ResponseWriter, r *http.Request) {
	if !c.mayMeasure(r) {
		c.refuse(w, r, roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "metrics need a bearer token (console.metrics_token), unless they are asked for from this machine"))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	c.options.Metrics.ServeHTTP(w, r)
}

func (c *Console) mayMeasure(r *http.Request) bool {
	if given := r.Header.Get("Authorization"); given != "" {
		want := ""
		if c.options.MetricsToken != nil {
			want = c.options.MetricsToken()
		}
		return want != "" && subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+want)) == 1
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && !c.forwarded(r)
}

// forwarded reports whether a proxy on this machine speaks for somebody else: it says so, or asks by the name that only
// browsers know.
func (c *Console) forwarded(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	o := c.options.Origin
	return o != nil && strings.EqualFold(r.Host, o.Host)
}
