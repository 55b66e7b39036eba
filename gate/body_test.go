package gate_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestBody_KeepsOfTrailersWhatWasAnnouncedAndMayTrail(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.Trailer, err)
	})
	const chunks = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\nAuthorization: 3\r\nX-Forwarded-For: 4\r\nX_Sum: 5\r\n\r\n"
	for announced, want := range map[string]string{
		"":                   "map[] <nil>",
		"Trailer: X-Sum\r\n": "map[X-Sum:[1]] <nil>",
		"Trailer: X-Sum, Authorization, X-Forwarded-For, X_Sum\r\n": "map[X-Sum:[1]] <nil>",
		"Trailer: X-Missing\r\n":                                    "map[X-Missing:[]] <nil>",
	} {
		got := raw(t, h.plain, "POST / HTTP/1.1\r\n"+host+"Connection: close\r\n"+announced+chunks)
		if !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.HasSuffix(got, want) {
			t.Errorf("%q: %q, want %s", announced, got, want)
		}
	}
}

func TestBody_EndsOneThatComesByteByByte(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		w.WriteHeader(roundtrip.AsError(err).HTTPStatus())
	}, func(o *gate.Options) { o.Times.Stall = 500 * time.Millisecond })
	for name, d := range h.doors(t) {
		c := d.dial()
		send(t, c, "POST /api/drip HTTP/1.1\r\nHost: "+d.host+"\r\nContent-Length: 1000000\r\n\r\n")
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for { // as slowhttptest does: always some progress, never enough of it
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond) // the pace of the client
			}
		}()
		b, _ := io.ReadAll(c)
		if got := string(b); !strings.HasPrefix(got, "HTTP/1.1 408") || !strings.Contains(got, "Connection: close") {
			t.Errorf("%s: %q", name, got)
		}
		_ = c.Close()
		<-stop
	}
	h.await(t, "journey of the slow body", func(s trace.Snapshot) bool {
		return s.Path == "/api/drip" && s.Reason.Code() == "request.timeout" && s.Status == 408
	})
}
