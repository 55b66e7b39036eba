package gate

import (
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip/gate/peer"
)

// trailers keeps of a request's trailers those that its head announced and that may stand after a body. Others would go
// past everything that has looked at the head (RFC 9110 section 6.5.1).
type trailers struct{ announced []string }

// announce remembers what the head announced.
func (t *trailers) announce(r *http.Request) {
	for name := range r.Trailer {
		t.announced = append(t.announced, name)
	}
}

// keep takes the others off, once all of them have come.
func (t *trailers) keep(r *http.Request) {
	if len(r.Trailer) == 0 {
		return
	}
	for name := range r.Trailer {
		if !t.has(name) || !mayTrail(name) {
			delete(r.Trailer, name)
		}
	}
}

func (t *trailers) has(name string) bool {
	for _, a := range t.announced {
		if a == name {
			return true
		}
	}
	return false
}

// mayTrail reports whether a header may come after a body: none that frames or routes a message, says who asks or for
// what, or is taken off in a head.
func mayTrail(name string) bool {
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Host", "Origin", "Te", "Connection", "Upgrade", "Expect",
		"Range", "Cache-Control", "Max-Forwards", "Location", "Transfer-Encoding", "Trailer", "X-Journey", "Idempotency-Key":
		return false
	}
	return !strings.HasPrefix(name, "Content-") && !strings.HasPrefix(name, "If-") && !strings.ContainsAny(name, "_.") && !peer.Forgeable(name)
}
