package static_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/static"
)

func TestFolder_AsksForNoFramesUnlessTheSiteWantsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index.html"), "<p>hello")
	for _, framed := range []bool{false, true} {
		w := httptest.NewRecorder()
		f := static.New(static.Options{Dir: dir, Mount: "/", Framed: framed, Now: time.Now})
		if err := f.Serve(w, httptest.NewRequest(http.MethodGet, "/", nil), "/"); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"X-Frame-Options", "Content-Security-Policy", "Referrer-Policy"} {
			if got := w.Header().Get(name); (got == "") != framed {
				t.Errorf("framed %v: %s: %q", framed, name, got)
			}
		}
	}
}
