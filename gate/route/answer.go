package route

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
)

// redirect is the target that answers with the address to go to. Nothing of the request decides on the host of that
// address: only the rest of the path and the query are taken over, and the rest is cleaned, so that it can't begin with a
// slash and become a host.
type redirect struct {
	to     string // escaped
	query  bool   // to has a query of its own: the client's does not follow it
	mount  string // "" where the rest of the path is dropped
	status int
}

func newRedirect(r *Route) (Target, error) {
	d := r.Declared.Redirect
	u, err := url.Parse(d.To)
	isURL := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
	if isPath := err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(d.To, "/") && !strings.HasPrefix(d.To, `/\`); !isURL && !isPath {
		return nil, fmt.Errorf("%q is no address to redirect to: write https://host/path or /path", d.To)
	}
	t := &redirect{to: d.To, query: strings.ContainsAny(d.To, "?#"), status: d.Status}
	if t.status == 0 {
		t.status = http.StatusPermanentRedirect
	}
	if r.prefix && strings.HasSuffix(d.To, "/") && !t.query && r.fixed == r.Path {
		t.mount = r.fixed
	}
	return t, nil
}

// Serve redirects. Where the route and its address both end in a slash, the rest of the path follows.
func (t *redirect) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	to := t.to
	if t.mount != "" && len(path) > len(t.mount) {
		to += (&url.URL{Path: path[len(t.mount):]}).EscapedPath()
	}
	if r.URL.RawQuery != "" && !t.query {
		to += "?" + r.URL.RawQuery
	}
	w.Header()["Location"] = []string{to}
	w.Header()["Content-Length"] = []string{"0"}
	w.WriteHeader(t.status)
	return nil
}

// response is the target that always gives the same answer.
type response struct {
	status       int
	body         string
	kind, length []string
}

func newResponse(d *config.Respond) Target {
	t := &response{status: d.Status, body: d.Body, kind: []string{d.Type}, length: []string{strconv.Itoa(len(d.Body))}}
	if t.status == 0 {
		t.status = http.StatusOK
	}
	if d.Type == "" {
		t.kind = []string{"text/plain; charset=utf-8"}
	}
	return t
}

// Serve answers.
func (t *response) Serve(w http.ResponseWriter, r *http.Request, _ string) error {
	if t.status == http.StatusNoContent || t.status == http.StatusNotModified { // they have no body, RFC 9110 section 6.4.1
		w.WriteHeader(t.status)
		return nil
	}
	h := w.Header()
	h["Content-Length"] = t.length
	if t.body != "" {
		h["Content-Type"] = t.kind
	}
	w.WriteHeader(t.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, t.body) // a client that left is noticed by the gate
	}
	return nil
}
