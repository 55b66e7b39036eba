package lab_test

import (
	"context"
	"net/netip"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// The segments of a flood are sound: where no firewall stands in the way, each begins a connection (which the stranger, who
// knows nothing of it, resets).
func TestFlood_ItsSegmentsAreSound(t *testing.T) {
	l := open(t)
	edge := l.Machine(lab.Edge)
	must(t, edge.Echo(t.Context(), ":7"))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	sent, err := l.Machine(lab.Stranger).Flood(ctx, netip.AddrPortFrom(edge.IPv4(), 7), 5000)
	must(t, err)
	if sent == 0 {
		t.Fatal("nothing was sent")
	}
	begun := regexp.MustCompile(`TcpAttemptFails +(\d+)`)
	await(t, strconv.Itoa(sent)+" connections were begun and reset", func() bool {
		found := begun.FindStringSubmatch(run(t, edge, 0, "nstat", "-asz", "TcpAttemptFails"))
		return found != nil && found[1] == strconv.Itoa(sent)
	})
}
