package watch

import (
	"net/netip"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func keyOf(i int) dropKey {
	return dropKey{trace.ReasonOf("firewall.no_rule"), firewall.Flow{Protocol: firewall.TCP, Remote: address(i), Port: 22}}
}

func TestFold_CountsTheSameTogether(t *testing.T) {
	t.Parallel()
	f, at := newFold(), time.Unix(1_790_000_000, 0)
	for i := range 100 {
		f.add(keyOf(i%2), 1, at.Add(time.Duration(i)*time.Second))
	}
	all := f.since(0, 10)
	if len(all) != 2 || all[0].Packets != 50 || all[1].Packets != 50 {
		t.Fatalf("got %+v", all)
	}
	if all[0].Flow.Remote != address(1) || !all[0].First.Equal(at.Add(time.Second)) || !all[0].Last.Equal(at.Add(99*time.Second)) {
		t.Errorf("the newest is %+v", all[0])
	}
	if later := f.since(99, 10); len(later) != 1 || later[0].Flow.Remote != address(1) {
		t.Errorf("after turn 99: %+v", later)
	}
	if first := f.since(0, 1); len(first) != 1 || first[0].Flow.Remote != address(1) {
		t.Errorf("one of them: %+v", first)
	}
}

// A flood from ever new addresses must not wash out those who try again.
func TestFold_KeepsWhatComesAgainThroughAFlood(t *testing.T) {
	t.Parallel()
	f, at := newFold(), time.Unix(1_790_000_000, 0)
	laptop := keyOf(-1)
	f.add(laptop, 1, at)
	f.add(laptop, 1, at)
	for i := range 10 * dropsMax {
		f.add(keyOf(i), 1, at)
	}
	if len(f.by) != dropsMax || f.once.Len()+f.often.Len() != dropsMax {
		t.Fatalf("the table has %d: %d and %d", len(f.by), f.once.Len(), f.often.Len())
	}
	if f.by[laptop] == nil {
		t.Error("who came twice was washed out by those who came once")
	}
	if f.forgotten != 9*dropsMax+1 {
		t.Errorf("%d packets were forgotten", f.forgotten)
	}
	for range 2 { // a flood of those who come again: the table stays as large
		for i := range 2 * dropsMax {
			f.add(keyOf(i), 1, at)
			f.add(keyOf(i), 1, at)
		}
	}
	if len(f.by) != dropsMax || f.often.Len() != dropsMax/2 || f.once.Len() != dropsMax/2 {
		t.Errorf("the table has %d: %d and %d", len(f.by), f.once.Len(), f.often.Len())
	}
	for k, at := range f.by {
		if e := at.Value.(*entry); e.key != k {
			t.Fatalf("%v is found under %v", e.key, k)
		}
	}
}
