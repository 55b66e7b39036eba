package rpc_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/dynamicpb"
)

// answer is what REST's door, or a plain request to this one, was answered with.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// send makes a plain request; path starts at the site's root. more is header names and values in turn.
func (p *person) send(method, path, body string, more ...string) *answer {
	p.h.t.Helper()
	req, err := http.NewRequestWithContext(p.h.t.Context(), method, p.h.server.URL+path, strings.NewReader(body))
	must(p.h.t, err)
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i < len(more); i += 2 {
		req.Header.Add(more[i], more[i+1])
	}
	res, err := p.h.server.Client().Transport.RoundTrip(req)
	must(p.h.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(p.h.t, err)
	return &answer{t: p.h.t, status: res.StatusCode, header: res.Header, body: string(text)}
}

// rest calls REST's door with a body of JSON.
func (p *person) rest(method, path, body string, more ...string) *answer {
	p.h.t.Helper()
	if body != "" {
		more = append(more, "Content-Type", "application/json")
	}
	return p.send(method, "/api/"+path, body, more...)
}

// is fails the test if the status is another one.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// problem reads the reason of an error, and what is wrong where: "caption TOO_LONG", sorted.
func (a *answer) problem() (reason string, wrong []string) {
	a.t.Helper()
	var p struct {
		Reason string
		Errors []struct{ Pointer, Parameter, Code string }
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
	for _, e := range p.Errors {
		at := strings.ReplaceAll(strings.TrimPrefix(e.Pointer, "/"), "/", ".")
		wrong = append(wrong, at+e.Parameter+" "+strings.ToUpper(e.Code))
	}
	slices.Sort(wrong)
	return p.Reason, wrong
}

// codeOf is the code that this door gives what REST answers with a status.
func codeOf(status int) connect.Code {
	switch status {
	case http.StatusBadRequest:
		return connect.CodeInvalidArgument
	case http.StatusUnauthorized:
		return connect.CodeUnauthenticated
	case http.StatusForbidden:
		return connect.CodePermissionDenied
	case http.StatusNotFound:
		return connect.CodeNotFound
	case http.StatusConflict:
		return connect.CodeAlreadyExists
	case http.StatusTooManyRequests:
		return connect.CodeResourceExhausted
	}
	return connect.CodeInternal
}

// likeREST fails the test if a call was not refused just as REST refused the same: the reason, and what is wrong where.
func (r *reply) likeREST(a *answer) {
	r.t.Helper()
	reason, want := a.problem()
	r.is(codeOf(a.status), reason)
	got := r.wrong()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Fatalf("it is wrong that %q, REST says %q", got, want)
	}
}

// value reads a body of JSON into v, and returns it.
func (a *answer) value(v *map[string]any) map[string]any {
	a.t.Helper()
	must(a.t, json.Unmarshal([]byte(a.body), v))
	return *v
}

// retry is how long an error says to wait.
func (r *reply) retry() time.Duration {
	r.t.Helper()
	for _, d := range r.details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// cookie is what an answer sets, also that of an error.
func (r *reply) cookie() string {
	if r.err != nil {
		return r.err.Meta().Get("Set-Cookie")
	}
	return r.header.Get("Set-Cookie")
}

// in is the house for a subtest.
func (h *house) in(t testing.TB) *house {
	t.Helper()
	here := &house{t: t, store: h.store, files: h.files, hub: h.hub, health: h.health, journeys: h.journeys, server: h.server, ids: h.ids, client: h.client}
	here.rooms.Store(h.rooms.Load())
	return here
}

// replied is what a client of connect-go gave.
func (h *house) replied(res *connect.Response[dynamicpb.Message], err error) *reply {
	h.t.Helper()
	r := &reply{t: h.t}
	switch {
	case err == nil:
		r.message, r.header = res.Msg, res.Header()
	case !errors.As(err, &r.err):
		h.t.Fatal(err)
	}
	return r
}
