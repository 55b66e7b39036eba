package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	reportsPath = "/.well-known/roundtrip/reports"
	reportsKind = "application/reports+json"
)

// reporting opens a gate whose site gallery.localhost takes reports.
func reporting(t *testing.T) *house {
	t.Helper()
	limits, err := limit.New(limit.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, ok, func(o *gate.Options) { o.Limits = limits })
	s := sites(h.routes)
	s[0].Reports = true
	table, err := gate.NewTable(s, builders(ok))
	if err != nil {
		t.Fatal(err)
	}
	h.gate.Swap(table)
	return h
}

// A site that takes reports asks for them, over TLS alone; an answer that has such a header of its own keeps it.
func TestGate_AsksForReports(t *testing.T) {
	t.Parallel()
	h := reporting(t)
	for _, q := range []struct {
		url        string
		nel, pages bool
	}{
		{"https://gallery.localhost:8443/", true, true},
		{"https://gallery.localhost:8443/api/x", true, false},
		{"http://gallery.localhost/", false, false},
		{"http://quiet.localhost/docs/", false, false},
	} {
		a := h.get(t, q.url)
		if nel := a.Header.Get("NEL") != "" && a.Header.Get("Report-To") != ""; nel != q.nel {
			t.Errorf("%s: %v", q.url, a.Header)
		}
		if pages := a.Header.Get("Reporting-Endpoints") != ""; pages != q.pages {
			t.Errorf("%s: %v", q.url, a.Header)
		}
	}
}

// Reports are taken at their path, and each becomes a journey that nobody here has seen; what is no report is refused.
func TestGate_TakesReports(t *testing.T) {
	t.Parallel()
	h := reporting(t)
	const about = `[{"type":"network-error","age":5,"url":"https://gallery.localhost:8443/lost?q=1","body":{"type":"tcp.reset","phase":"connection","method":"GET"}},{"type":"crash","url":"https://other.test/","body":{}}]`
	for _, q := range []struct {
		name, method, url, kind, body string
		status                        int
		reason, allow, note           string
	}{
		{"two, one of them of another site", "POST", "https://gallery.localhost:8443", reportsKind, about, 204, "", "", "1 taken, 1 ignored"},
		{"a media type with a parameter", "POST", "https://gallery.localhost:8443", reportsKind + "; charset=utf-8", "[]", 204, "", "", "0 taken, 0 ignored"},
		{"a form of another site", "POST", "https://gallery.localhost:8443", "text/plain", about, 415, "request.media_type", "", ""},
		{"no reports", "POST", "https://gallery.localhost:8443", reportsKind, "{}", 400, "request.malformed", "", ""},
		{"too much", "POST", "https://gallery.localhost:8443", reportsKind, strings.Repeat(" ", 70<<10), 413, "request.body_too_large", "", ""},
		{"a look", "GET", "https://gallery.localhost:8443", "", "", 405, "route.method_not_allowed", "POST", ""},
		{"a site that takes none", "POST", "http://quiet.localhost", reportsKind, about, 404, "route.no_path", "", ""},
	} {
		a := h.do(t, h.client(t, true), q.method, q.url+reportsPath, strings.NewReader(q.body), "Content-Type", q.kind)
		if a.StatusCode != q.status || a.Header.Get("Allow") != q.allow {
			t.Errorf("%s: %s, Allow %q: %s", q.name, a.Status, a.Header.Get("Allow"), a.body)
			continue
		}
		if q.reason != "" {
			problem(t, a, q.status, q.reason)
			continue
		}
		s := h.journey(t, a.Header.Get("X-Journey"))
		if last := s.Hops[len(s.Hops)-1]; last.Note != q.note || s.Route != reportsPath {
			t.Errorf("%s: %+v", q.name, s)
		}
	}
	s := h.await(t, "the report", func(s trace.Snapshot) bool { return s.Kind == trace.Report })
	if s.Reason.Code() != "client.connect_failed" || s.Path != "/lost" || len(s.Hops) != 1 || s.Hops[0].Evidence != trace.Reported || s.Hops[0].Layer != trace.Client {
		t.Errorf("%+v", s)
	}
}

// One network may fill a part of the memory with reports, and no more.
func TestGate_BoundsReports(t *testing.T) {
	t.Parallel()
	h := reporting(t)
	client := h.client(t, true)
	var refused answer
	for range 31 {
		a := h.do(t, client, http.MethodPost, "https://gallery.localhost:8443"+reportsPath, strings.NewReader("[]"), "Content-Type", reportsKind)
		if a.StatusCode != http.StatusNoContent {
			refused = a
			break
		}
	}
	if refused.Response == nil {
		t.Fatal("31 deliveries of one client were taken")
	}
	problem(t, refused, http.StatusTooManyRequests, "limit.rate")
	if refused.Header.Get("Retry-After") == "" {
		t.Error("a browser is not told when to come back")
	}
}

// A site that takes reports is otherwise the same, also where its own routes have that path.
func TestGate_ReportsComeBeforeRoutes(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	s := plain(config.Route{Path: "/.well-known/", Respond: &config.Respond{Body: "route"}})
	declare(t, h, ok, s)
	if a := h.get(t, "http://open.localhost"+reportsPath); a.body != "route" {
		t.Errorf("without reports: %s %q", a.Status, a.body)
	}
	s.Reports = true
	declare(t, h, ok, s)
	if a := h.get(t, "http://open.localhost"+reportsPath); a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("with reports: %s %q", a.Status, a.body)
	}
	if a := h.get(t, "http://open.localhost/.well-known/other"); a.body != "route" {
		t.Errorf("beside reports: %s %q", a.Status, a.body)
	}
}
