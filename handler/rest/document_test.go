package rest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/roundtrip-dev/roundtrip/handler/rest"
)

func TestDocument_IsServedAndAskedForAgain(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	documents := rest.NewDocuments()
	documents.Put(rest.OpenAPI, "application/json", []byte(`{"openapi":"3.1.1"}`))
	documents.Put(rest.Proto, "text/plain; charset=utf-8", []byte("syntax = \"proto3\";\n"))
	door, err := rest.New(h.core, "/api/", rest.Options{Documents: documents})
	must(t, err)
	ask := func(method, path string, more ...string) *httptest.ResponseRecorder {
		t.Helper()
		req := httptest.NewRequestWithContext(t.Context(), method, "/api/"+path, nil)
		for i := 0; i < len(more); i += 2 {
			req.Header.Set(more[i], more[i+1])
		}
		w := httptest.NewRecorder()
		door.ServeHTTP(w, req)
		return w
	}
	got := ask("GET", "openapi.json", "Authorization", "Bearer nobody's")
	tag := got.Header().Get("Etag")
	if got.Code != 200 || got.Body.String() != `{"openapi":"3.1.1"}` || got.Header().Get("Content-Type") != "application/json" || tag == "" {
		t.Fatalf("%d %v %s", got.Code, got.Header(), got.Body)
	}
	if c := got.Header().Get("Cache-Control"); c != "no-cache" {
		t.Errorf("Cache-Control: %s", c)
	}
	if other := ask("GET", "descriptors.proto").Header().Get("Etag"); other == "" || other == tag {
		t.Errorf("two documents have the tags %s and %s", tag, other)
	}
	for _, tt := range []struct {
		name, method, path string
		more               []string
		status             int
		allow              string
	}{
		{"unchanged", "GET", "openapi.json", []string{"If-None-Match", `"x", W/` + tag}, 304, ""},
		{"changed", "GET", "openapi.json", []string{"If-None-Match", `"x"`}, 200, ""},
		{"head", "HEAD", "openapi.json", nil, 200, ""},
		{"written", "POST", "openapi.json", nil, 405, "GET, HEAD, OPTIONS"},
		{"options", "OPTIONS", "openapi.json", nil, 204, "GET, HEAD, OPTIONS"},
		{"parameter", "GET", "openapi.json?pretty=1", nil, 400, ""},
		{"not there", "GET", "descriptors.binpb", nil, 404, ""},
		{"below", "GET", "openapi.json/x", nil, 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ask(tt.method, tt.path, tt.more...)
			if got.Code != tt.status || got.Header().Get("Allow") != tt.allow {
				t.Errorf("%d, Allow %q: %s", got.Code, got.Header().Get("Allow"), got.Body)
			}
			if tt.status == http.StatusNotModified && (got.Body.Len() > 0 || got.Header().Get("Etag") != tag) {
				t.Errorf("304 with %q and %q", got.Header().Get("Etag"), got.Body)
			}
		})
	}
}
