package witness

import (
	"bytes"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestTickets_AreGoodOnce(t *testing.T) {
	t.Parallel()
	all, err := newTickets(bytes.Repeat([]byte{7}, declare.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	now, first, second := time.Unix(1_800_000_000, 0), trace.ID{1}, trace.ID{2}
	signed, later := all.sign(first, now), all.sign(second, now.Add(time.Second))
	if id, ok := all.take(signed, now); !ok || id != first {
		t.Fatalf("%v %v", id, ok)
	}
	if id, ok := all.take(signed, now); ok || id != (trace.ID{}) {
		t.Errorf("again: %v %v", id, ok)
	}
	if id, ok := all.take(later, now.Add(probeLives)); !ok || id != second {
		t.Errorf("another: %v %v", id, ok)
	}
	if len(all.used) != 1 {
		t.Errorf("what has ended is remembered: %v", all.used)
	}
	if _, ok := all.take(signed, now.Add(probeLives)); ok {
		t.Error("what has ended is taken")
	}
	if _, ok := all.take(all.sign(trace.ID{3}, now.Add(-probeLives)), now); ok {
		t.Error("what was never used, and has ended, is taken")
	}
}
