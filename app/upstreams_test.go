package app_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/upstreams"
)

func TestUpstreams_ShowsWhatTheServerKnows(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer up.Close()
	gone, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + gone.Addr().String()
	_ = gone.Close()
	const far = "/a/path/that/is/far/too/long/for/a/column/of/a/table/"
	declared := strings.Replace(declaration, "routes: [{ path: /api/, to: api }]", `routes:
      - { path: /api/, to: api }
      - { path: /one/, proxy: `+up.URL+` }
      - { path: `+far+`, proxy: [`+up.URL+`, `+nobody+`], balance: round-robin, eject: { fails: 1, for: 1h } }`, 1)
	a, client := startWith(t, declared, func(*process.Surroundings) {})
	list := func(asJSON bool) (string, bool) {
		t.Helper()
		var out bytes.Buffer
		well, err := upstreams.Upstreams(t.Context(), upstreams.UpstreamOptions{File: a.Folder(), JSON: asJSON}, process.Surroundings{Out: &out, Now: time.Now, Getenv: os.LookupEnv})
		if err != nil {
			t.Fatal(err)
		}
		return out.String(), well
	}
	if text, well := list(false); !well || strings.Count(text, "  well ") != 3 || !strings.Contains(text, "notes.test /one/ ") {
		t.Errorf("at the start, well %v:\n%s", well, text)
	}
	for range 2 { // one of them meets the upstream that is gone, and goes on to the other
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://notes.test"+far, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil || answer.StatusCode != http.StatusNoContent {
			t.Fatalf("%v, %v", answer, err)
		}
		_ = answer.Body.Close()
	}
	text, well := list(false)
	told := strings.Join(strings.Fields(text), " ")
	if well || strings.Count(text, "  well ") != 2 || strings.Count(text, "  ejected ") != 1 || !strings.Contains(told, "connection refused (tried again in 59m)") {
		t.Errorf("after a fault, well %v:\n%s", well, text)
	}
	for line := range strings.Lines(text) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
			t.Errorf("a line is wider than a screen: %s", line)
		}
	}
	text, _ = list(true)
	var states []struct{ Route, Upstream, Standing, Error string }
	if err := json.Unmarshal([]byte(text), &states); err != nil || len(states) != 3 {
		t.Fatalf("%v\n%s", err, text)
	}
	if s := states[1]; states[0].Route != "notes.test "+far || s.Upstream != nobody || s.Standing != "ejected" || s.Error == "" {
		t.Errorf("%+v", states)
	}
}

func TestUpstreams_NeedsAServer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	well, err := upstreams.Upstreams(t.Context(), upstreams.UpstreamOptions{File: folder}, process.Surroundings{Out: &out, Now: time.Now, Getenv: os.LookupEnv})
	if well || err == nil || !strings.Contains(err.Error(), "no server runs") || out.Len() > 0 {
		t.Errorf("%v, %v, %q", well, err, out.String())
	}
}
