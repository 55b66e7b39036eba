package console_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// A viewer who reads nothing holds up neither the other viewers nor the end of the server.
func TestLive_ASlowViewerHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Viewer)
	cookie := ana.Jar.Cookies(mustURL(t, b.base))[0]
	slow, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if err := slow.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.base+"/api/journeys/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(cookie)
	if err := req.Write(slow); err != nil {
		t.Fatal(err)
	}
	fast := ana.stream("/api/journeys/live?path=/marker", "")
	fast.next("open")
	long := "/" + strings.Repeat("a", 500)
	for round := range 20 {
		for range 200 {
			b.request(long, 403, "access.rule_denied")
		}
		marker := fmt.Sprintf("/marker-%d", round)
		b.request(marker, 200, "")
		for { // "missed" counts what the filter would not have taken, too
			e, more := fast.read()
			if !more {
				t.Fatal("the fast one was cut off")
			}
			if strings.Contains(e.data, `"path":"`+marker+`"`) {
				break
			}
		}
	}
	b.stop()
	if e, more := fast.read(); more {
		t.Fatalf("%+v", e)
	}
}
