package gate_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// A probe of ours has the id that was signed for it and is kept; who only says that it is one is a request like others. What is
// behind the gate sees neither.
func TestProbe_OnlyASignedOneChoosesItsID(t *testing.T) {
	t.Parallel()
	want := trace.ID{1, 2, 15: 3}
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header["X-Probe"] != nil {
			w.WriteHeader(http.StatusTeapot)
		}
	}, func(o *gate.Options) {
		o.Probe = func(signed string) (trace.ID, bool) { return want, signed == "ours" }
	})
	for _, tt := range []struct {
		name    string
		headers []string
		taken   bool
	}{
		{"signed", []string{"X-Probe", "ours"}, true},
		{"of a stranger", []string{"X-Probe", "made up"}, false},
		{"twice", []string{"X-Probe", "ours", "X-Probe", "ours"}, false},
		{"none", nil, false},
	} {
		r := h.get(t, "http://"+h.plain+"/x", append([]string{"Host", "open.localhost"}, tt.headers...)...)
		id := r.Header.Get("X-Journey")
		if r.StatusCode != http.StatusOK || (id == want.String()) != tt.taken {
			t.Errorf("%s: status %d, journey %s", tt.name, r.StatusCode, id)
		}
		if kept := h.journey(t, id).Kept.Words(); slices.Contains(kept, "probe") != tt.taken {
			t.Errorf("%s: kept for %v", tt.name, kept)
		}
	}
}
