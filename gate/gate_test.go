package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// problem checks that an answer is a problem with a reason, and has the header of its journey.
func problem(t *testing.T, a answer, status int, reason string) map[string]any {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%s: no JSON: %q", a.Status, a.body)
	}
	if a.StatusCode != status || p["reason"] != reason || a.Header.Get("Content-Type") != roundtrip.ProblemType {
		t.Errorf("%d %v %s, want %d %s", a.StatusCode, p["reason"], a.Header.Get("Content-Type"), status, reason)
	}
	if p["journey"] != a.Header.Get("X-Journey") || len(a.Header.Get("X-Journey")) != 32 {
		t.Errorf("journey %v, header %q", p["journey"], a.Header.Get("X-Journey"))
	}
	return p
}

func TestGate_ServesTheAPIOverBothProtocols(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for _, h2 := range []bool{true, false} {
		a := h.do(t, h.client(t, h2), http.MethodGet, "https://gallery.localhost/api/photos?x=1", nil)
		if a.StatusCode != 200 || a.body != `{"path":"/api/photos"}` || (a.ProtoMajor == 2) != h2 {
			t.Errorf("%s %s %s", a.Proto, a.Status, a.body)
		}
		s := h.journey(t, a.Header.Get("X-Journey"))
		if s.Route != "/api/" || s.Status != 200 || s.Bytes != int64(len(a.body)) || s.Path != "/api/photos" || s.Client.String() != "127.0.0.1" || s.Proto != a.Proto {
			t.Errorf("journey: %+v", s)
		}
		protocol := map[bool]string{true: "TLS 1.3 h2", false: "TLS 1.3 http/1.1"}[h2]
		if len(s.Hops) != 2 || s.Hops[0].Layer != trace.TLS || !strings.HasPrefix(s.Hops[0].Note, "TLS 1.3") || s.Hops[0].Start > 0 ||
			s.Hops[0].Took <= 0 || s.Hops[0].Name != "gallery.localhost" || s.Hops[1].Layer != trace.Route || s.Hops[1].Name != "/api/" {
			t.Errorf("hops (%s): %+v", protocol, s.Hops)
		}
	}
}

func TestGate_RoutesByHostAndLongestPath(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	c := h.client(t, true)
	for _, q := range []struct{ url, host, route, path string }{
		{"https://gallery.localhost/api/", "", "/api/", "/api/"},
		{"https://gallery.localhost/api", "", "/api/", "/api/"},
		{"https://gallery.localhost/api//photos///x/", "", "/api/", "/api/photos/x/"},
		{"https://gallery.localhost/api/photos%20and%C3%A4", "", "/api/", "/api/photos andä"},
		{"https://gallery.localhost:8443/api/x", "GALLERY.localhost:8443", "/api/", "/api/x"},
		{"https://gallery.localhost:8443/api/x", "gallery.localhost.:8443", "/api/", "/api/x"},
		{"https://gallery.localhost/apis", "", "/", ""},
		{"http://open.localhost/anything", "", "/", "/anything"},
		{"http://quiet.localhost/docs/deep/x", "", "/docs/deep/", "/docs/deep/x"},
		{"http://quiet.localhost/docs/", "", "/docs/", ""},
	} {
		headers := []string{"Accept", "text/html"}
		if q.host != "" {
			headers = append(headers, "Host", q.host)
		}
		a := h.do(t, c, http.MethodGet, q.url, nil, headers...)
		s := h.journey(t, a.Header.Get("X-Journey"))
		if a.StatusCode != 200 || s.Route != q.route || (q.path != "" && a.body != `{"path":"`+q.path+`"}`) {
			t.Errorf("%s: %s, route %q, %s", q.url, a.Status, s.Route, a.body)
		}
	}
	for _, path := range []string{"/docs", "//docs", "///docs"} { // none of them leads to a host "docs"
		a := h.get(t, "http://quiet.localhost"+path+"?q=1")
		if a.StatusCode != 308 || a.Header.Get("Location") != "/docs/?q=1" {
			t.Errorf("%s, a folder without its slash: %s, %q", path, a.Status, a.Header.Get("Location"))
		}
	}
	problem(t, h.get(t, "http://quiet.localhost/elsewhere"), 404, "route.no_path")
}

func TestGate_RefusesUnknownHosts(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	p := problem(t, h.get(t, "https://gallery.localhost/api/x", "Host", "other.example"), 421, "route.no_host")
	if strings.Contains(p["detail"].(string), "gallery.localhost") {
		t.Errorf("a stranger learns the names of sites: %v", p["detail"])
	}
	problem(t, h.get(t, "http://other.example/"), 421, "route.no_host")
	problem(t, h.get(t, "http://127.0.0.1/"), 421, "route.no_host")
	// A site without TLS is not served through the certificate of another one.
	problem(t, h.get(t, "https://gallery.localhost/", "Host", "open.localhost"), 421, "route.no_host")
	problem(t, h.get(t, "http://open.localhost/", "Host", "a/b"), 400, "request.malformed")

	dev := open(t, ok, func(o *gate.Options) { o.Dev = true })
	p = problem(t, dev.get(t, "http://other.example/"), 421, "route.no_host")
	if !strings.Contains(p["detail"].(string), "gallery.localhost, open.localhost") {
		t.Errorf("a developer does not learn the names: %v", p["detail"])
	}
}

func TestGate_RedirectsToHTTPS(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for _, q := range []struct{ url, host, want string }{
		{"http://gallery.localhost/", "", "https://gallery.localhost:8443/"},
		{"http://gallery.localhost/a%20b?c=d%26", "", "https://gallery.localhost:8443/a%20b?c=d%26"},
		{"http://gallery.localhost:8080//evil.example/x", "GALLERY.localhost:8080", "https://gallery.localhost:8443//evil.example/x"},
	} {
		headers := []string{}
		if q.host != "" {
			headers = append(headers, "Host", q.host)
		}
		a := h.do(t, h.client(t, false), http.MethodPost, q.url, strings.NewReader("x"), headers...)
		if a.StatusCode != 308 || a.Header.Get("Location") != q.want || a.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %s to %q", q.url, a.Status, a.Header.Get("Location"))
		}
	}
	standard := open(t, ok, func(o *gate.Options) { o.HTTPSPort = 0 })
	if a := standard.get(t, "http://gallery.localhost/x"); a.Header.Get("Location") != "https://gallery.localhost/x" {
		t.Errorf("to %q", a.Header.Get("Location"))
	}
}

func TestGate_RefusesAmbiguousTargets(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for target, status := range map[string]string{
		"/a/../b": "400", "/a/./b": "400", "/..": "400", "/a/%2e%2e/b": "400", "/%2E": "400", "/a%2Fb": "400", "/a%2fb": "400",
		"/a%5cb": "400", `/a\b`: "400", "/a%00b": "400", "/a%0ab": "400", "/a%7fb": "400", "/a%ff": "400", "/a#b": "400",
		"/a%2525": "200", "/a..b/.c": "200", "/a;b?../..": "200", "/a%23": "200", "/...": "200",
	} {
		got := raw(t, h.plain, "GET "+target+" HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+status) {
			t.Errorf("%s: %.60q, want %s", target, got, status)
		}
		if !strings.Contains(got, "\r\nX-Journey: ") {
			t.Errorf("%s: no X-Journey in %q", target, got)
		}
	}
}

func TestGate_BoundsBodies(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var tooLarge *http.MaxBytesError
		if err != nil {
			e := roundtrip.AsError(err)
			if !errors.As(err, &tooLarge) || tooLarge.Limit != 1<<20 || len(b) != 1<<20 {
				t.Errorf("%v after %d bytes", err, len(b))
			}
			w.Header().Set("Content-Type", roundtrip.ProblemType)
			w.WriteHeader(e.HTTPStatus())
			_, _ = w.Write(e.AppendProblem(nil, r.URL.Path, trace.From(r.Context()).ID.String()))
			return
		}
		_, _ = io.WriteString(w, http.StatusText(200))
	})
	exact, over := bytes.Repeat([]byte("x"), 1<<20), bytes.Repeat([]byte("x"), 1<<20+1)
	for _, h2 := range []bool{true, false} {
		c := h.client(t, h2)
		send := func(body io.Reader) answer {
			return h.do(t, c, http.MethodPost, "https://gallery.localhost/api/", body, "Origin", "https://app.example.com")
		}
		if a := send(bytes.NewReader(exact)); a.StatusCode != 200 {
			t.Errorf("a body of just the limit: %s %s", a.Status, a.body)
		}
		if a := send(struct{ io.Reader }{bytes.NewReader(exact)}); a.StatusCode != 200 { // chunked
			t.Errorf("a body of just the limit in chunks: %s %s", a.Status, a.body)
		}
		for _, body := range []io.Reader{bytes.NewReader(over), struct{ io.Reader }{bytes.NewReader(over)}} {
			a := send(body)
			problem(t, a, 413, "request.body_too_large")
			if a.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
				t.Error("a 413 has no CORS headers")
			}
			if s := h.journey(t, a.Header.Get("X-Journey")); s.Reason.Code() != "request.body_too_large" || s.Decided < 0 {
				t.Errorf("journey: %+v", s)
			}
		}
	}
}

func TestGate_AnswersForAHandlerThatCrashed(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/abort":
			panic(http.ErrAbortHandler)
		case "/api/late":
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
		}
		w.Header().Set("Secret", "half an answer")
		panic("boom")
	})
	for _, h2 := range []bool{true, false} {
		c := h.client(t, h2)
		a := h.do(t, c, http.MethodGet, "https://gallery.localhost/api/", nil)
		problem(t, a, 500, "app.panic")
		if a.Header.Get("Secret") != "" || strings.Contains(a.body, "boom") {
			t.Errorf("something of the handler leaked: %v %s", a.Header, a.body)
		}
		if s := h.journey(t, a.Header.Get("X-Journey")); s.Reason.Code() != "app.panic" || s.Status != 500 {
			t.Errorf("journey: %+v", s)
		}
		for _, path := range []string{"abort", "late"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://gallery.localhost/api/"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.Do(r)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			if err == nil {
				t.Errorf("%s: the client takes a half answer for a whole one", path)
			}
		}
	}
	if !strings.Contains(h.log.String(), "boom") || !strings.Contains(h.log.String(), "gate_test.go") {
		t.Error("the log has no stack")
	}
}

func TestGate_SwapsTheTableUnderRunningRequests(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/slow" {
			close(entered)
			<-leave
		}
		_, _ = io.WriteString(w, "old")
	})
	c := h.client(t, true)
	slow := make(chan answer, 1)
	go func() { slow <- h.do(t, c, http.MethodGet, "https://gallery.localhost/api/slow", nil) }()
	<-entered
	table, err := gate.NewTable(sites(h.routes)[:1], builders(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "new") }))
	if err != nil {
		t.Fatal(err)
	}
	h.gate.Swap(table)
	if a := h.do(t, c, http.MethodGet, "https://gallery.localhost/api/", nil); a.body != "new" {
		t.Errorf("after the swap: %q", a.body)
	}
	problem(t, h.get(t, "http://open.localhost/"), 421, "route.no_host")
	close(leave)
	if a := <-slow; a.body != "old" {
		t.Errorf("the running request: %q", a.body)
	}
}

func TestGate_LetsRequestsFinishWhenItStops(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	h := open(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "whole")
	})
	c := h.client(t, true)
	slow := make(chan answer, 1)
	go func() { slow <- h.do(t, c, http.MethodGet, "https://gallery.localhost/api/slow", nil) }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop() }()
	for { // until no more connections are taken
		conn, err := new(tls.Dialer).DialContext(t.Context(), "tcp", h.secure)
		if err == nil {
			_ = conn.Close()
		}
		if err != nil && strings.Contains(err.Error(), "refused") {
			break
		}
	}
	close(leave)
	if a := <-slow; a.body != "whole" {
		t.Errorf("the running request: %q", a.body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestGate_CutsRequestsThatDoNotFinish(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	h := open(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}, func(o *gate.Options) { o.Times.Drain = 20 * time.Millisecond })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://gallery.localhost/api/", nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		res, err := h.client(t, true).Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
		failed <- err
	}()
	<-entered
	if err := h.stop(); err != nil {
		t.Errorf("the gate did not end well: %v", err)
	}
	if <-failed == nil {
		t.Error("the request that never ends was answered")
	}
}

func TestGate_SeesAClientLeave(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{true, false} {
		entered := make(chan struct{})
		h := open(t, func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
		})
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://gallery.localhost/api/left", nil)
		if err != nil {
			t.Fatal(err)
		}
		left := make(chan struct{})
		go func() {
			defer close(left)
			if res, err := h.client(t, h2).Do(r); err == nil {
				_ = res.Body.Close()
			}
		}()
		<-entered
		cancel()
		<-left
		s := h.await(t, "aborted journey", func(s trace.Snapshot) bool { return s.Path == "/api/left" })
		if s.Reason.Code() != "client.aborted" || s.Status != 499 {
			t.Errorf("%d %s", s.Status, s.Reason.Code())
		}
	}
}

// Who has the whole answer may go before the handler has ended: nothing was cut short.
func TestGate_AClientThatHasItAllMayLeave(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, _ = io.WriteString(w, "whole")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	client := h.client(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://gallery.localhost/api/had", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, body); err != nil || string(body) != "whole" {
		t.Fatalf("%q, %v", body, err)
	}
	cancel()
	_ = res.Body.Close()
	s := h.await(t, "journey", func(s trace.Snapshot) bool { return s.Path == "/api/had" })
	if s.Reason != trace.None || s.Status != 200 || s.Bytes != 5 {
		t.Errorf("%d %s, %d bytes", s.Status, s.Reason.Code(), s.Bytes)
	}
}

// A stream of events has no end but the client's: leaving it is no failure.
func TestGate_AStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for _, h2 := range []bool{true, false} {
		res, err := h.client(t, h2).Get("https://gallery.localhost/api/events")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, make([]byte, 11)); err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		s := h.await(t, "journey of the stream", func(s trace.Snapshot) bool { return s.Path == "/api/events" && (s.Proto == "HTTP/2.0") == h2 })
		if s.Reason != trace.None || s.Status != 200 {
			t.Errorf("%d %s", s.Status, s.Reason.Code())
		}
	}
}

func TestGate_PutsHSTSOnPublicNamesWithFilesOnly(t *testing.T) {
	t.Parallel()
	// The header goes by the declaration: no handshake is needed to see it.
	for name, want := range map[string]bool{"gallery.example.com": true, "gallery.localhost": false, "gallery.test": false, "intranet": false} {
		table, err := gate.NewTable([]config.Site{
			{Name: name, TLS: config.TLS{Mode: config.TLSFiles}, Headers: config.Headers{HSTS: true}, Routes: []config.Route{{Path: "/", API: true}}},
		}, builders(ok))
		if err != nil {
			t.Fatal(err)
		}
		h := open(t, ok)
		h.gate.Swap(table)
		a := h.get(t, "https://gallery.localhost/", "Host", name)
		if got := a.Header.Get("Strict-Transport-Security") != ""; a.StatusCode != 200 || got != want {
			t.Errorf("%s: %s, HSTS %v", name, a.Status, got)
		}
	}
}

func TestGate_ServesWithoutARecorder(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Recorder = nil })
	if a := h.get(t, "https://gallery.localhost/api/"); a.StatusCode != 200 || a.Header.Get("X-Journey") != "" {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	if a := h.get(t, "http://nobody.example/"); a.StatusCode != 421 {
		t.Errorf("%s", a.Status)
	}
}

func TestGate_SaysWhatIsMissingFromItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := gate.New(gate.Options{}); err == nil {
		t.Error("an empty gate was made")
	}
	for name, broken := range map[string][]config.Site{
		"twice":      {{Name: "a.test"}, {Name: "A.test."}},
		"nowhere":    {{Name: "a.test", Routes: []config.Route{{Path: "/"}}}},
		"relative":   {{Name: "a.test", Routes: []config.Route{{Path: "api", API: true}}}},
		"nameless":   {{}},
		"star":       {{Name: "a.test", CORS: &config.CORS{Origins: []string{"*"}, Credentials: true}}},
		"no origin":  {{Name: "a.test", CORS: &config.CORS{Origins: []string{"app.example.com"}}}},
		"inner star": {{Name: "a.test", CORS: &config.CORS{Origins: []string{"https://a.*.com"}}}},
		"path":       {{Name: "a.test", CORS: &config.CORS{Origins: []string{"https://a.com/x"}}}},
	} {
		if _, err := gate.NewTable(broken, builders(ok)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestGate_AnswersPartOfTheMethods(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for _, method := range []string{"TRACE", "CONNECT"} {
		got := raw(t, h.plain, method+" / HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 405") || !strings.Contains(got, "Allow: GET") {
			t.Errorf("%s: %q", method, got)
		}
	}
	got := raw(t, h.plain, "GET /x HTTP/1.0\r\nHost: open.localhost\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.0 200") || !strings.HasSuffix(got, `{"path":"/x"}`) {
		t.Errorf("HTTP/1.0: %q", got)
	}
	if !slices.Contains([]string{"HTTP/1.1 421"}, raw(t, h.plain, "GET / HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n")[:12]) {
		t.Error("an unknown host is served")
	}
}
