package gate_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
)

// serves puts sites in force whose API has the services.
func serves(t *testing.T, h *house, api http.HandlerFunc, services []string, places ...config.Site) {
	t.Helper()
	b := builders(api)
	b.Services = services
	table, err := gate.NewTable(places, b)
	if err != nil {
		t.Fatal(err)
	}
	h.gate.Swap(table)
}

// A call of gRPC has no prefix in its path: it counts with the API, is held to the API's limits, and its journey leads to the line
// of the API's route.
func TestGate_LeadsServicesToTheAPI(t *testing.T) {
	t.Parallel()
	h := open(t, ok, withLimits(nil), func(o *gate.Options) { o.Dev = true })
	at := roundtrip.Pos{File: "roundtrip.yaml", Line: 12, Column: 5}
	serves(t, h, ok, []string{"gallery.v1.Photos", "gallery.v1.Users"}, plain(
		config.Route{Path: "/api/", API: true, Pos: at, Limits: &config.Limits{Body: 1000, Requests: []config.Rate{hourly(2, config.PerClient)}}},
		config.Route{Path: "/docs/", Static: h.routes},
	))
	c := h.client(t, false)
	a := h.do(t, c, http.MethodPost, "http://open.localhost/gallery.v1.Photos/Get", nil)
	if a.StatusCode != 200 || a.body != `{"path":"/gallery.v1.Photos/Get"}` {
		t.Fatalf("%s %q", a.Status, a.body)
	}
	s := h.journey(t, a.Header.Get("X-Journey"))
	if hop := s.Hops[len(s.Hops)-1]; hop.Name != "/gallery.v1.Photos/" || hop.Note != at.String() {
		t.Errorf("%+v", s.Hops)
	}
	problem(t, h.do(t, c, http.MethodPost, "http://open.localhost/gallery.v1.Users/Get", strings.NewReader(strings.Repeat("x", 1001))), 413, "request.body_too_large")
	problem(t, h.do(t, c, http.MethodGet, "http://open.localhost/api/x", nil), 429, "limit.rate")
	problem(t, h.do(t, c, http.MethodPost, "http://open.localhost/gallery.v1.Photos/Get", nil), 429, "limit.rate")

	p := problem(t, h.do(t, c, http.MethodPost, "http://open.localhost/gallery.v1.Photo/Get", nil), 404, "route.no_path")
	for _, want := range []string{"Routes of open.localhost: /api/, /docs/.", "Services of gRPC: gallery.v1.Photos, gallery.v1.Users.", "The nearest route is /gallery.v1.Photos/."} {
		if detail, _ := p["detail"].(string); !strings.Contains(detail, want) {
			t.Errorf("%q does not say %q", detail, want)
		}
	}
}

// A folder at / has every path, and no call: who asks for a service that is not there hears that, and which one is near.
func TestGate_NoFolderAnswersCalls(t *testing.T) {
	t.Parallel()
	h := open(t, ok, withLimits(nil))
	serves(t, h, ok, []string{"gallery.v1.Photos"}, plain(config.Route{Path: "/api/", API: true}, config.Route{Path: "/", Static: h.routes, SPA: true}))
	c := h.client(t, false)
	for kind, status := range map[string]string{"application/grpc": "12", "application/grpc-web+proto": "12", "application/proto": "", "application/json": ""} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://open.localhost/gallery.v1.Phots/Get", strings.NewReader("\x00\x00\x00\x00\x00"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("Grpc-Status"); got != status && !strings.Contains(string(body), "grpc-status: "+status) && !strings.Contains(string(body), "grpc-status:"+status) {
			t.Errorf("%s: status %q, %q", kind, got, body)
		}
		want := `There is no service "gallery.v1.Phots" here; did you mean gallery.v1.Photos?`
		if all := string(body) + res.Header.Get("Grpc-Message"); !strings.Contains(strings.ReplaceAll(all, `\"`, `"`), want) {
			t.Errorf("%s: %q", kind, all)
		}
	}
}
