package console_test

import (
	"slices"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// All requests count, more than any ring keeps; the newest slice is there before it ends.
func TestThePulseIsOfEveryRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Viewer)
	const many = 1000 // the rings of the bench hold 256
	for range many {
		b.request("/api/photos", 200, "")
	}
	b.clock.add(5 * time.Second)
	b.Beat()
	b.request("/api/photos", 403, "access.rule_denied")

	out := ana.want(200, "GET", "/api/pulse", nil)
	slices := out["slices"].([]any)
	if len(slices) != 2 || out["n"] != float64(many+1) {
		t.Fatalf("%d slices with %v requests, want 2 with %d", len(slices), out["n"], many+1)
	}
	first, last := slices[0].(map[string]any), slices[1].(map[string]any)
	if first["n"] != float64(many) || first["ms"].(float64) < 5000 || last["n"] != 1.0 {
		t.Errorf("the slices are %v and %v, want %d requests in 5 s, then one", first, last, many)
	}
	if p50, p99 := out["p50"].(float64), out["p99"].(float64); p50 <= 0 || p99 < p50 {
		t.Errorf("half took %v ms, 99 of 100 %v ms", p50, p99)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		took     []time.Duration
		part     float64
		from, to time.Duration // the edges of the bucket
	}{
		{"the only one", []time.Duration{4 * time.Millisecond}, 0.5, 3_150_000, 4_000_000},
		{"half of four", []time.Duration{time.Millisecond, time.Millisecond, time.Second, time.Second}, 0.5, 800_000, 1_000_000},
		{"one of a hundred is slow", append(slices.Repeat([]time.Duration{time.Millisecond}, 99), time.Minute), 0.99, 800_000, 1_000_000},
		{"two of a hundred are slow", append(slices.Repeat([]time.Duration{time.Millisecond}, 98), time.Minute, time.Minute), 0.99, 50 * time.Second, 63 * time.Second},
		{"below the first edge", []time.Duration{time.Microsecond}, 0.5, 0, 10_000},
		{"above the last edge", []time.Duration{time.Hour}, 0.5, 100*time.Second - 1, 100 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if d := console.Quantile(test.took, test.part); d <= test.from || d > test.to {
				t.Errorf("%v, want more than %v and at most %v", d, test.from, test.to)
			}
		})
	}
}

// The pulse is of the last minutes: what is older is forgotten.
func TestThePulseForgets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Viewer)
	b.request("/api/photos", 200, "")
	for range 61 {
		b.Beat()
	}
	if out := ana.want(200, "GET", "/api/pulse", nil); out["n"] != 0.0 || len(out["slices"].([]any)) != 61 {
		t.Errorf("%v requests in %d slices, want none in 61", out["n"], len(out["slices"].([]any)))
	}
}
