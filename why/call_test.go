package why_test

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/why"
)

// ends answers a call with a status, in trailers or in the head alone.
func ends(w http.ResponseWriter, code, message, details string, headOnly bool) {
	prefix := http.TrailerPrefix
	if headOnly {
		prefix = ""
	}
	w.Header().Set("Content-Type", "application/grpc")
	if !headOnly {
		_, _ = w.Write([]byte{0, 0, 0, 0, 0})
	}
	w.Header().Set(prefix+"Grpc-Status", code)
	if message != "" {
		w.Header().Set(prefix+"Grpc-Message", message)
	}
	if details != "" {
		w.Header().Set(prefix+"Grpc-Status-Details-Bin", details)
	}
}

// calls is a server that speaks HTTP/2, with TLS and without.
func calls(t *testing.T, secure, h2 bool, h http.HandlerFunc) why.Options {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = h2
	s.Config.Protocols = &http.Protocols{}
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetHTTP2(h2)
	s.Config.Protocols.SetUnencryptedHTTP2(h2)
	o := why.Options{
		Resolve: map[string]netip.Addr{"example.com": netip.MustParseAddr("127.0.0.1")}, Dial: why.DialFrom, Now: time.Now, Rand: rand.Reader, Header: http.Header{},
	}
	if secure {
		s.StartTLS()
		o.Roots = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	o.URL = strings.Replace(s.URL, "127.0.0.1", "example.com", 1) + "/gallery.v1.Photos/Get"
	return o
}

const rateDetails = "CAgSCVRvbyBtYW55Lhp5Cih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZvEk0KCkxJTUlUX1JBVEU"

func TestRun_ACallOfGRPC(t *testing.T) {
	t.Parallel()
	denied := roundtrip.E(roundtrip.Limited, "limit.rate", "Too many.")
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		reason   string
		says     string
		notH2    bool
		onlyTLS  bool
		onlyText bool
	}{
		"works":                    {answer: func(w http.ResponseWriter, _ *http.Request) { ends(w, "0", "", "", false) }, says: "It works: grpc-status 0 OK"},
		"refused in the head":      {answer: func(w http.ResponseWriter, _ *http.Request) { ends(w, "8", "Too many: 100 %25", details(denied), true) }, reason: "limit.rate", says: "grpc-status 8 RESOURCE_EXHAUSTED: Too many: 100 %."},
		"refused in trailers":      {answer: func(w http.ResponseWriter, _ *http.Request) { ends(w, "8", "", details(denied), false) }, reason: "limit.rate", says: "RESOURCE_EXHAUSTED"},
		"another server's refusal": {answer: func(w http.ResponseWriter, _ *http.Request) { ends(w, "5", "gone", "", true) }, reason: "app.error_status", says: "grpc-status 5 NOT_FOUND: gone"},
		"no such method":           {answer: func(w http.ResponseWriter, _ *http.Request) { ends(w, "12", "", "", true) }, reason: "app.no_method", says: "grpc-status 12 UNIMPLEMENTED"},
		"details that are none":    {answer: func(w http.ResponseWriter, _ *http.Request) { ends(w, "13", "", rateDetails, true) }, reason: "app.error_status", says: "INTERNAL"},
		"a proxy takes the trailers off": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			_, _ = w.Write([]byte{0, 0, 0, 0, 0})
		}, reason: "app.no_trailers"},
		"a page answers": {answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<h1>page</h1>")) }, reason: "app.not_grpc", says: "its answer is text/html"},
		"an error page":  {answer: http.NotFound, reason: "app.error_status", says: "404 Not Found"},
		"HTTP/1.1 in TLS": {
			answer: func(http.ResponseWriter, *http.Request) { t.Error("a call was sent over HTTP/1.1") }, notH2: true, onlyTLS: true, reason: "tls.http_version",
		},
		"HTTP/1.1 without TLS": {answer: func(http.ResponseWriter, *http.Request) {}, notH2: true, onlyText: true, reason: "connection.http_version"},
	} {
		for _, secure := range []bool{true, false} {
			if secure && c.onlyText || !secure && c.onlyTLS {
				continue
			}
			o := calls(t, secure, !c.notH2, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "PRI" && (r.Header.Get("Content-Type") != "application/grpc" || r.Header.Get("Te") != "trailers" || r.Method != http.MethodPost || r.ContentLength != 5) {
					t.Errorf("%s: %s %v", name, r.Method, r.Header)
				}
				c.answer(w, r)
			})
			a := run(t, o)
			if a.Reason != c.reason || !strings.Contains(a.Sentence, c.says) || a.Well != (c.reason == "") {
				t.Errorf("%s, TLS %v: %s: %s", name, secure, a.Reason, a.Sentence)
			}
		}
	}
}

// A path that looks like one of a method is called, unless something says how else to ask.
func TestRun_KnowsWhatIsACall(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	o := calls(t, true, true, func(_ http.ResponseWriter, r *http.Request) { got <- r.Method + " " + r.Header.Get("Content-Type") })
	for name, c := range map[string]struct {
		change func(*why.Options)
		want   string
	}{
		"a method":      {func(*why.Options) {}, "POST application/grpc"},
		"below a mount": {func(o *why.Options) { o.URL = strings.Replace(o.URL, "/gallery", "/api/gallery", 1) }, "POST application/grpc"},
		"a folder":      {func(o *why.Options) { o.URL = strings.Replace(o.URL, "/gallery.v1.Photos", "/docs/gallery.v1", 1) }, "GET "},
		"asked for": {func(o *why.Options) {
			o.URL, o.Call = strings.Replace(o.URL, "/gallery.v1.Photos", "/docs/gallery.v1", 1), true
		}, "POST application/grpc"},
		"a file":         {func(o *why.Options) { o.URL = strings.Replace(o.URL, "/gallery.v1.Photos/Get", "/jquery.min.js/x", 1) }, "GET "},
		"a GET":          {func(o *why.Options) { o.Method = "GET" }, "GET "},
		"a content type": {func(o *why.Options) { o.Header = http.Header{"Content-Type": {"application/json"}}; o.Method = "POST" }, "POST application/json"},
	} {
		changed := o
		c.change(&changed)
		run(t, changed)
		if method := <-got; method != c.want {
			t.Errorf("%s: %s", name, method)
		}
	}
	o.Call, o.Origin = true, "https://app.test"
	if a, err := why.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "gRPC-Web") {
		t.Errorf("a page: %+v, %v", a, err)
	}
}

// details are the bytes that go with a refusal, as a trailer carries them.
func details(e *roundtrip.Error) string {
	return base64.RawStdEncoding.EncodeToString(e.AppendStatus(nil, ""))
}
