// Package diagnose is the page that tells why a request fails in this very browser. It is served at the site's own origin, so
// that what it tries is what the site's pages try: extensions, caches, the network and the rules for pages of this origin
// included. It sends the request itself, tells the server what came of it, and shows what both saw.
//
// It has no secrets, but its answers name lines of the declaration: the gate serves it in dev, and to operators.
package diagnose

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// Path is where the page of a site is (RFC 8615).
const Path = "/.well-known/roundtrip/why"

// BodyMax bounds what the page sends, in bytes: a URL, a few headers, and what came of three tries.
const BodyMax = 32 << 10

// The paths that the page sends to.
const (
	beginPath = Path + "/begin"
	seenPath  = Path + "/seen"
)

//go:embed page
var files embed.FS //nolint:gochecknoglobals // embed has no other place

// From is who sends, as the gate knows it.
type From struct {
	Client netip.Addr
	Origin string // of the page
}

// Options says who answers the page. The bodies are JSON of the page's making, BodyMax long at most.
type Options struct {
	Begin    func(ctx context.Context, from From, body []byte) (any, error) // before anything is sent
	Conclude func(ctx context.Context, from From, body []byte) (any, error) // what it came to

	// Enter lets in who comes with what makes them known, and gives them a cookie for the rest of the visit. It is asked over
	// TLS alone. nil: nobody comes so.
	Enter func(w http.ResponseWriter, r *http.Request) bool
}

// Page serves the page and its two questions.
type Page struct {
	o     Options
	cross *http.CrossOriginProtection
}

// New makes a page.
func New(o Options) (*Page, error) {
	if o.Begin == nil || o.Conclude == nil {
		return nil, errors.New("diagnose.New: Options.Begin and Conclude must be set")
	}
	return &Page{o: o, cross: http.NewCrossOriginProtection()}, nil
}

// Has reports whether a path is one of the page's.
func Has(path string) bool {
	if !strings.HasPrefix(path, Path) {
		return false
	}
	_, ok := fileOf(path)
	return ok || path == beginPath || path == seenPath
}

// Enter reports whether who comes to the page shows something that makes them known.
func (p *Page) Enter(w http.ResponseWriter, r *http.Request, path string) bool {
	return path == Path && r.URL.RawQuery != "" && p.o.Enter != nil && p.o.Enter(w, r)
}

// fileOf is the file of a path, and its type.
func fileOf(path string) (file [2]string, ok bool) {
	switch path {
	case Path:
		return [2]string{"page/index.html", "text/html; charset=utf-8"}, true
	case Path + "/page.js":
		return [2]string{"page/page.js", "text/javascript; charset=utf-8"}, true
	case Path + "/page.css":
		return [2]string{"page/page.css", "text/css; charset=utf-8"}, true
	}
	return file, false
}

// Headers are the lines that every answer of the page has, whatever the site's declaration sets or removes: another policy of
// content would keep the page from sending what it is asked to, or let in what it must not.
func Headers() map[string][]string {
	return map[string][]string{
		"Content-Security-Policy":    {"default-src 'none'; script-src 'self'; style-src 'self'; connect-src *; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
		"Cross-Origin-Opener-Policy": {"same-origin"},
		"X-Content-Type-Options":     {"nosniff"},
		"Referrer-Policy":            {"strict-origin-when-cross-origin"},
		"Cache-Control":              {"no-store"},
	}
}

// Serve answers a request for one of the paths that the page [Has].
func (p *Page) Serve(w http.ResponseWriter, r *http.Request, path string, from From) error {
	if file, ok := fileOf(path); ok {
		return p.file(w, r, file)
	}
	if r.Method != http.MethodPost {
		return notAllowed(http.MethodPost)
	}
	if p.cross.Check(r) != nil {
		return roundtrip.E(roundtrip.Denied, "cors.origin_not_allowed", "Only the page itself may ask.")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		e := roundtrip.E(roundtrip.Unsupported, "request.media_type", "What the page sends is of the type application/json.")
		e.Status = http.StatusUnsupportedMediaType
		return e
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	answer := p.o.Begin
	if path == seenPath {
		answer = p.o.Conclude
	}
	found, err := answer(r.Context(), from, body)
	if err != nil {
		return err
	}
	text, err := json.Marshal(found)
	if err != nil {
		return err
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	_, _ = w.Write(text) // who does not wait for it does not need it
	return nil
}

func (p *Page) file(w http.ResponseWriter, r *http.Request, file [2]string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return notAllowed("GET, HEAD")
	}
	text, err := files.ReadFile(file[0])
	if err != nil {
		return err
	}
	w.Header()["Content-Type"] = []string{file[1]}
	if r.Method == http.MethodGet {
		_, _ = w.Write(text) // who does not wait for it does not need it
	}
	return nil
}

func notAllowed(allow string) error {
	e := roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "What is served here: %s.", allow)
	e.Allow = allow
	return e
}
