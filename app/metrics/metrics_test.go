package metrics_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/metrics"
	"github.com/roundtrip-dev/roundtrip/trace"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md anew")

// series is what a page says, by the line's name and labels as they stand.
type series map[string]float64

// The grammar of the text format 0.0.4, of which no line may be an exception.
var (
	helpLine   = regexp.MustCompile(`^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$`)
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\"n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\"n])*")*\})? (\S+)$`)
)

// parse reads a page as a scraper would, and fails on what one would refuse or misread.
func parse(t *testing.T, page string) series {
	t.Helper()
	all := series{}
	seen := map[string]bool{}
	name, typ := "", ""
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		line := lines.Text()
		if m := helpLine.FindStringSubmatch(line); m != nil {
			if seen[m[1]] {
				t.Errorf("%s stands twice", m[1])
			}
			name, typ, seen[m[1]] = m[1], "", true
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil {
			if m[1] != name || typ != "" {
				t.Errorf("the type of %s is not behind its help", m[1])
			}
			typ = m[2]
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("no line of the format: %q", line)
			continue
		}
		of := m[1]
		if typ == "histogram" {
			of = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(of, "_bucket"), "_sum"), "_count")
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if of != name || err != nil {
			t.Errorf("%q does not belong to %s, or has no number", line, name)
		}
		if _, twice := all[m[1]+m[2]]; twice {
			t.Errorf("%s%s stands twice", m[1], m[2])
		}
		all[m[1]+m[2]] = v
	}
	if !strings.HasSuffix(page, "\n") {
		t.Error("the last line does not end")
	}
	return all
}

func page(t *testing.T, r *trace.Recorder, fill func(s *metrics.Set)) string {
	t.Helper()
	w := httptest.NewRecorder()
	metrics.Handler(r, func(_ context.Context, s *metrics.Set) { fill(s) }).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	if got := w.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	return w.Body.String()
}

func TestMetrics_TellWhatWasRecorded(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 64, Kept: 40, Keep: trace.Keep{Refusals: true}})
	for _, status := range []int{200, 200, 403} {
		j := r.Begin(trace.Request)
		j.SetRoute("photos.list")
		if j.Status = status; status == 403 {
			j.Begin(trace.Access, "rule").Deny(trace.ReasonOf("access.rule_denied"))
		}
		j.Start = j.Start.Add(-3 * time.Millisecond)
		r.End(j)
	}
	for _, code := range []int{0, 0, 7} { // of gRPC: all are 200
		j := r.Begin(trace.Request)
		j.SetRoute("/gallery.v1.Photos/Delete")
		j.Status = 200
		j.SetCode(trace.CodeOf(code))
		if code == 7 {
			j.Begin(trace.Access, "rule").Deny(trace.ReasonOf("access.rule_denied"))
		}
		r.End(j)
	}
	r.End(r.Begin(trace.Query))
	got := parse(t, page(t, r, func(s *metrics.Set) {
		s.Add("roundtrip_upstream_up", 1, "/ \"x\"", "a\\b\nc")
		s.Flag("roundtrip_config_last_reload_successful", true)
		s.Time("process_start_time_seconds", time.UnixMilli(1_500))
	}))
	for name, want := range map[string]float64{
		`roundtrip_http_requests_total{route="photos.list",code="2xx"}`:                                                                                 2,
		`roundtrip_http_requests_total{route="photos.list",code="4xx"}`:                                                                                 1,
		`roundtrip_http_requests_refused_total{route="photos.list",code="4xx",reason="access.rule_denied"}`:                                             1,
		`roundtrip_http_requests_total{route="/gallery.v1.Photos/Delete",code="2xx"}`:                                                                   3,
		`roundtrip_rpc_calls_total{route="/gallery.v1.Photos/Delete",grpc_code="OK"}`:                                                                   2,
		`roundtrip_rpc_calls_total{route="/gallery.v1.Photos/Delete",grpc_code="PERMISSION_DENIED"}`:                                                    1,
		`roundtrip_http_requests_refused_total{route="/gallery.v1.Photos/Delete",code="2xx",grpc_code="PERMISSION_DENIED",reason="access.rule_denied"}`: 1,
		`roundtrip_http_request_duration_seconds_bucket{route="photos.list",le="0.0025"}`:                                                               0,
		`roundtrip_http_request_duration_seconds_bucket{route="photos.list",le="100"}`:                                                                  3,
		`roundtrip_http_request_duration_seconds_bucket{route="photos.list",le="+Inf"}`:                                                                 3,
		`roundtrip_http_request_duration_seconds_count{route="photos.list"}`:                                                                            3,
		`roundtrip_journeys_total{kind="request"}`:                                                                                                      6,
		`roundtrip_journeys_total{kind="query"}`:                                                                                                        1,
		`roundtrip_journeys_kept_total{cause="deny"}`:                                                                                                   2,
		`roundtrip_upstream_up{route="/ \"x\"",upstream="a\\b\nc"}`:                                                                                     1,
		`roundtrip_config_last_reload_successful`:                                                                                                       1,
		`process_start_time_seconds`:                                                                                                                    1.5,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v (%v), want %v", name, v, ok, want)
		}
	}
	if v := got[`roundtrip_http_request_duration_seconds_sum{route="photos.list"}`]; v < 0.009 {
		t.Errorf("sum of durations: %v", v)
	}
	if got["go_goroutines"] < 1 || got["go_memory_total_bytes"] < 1 {
		t.Error("nothing is known of the runtime")
	}
}

func TestMetrics_BucketsGrow(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 64})
	for d := time.Microsecond; d < 1000*time.Second; d *= 3 {
		j := r.Begin(trace.Request)
		j.Start = j.Start.Add(-d)
		r.End(j)
	}
	got := parse(t, page(t, r, func(*metrics.Set) {}))
	edge := regexp.MustCompile(`_bucket\{route="none",le="([^"]+)"\}$`)
	byEdge := map[float64]float64{}
	for name, v := range got {
		if m := edge.FindStringSubmatch(name); m != nil {
			e, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			byEdge[e] = v
		}
	}
	if len(byEdge) != 3*7+2 {
		t.Errorf("%d edges", len(byEdge))
	}
	last := -1.0
	for _, e := range slices.Sorted(func(yield func(float64) bool) {
		for e := range byEdge {
			if !yield(e) {
				return
			}
		}
	}) {
		if byEdge[e] < last {
			t.Errorf("up to %v s are fewer than below it", e)
		}
		last = byEdge[e]
	}
}

func TestMetrics_WithoutJourneys(t *testing.T) {
	t.Parallel()
	got := parse(t, page(t, nil, func(s *metrics.Set) { s.Add("roundtrip_config_generation", 7) }))
	if got["roundtrip_config_generation"] != 7 {
		t.Errorf("%v", got)
	}
	for name := range got {
		if strings.HasPrefix(name, "roundtrip_journeys") {
			t.Errorf("%s without a recorder", name)
		}
	}
}

func TestNames_FollowTheConventions(t *testing.T) {
	t.Parallel()
	last := ""
	for _, n := range metrics.Names() {
		if n.Name <= last {
			t.Errorf("%s is not in order", n.Name)
		}
		last = n.Name
		if (n.Type == metrics.Counter) != strings.HasSuffix(n.Name, "_total") {
			t.Errorf("%s is a %s", n.Name, n.Type)
		}
		if regexp.MustCompile(`(_ms|_milliseconds|_minutes|_kb|_mb|_percent)(_|$)`).MatchString(n.Name) {
			t.Errorf("%s is in no base unit", n.Name)
		}
		if !strings.HasSuffix(n.Help, ".") {
			t.Errorf("%s: %q is no sentence", n.Name, n.Help)
		}
		for _, l := range n.Labels {
			if l == "host" || l == "path" || l == "client" || l == "le" {
				t.Errorf("%s has the label %s, which strangers could fill", n.Name, l)
			}
		}
	}
}

// TestDocs_ListEachName compares the page with the table.
func TestDocs_ListEachName(t *testing.T) {
	t.Parallel()
	const file = "../../docs/metrics.md"
	const begin, end = "<!-- made by go test ./app/metrics -update -->\n", "<!-- end -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table", file)
	}
	table := "| name | type | labels | what |\n| --- | --- | --- | --- |\n"
	for _, n := range metrics.Names() {
		labels := make([]string, len(n.Labels))
		for i, l := range n.Labels {
			labels[i] = "`" + l + "`"
		}
		table += fmt.Sprintf("| `%s` | %s | %s | %s |\n", n.Name, n.Type, strings.Join(labels, ", "), n.Help)
	}
	want := before + begin + table + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want {
		t.Errorf("%s is not what the table says: go test ./app/metrics -update", file)
	}
}
