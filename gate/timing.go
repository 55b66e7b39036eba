package gate

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// putTiming says in the answer where its time went so far (Server Timing): the journey's id, each layer that took time, and
// all of it. How long a station took tells strangers things that they should not know, such as whether an account exists, so
// it is said in dev, and to those whom Options.Timing knows; to them in whole milliseconds, and not of signing in. An answer
// that others may be given too says nothing of it.
func (x *exchange) putTiming(h http.Header) {
	g := x.gate
	if x.journey == nil || !g.dev && !x.knows(x.req) {
		return
	}
	var took [trace.Client + 1]time.Duration
	for hop := range x.journey.Done() {
		if hop.Start < 0 || hop.Layer > trace.Client {
			continue // of the connection, before the request
		}
		if hop.Layer == trace.Auth && !g.dev && hop.Name != "session" {
			return
		}
		took[hop.Layer] += time.Duration(hop.Took)
	}
	if isShared(h) {
		return
	}
	b := append(make([]byte, 0, 256), `jr;desc="`...)
	b = append(append(b, x.idText...), '"')
	for l, d := range took {
		if d > 0 {
			b = appendTiming(b, trace.Layer(l).String(), d, g.dev)
		}
	}
	b = appendTiming(b, "total", x.journey.Elapsed(), g.dev)
	h["Server-Timing"] = append(h["Server-Timing"], string(b))
}

// appendTiming appends one metric. Where exact is false it is rounded to a millisecond.
func appendTiming(b []byte, name string, d time.Duration, exact bool) []byte {
	b = append(append(append(b, ", "...), name...), ";dur="...)
	if !exact {
		return strconv.AppendInt(b, d.Round(time.Millisecond).Milliseconds(), 10)
	}
	return strconv.AppendFloat(b, float64(d.Microseconds())/1000, 'f', -1, 64)
}

// isShared reports whether caches may give the answer to others (RFC 9111 section 3).
func isShared(h http.Header) bool {
	return slices.ContainsFunc(h["Cache-Control"], func(line string) bool {
		line = strings.ToLower(line)
		return (strings.Contains(line, "public") || strings.Contains(line, "s-maxage") || strings.Contains(line, "max-age")) &&
			!strings.Contains(line, "private") && !strings.Contains(line, "no-store")
	})
}
