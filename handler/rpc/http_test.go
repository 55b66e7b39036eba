package rpc_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// plain is an answer as curl shows it.
type plain struct {
	status int
	header http.Header
	body   string
}

// curl sends a request by hand. more is header names and values in turn.
func (p *person) curl(method, path, contentType, body string, more ...string) plain {
	p.h.t.Helper()
	req, err := http.NewRequestWithContext(p.h.t.Context(), method, p.h.server.URL+path, strings.NewReader(body))
	must(p.h.t, err)
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(more); i += 2 {
		req.Header.Set(more[i], more[i+1])
	}
	res, err := p.h.server.Client().Do(req)
	must(p.h.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(p.h.t, err)
	return plain{res.StatusCode, res.Header, string(text)}
}

// journey waits for the journey of an answer, which ends just after the answer has left.
func (h *house) journey(header http.Header) trace.Snapshot {
	h.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if s, ok := h.journeys.Find(header.Get("X-Journey")); ok {
			return s
		}
	}
	h.t.Fatal("the journey was not kept")
	return trace.Snapshot{}
}

func TestDoor_AnswersWhatIsNoGoodCallInItsOwnForm(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	get := "/gallery.v1.Photos/Get"
	for _, tt := range []struct {
		name, method, path, contentType, body string
		status                                int
		has, reason                           string
	}{
		{"a browser looks", "GET", get, "", "", 415, "GET it with ?connect=v1", "request.media_type"},
		{"a browser looks at a write", "GET", "/gallery.v1.Photos/Create", "", "", 405, "POST a message", "route.method_not_allowed"},
		{"a write by GET", "GET", "/gallery.v1.Photos/Create?connect=v1&encoding=json&message={}", "", "", 405, "POST a message", "route.method_not_allowed"},
		{"a method that HTTP has", "PUT", get, "application/json", "{}", 405, "PUT is not served here", "route.method_not_allowed"},
		{"a form", "POST", "/gallery.v1.Photos/Create", "application/x-www-form-urlencoded", "caption=x", 415, "POST a message as application/json", "request.media_type"},
		{"plain text", "POST", "/gallery.v1.Photos/Create", "text/plain", `{"photo":{}}`, 415, "application/json", "request.media_type"},
		{"another service", "POST", "/gallery.v1.Fotos/Get", "application/json", "{}", 501, "did you mean gallery.v1.Photos?", "route.no_path"},
		{"a mask of another field", "POST", "/gallery.v1.Photos/List", "application/json", `{"read_mask":"captoin"}`, 400, `read_mask is wrong: photos has no field \"captoin\"; did you mean \"caption\"?"`, "request.filter"},
		{"another method", "POST", "/gallery.v1.Photos/Gett", "application/json", "{}", 501, "did you mean Get?", "route.no_path"},
		{"another method, over gRPC", "POST", "/gallery.v1.Photos/Gett", "application/grpc", "", 200, "", "route.no_path"},
		{"no JSON", "POST", get, "application/json", "{", 400, "invalid_argument", "request.json"},
		{"no message", "POST", get, "application/json", "", 400, "the id of the record is expected", "request.invalid"},
		{"JSON with its charset", "POST", "/gallery.v1.Photos/List", "application/json; charset=utf-8", "{}", 200, "photos", ""},
		{"below the mount", "POST", "/api/gallery.v1.Photos/List", "application/json", "{}", 200, "photos", ""},
		{"GET without a message", "GET", get + "?connect=v1&encoding=json", "", "", 400, "the message is missing", "request.malformed"},
		{"GET with bad base64", "GET", get + "?connect=v1&encoding=proto&base64=1&message=***", "", "", 400, "base64", "request.malformed"},
		{"GET in another encoding", "GET", get + "?connect=v1&encoding=xml&message=x", "", "", 415, "write encoding=json", "request.media_type"},
		{"GET in none", "GET", get + "?connect=v1&message={}", "", "", 415, "write encoding=json", "request.media_type"},
		{"GET with half an escape", "GET", get + "?connect=v1&encoding=json&message=%zz", "", "", 400, "write %25 for a percent sign", "request.malformed"},
		{"a version of Connect to come", "POST", get, "application/json", "{}", 400, "Connect-Protocol-Version", "request.malformed"},
		{"a message that is too large", "POST", get, "application/json", `{"id":"` + strings.Repeat("x", 1<<20) + `"}`, 429, "over the limit of 1048576 bytes", "request.body_too_large"},
		{"one whose length says so", "POST", get, "application/grpc", "\x00\x7f\xff\xff\xff", 200, "", "request.body_too_large"},
		{"a message that ends too early", "POST", get, "application/grpc", "\x00\x00\x00\x00\x09abc", 200, "", "request.malformed"},
		{"a stream, asked for as one message", "POST", "/grpc.health.v1.Health/Watch", "application/json", "{}", 415, "is a stream", "request.media_type"},
	} {
		var more []string
		if strings.HasPrefix(tt.name, "a version") {
			more = []string{"Connect-Protocol-Version", "7"}
		}
		got := ana.curl(tt.method, tt.path, tt.contentType, tt.body, more...)
		if got.status != tt.status || !strings.Contains(got.body, tt.has) {
			t.Errorf("%s: %d %s", tt.name, got.status, got.body)
		}
		if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Cache-Control") == "" {
			t.Errorf("%s: headers %v", tt.name, got.header)
		}
		if s := h.journey(got.header); s.Reason.Code() != tt.reason {
			t.Errorf("%s: the journey says %q, want %q; %s", tt.name, s.Reason.Code(), tt.reason, got.body)
		}
	}
}

// TestDoor_AskedByGETIsKept asks as a browser does that has the answer already.
func TestDoor_AskedByGETIsKept(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	id := ana.call(dialects()[0], "Photos/Create", `{"photo":{"caption":"a"}}`).text("id")
	path := `/gallery.v1.Photos/Get?connect=v1&encoding=json&message=%7B%22id%22%3A%22` + id + `%22%7D`
	first := ana.curl("GET", path, "", "")
	etag := first.header.Get("Etag")
	if first.status != 200 || etag == "" || first.header.Get("Cache-Control") != "private, no-cache" || !slices.Contains(first.header["Vary"], "Authorization, Cookie") {
		t.Fatalf("%d %v %s", first.status, first.header, first.body)
	}
	if again := ana.curl("GET", path, "", "", "If-None-Match", etag); again.status != 304 || again.body != "" {
		t.Errorf("again: %d %s", again.status, again.body)
	}
	ana.call(dialects()[0], "Photos/Update", `{"photo":{"id":"`+id+`","caption":"b"}}`).ok()
	if changed := ana.curl("GET", path, "", "", "If-None-Match", etag); changed.status != 200 || changed.header.Get("Etag") == etag {
		t.Errorf("changed: %d %v", changed.status, changed.header)
	}
	if posted := ana.curl("POST", "/gallery.v1.Photos/Get", "application/json", `{"id":"`+id+`"}`); posted.header.Get("Cache-Control") != "no-store" || posted.header.Get("Etag") != "" {
		t.Errorf("a POST: %v", posted.header)
	}
}

// TestDoor_ABombIsBounded sends little that becomes much.
func TestDoor_ABombIsBounded(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(bytes.Repeat([]byte(" "), 64<<20))
	must(t, err)
	must(t, w.Close())
	got := h.stranger().curl("POST", "/gallery.v1.Photos/List", "application/json", packed.String(), "Content-Encoding", "gzip")
	if got.status != 429 || !strings.Contains(got.body, "over the limit of 1048576 bytes") || !strings.Contains(got.body, "google.rpc.ErrorInfo") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestReflection_ABombIsBounded does the same to reflection, which is not ours.
func TestReflection_ABombIsBounded(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(make([]byte, 64<<20))
	must(t, err)
	must(t, w.Close())
	message := append([]byte{1, 0, byte(packed.Len() >> 16), byte(packed.Len() >> 8), byte(packed.Len())}, packed.Bytes()...)
	got := h.stranger().curl("POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "application/grpc-web", string(message), "Grpc-Encoding", "gzip")
	if !strings.Contains(got.header.Get("Grpc-Message"), "over the limit of 1048576 bytes") { // connect would say how much it unpacked
		t.Errorf("%d %v %q", got.status, got.header, got.body)
	}
}

// stations lists what a journey met, in order, and what each said. Left out is what time alone decides: pools, and whether the
// session was remembered or looked up.
func stations(s trace.Snapshot) (all []string) {
	for _, hop := range s.Hops {
		if hop.Layer == trace.Pool || hop.Name == "sessions.find" || hop.Name == "accounts.load" {
			continue
		}
		verdict := hop.Verdict.String()
		if hop.Layer == trace.Auth && hop.Reason == trace.None {
			verdict = ""
		}
		all = append(all, strings.Join([]string{hop.Layer.String(), hop.Name, verdict, hop.Reason.Code()}, " "))
	}
	return all
}

// TestDoor_JourneysAreThoseOfREST uses the journeys as the oracle: the same call meets the same stations at both doors.
func TestDoor_JourneysAreThoseOfREST(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, stranger := h.person("ana"), h.stranger()
	for _, tt := range []struct {
		name                 string
		who                  *person
		method, path, body   string
		call, message, route string
	}{
		{"create", ana, "POST", "/api/photos", `{"caption":"a"}`, "Photos/Create", `{"photo":{"caption":"a"}}`, "/gallery.v1.Photos/Create"},
		{"list", ana, "GET", "/api/photos", "", "Photos/List", `{}`, "/gallery.v1.Photos/List"},
		{"refused", stranger, "POST", "/api/photos", `{"caption":"a"}`, "Photos/Create", `{"photo":{"caption":"a"}}`, "/gallery.v1.Photos/Create"},
		{"not there", ana, "GET", "/api/photos/06e1hd8p3v6a8", "", "Photos/Get", `{"id":"06e1hd8p3v6a8"}`, "/gallery.v1.Photos/Get"},
		{"wrong", ana, "POST", "/api/photos", `{"caption":"` + strings.Repeat("x", 2201) + `"}`, "Photos/Create", `{"photo":{"caption":"` + strings.Repeat("x", 2201) + `"}}`, "/gallery.v1.Photos/Create"},
		{"batch", ana, "POST", "/api/batch", `{"ops":[{"op":"create","collection":"photos","data":{}}]}`, "Batch/Write", `{"ops":[{"create_photos":{"photo":{}}}]}`, "/gallery.v1.Batch/Write"},
	} {
		var kind string
		if tt.body != "" {
			kind = "application/json"
		}
		tt.who.curl("GET", "/api/photos", "", "") // so that everybody is known
		want := stations(h.journey(tt.who.curl(tt.method, tt.path, kind, tt.body).header))
		for _, d := range dialects() {
			r := tt.who.call(d, tt.call, tt.message)
			header := r.header
			if r.err != nil {
				header = r.err.Meta()
			}
			s := h.journey(header)
			if got := stations(s); !slices.Equal(got, want) {
				t.Errorf("%s over %s met\n%q, REST\n%q", tt.name, d.name, got, want)
			}
			if no := r.err != nil; no != (s.Decided >= 0) || no != (s.Reason != trace.None) {
				t.Errorf("%s over %s: %v, and the journey was decided by %d, %s", tt.name, d.name, r.err, s.Decided, s.Reason.Code())
			}
			if s.Route != tt.route || !strings.HasPrefix(d.name, s.RPC) || s.RPC == "" {
				t.Errorf("%s over %s: route %q, protocol %q", tt.name, d.name, s.Route, s.RPC)
			}
		}
	}
}
