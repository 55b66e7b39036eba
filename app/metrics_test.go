package app_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/app/metrics"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

// TestApp_MeasuresEachStation asks for the metrics of a server that has served a little, and knows which of the names may be
// absent, since what they count is not declared or has not happened.
func TestApp_MeasuresEachStation(t *testing.T) {
	t.Parallel()
	proxied := strings.Replace(declaration, "routes: [{ path: /api/, to: api }]",
		"routes: [{ path: /api/, to: api }, { path: /blog/, proxy: ['http://127.0.0.1:9'] }]", 1)
	a, client := startWith(t, proxied, func(*process.Surroundings) {})
	_, _, listed := send(t, a, client, "GET", "notes", "")
	_, _, missed := send(t, a, client, "GET", "nowhere", "")
	w := httptest.NewRecorder()
	a.Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	page := w.Body.String()
	absent := map[string]string{
		"roundtrip_dns_messages_total": "no zone", "roundtrip_dns_rate_limited_total": "no zone", "roundtrip_dns_responses_total": "no zone",
		"roundtrip_firewall_drops_total": "no groups", "roundtrip_firewall_passes_total": "no groups",
		"roundtrip_http_slow_threshold_seconds": "too few requests",
		"roundtrip_jobs_dead":                   "no jobs", "roundtrip_jobs_oldest_age_seconds": "no jobs", "roundtrip_jobs_waiting": "no jobs",
		"roundtrip_rpc_calls_total": "no calls",
	}
	for _, n := range metrics.Names() {
		if there := strings.Contains(page, "\n"+n.Name+" ") || strings.Contains(page, "\n"+n.Name+"{") || strings.Contains(page, "\n"+n.Name+"_bucket{"); there == (absent[n.Name] != "") {
			t.Errorf("%s is there: %v", n.Name, there)
		}
	}
	for _, line := range []string{
		`roundtrip_config_generation 1`, `roundtrip_config_last_reload_successful 1`, `roundtrip_http_requests_total{route="` + listed.Route + `",code="2xx"} 1`,
		`roundtrip_http_requests_refused_total{route="` + missed.Route + `",code="4xx",reason="` + missed.Reason.Code() + `"} 1`,
		`roundtrip_upstream_requests_in_flight{route="notes.test /blog/",upstream="http://127.0.0.1:9"} 0`,
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}
