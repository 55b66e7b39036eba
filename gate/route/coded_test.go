package route_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/encode"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

// target answers with a long text, or fails.
type target struct{}

func (target) Serve(w http.ResponseWriter, _ *http.Request, path string) error {
	if path == "/fails" {
		return roundtrip.E(roundtrip.Unavailable, "proxy.no_upstream", "")
	}
	w.Header().Set("Content-Type", "text/plain")
	_, err := io.WriteString(w, strings.Repeat("all the same ", 1000))
	return err
}

func TestNew_CodesAnswersWhereThatIsDeclared(t *testing.T) {
	t.Parallel()
	for _, compress := range []bool{false, true} {
		table, err := route.New([]config.Site{{Name: "a.test", Routes: []config.Route{
			{Path: "/", Proxy: &config.Proxy{}, Compress: compress},
			{Path: "/fixed", Respond: &config.Respond{Body: strings.Repeat("x", 5000)}, Compress: compress},
		}}}, route.Builders{
			Proxy:    func(*config.Site, *config.Route) (route.Target, error) { return target{}, nil },
			Encoders: encode.New(),
		})
		if err != nil {
			t.Fatal(err)
		}
		serve := func(path string) (*httptest.ResponseRecorder, error) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Header.Set("Accept-Encoding", "gzip")
			w := httptest.NewRecorder()
			return w, table.Sites[0].Match(r.Method, path, r.Header).Target.Serve(w, r, path)
		}
		w, err := serve("/x")
		if coded := w.Header().Get("Content-Encoding") == "gzip"; err != nil || coded != compress {
			t.Errorf("compress: %v, and the answer says %v, %v", compress, w.Header(), err)
		}
		if compress {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(z); err != nil || len(b) != 13_000 {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		}
		if w, err = serve("/fails"); roundtrip.AsError(err).Reason != "proxy.no_upstream" || w.Body.Len() != 0 || len(w.Header()) != 0 {
			t.Errorf("a target that fails: %v, %v %q", err, w.Header(), w.Body)
		}
		if w, _ = serve("/fixed"); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("a fixed answer: %v", w.Header())
		}
	}
}
