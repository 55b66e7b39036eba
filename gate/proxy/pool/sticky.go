package pool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip/gate/peer"
)

// stickyName is the cookie that keeps a visitor with the upstream that answered first.
const stickyName = "rt_upstream"

// stickyID names an upstream in a cookie. Nobody can tell from it where the upstream is, nor guess that of another.
func (p *Pool) stickyID(url string) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte("sticky\x00" + p.route + "\x00" + url))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:9])
}

func (p *Pool) cookieLines(id string) (plain, secure string) {
	plain = stickyName + "=" + id + "; Path=" + p.path + "; HttpOnly; SameSite=Lax"
	return plain, plain + "; Secure"
}

func (p *Pool) cookieFor(r *http.Request, m *member) string {
	if peer.From(r.Context()).Secure {
		return m.secure
	}
	return m.cookie
}

// holder finds the member that the request's cookie names, -1 for none. Routes inside each other have cookies of one name,
// and a browser sends them all: the one that is ours counts.
func (p *Pool) holder(r *http.Request) int {
	at := -1
	_, _ = cookie(r, stickyName, func(value string) bool {
		for i := range p.members {
			if p.members[i].id == value {
				at = i
				return true
			}
		}
		return false
	})
	return at
}

// cookie finds a cookie of a request (RFC 6265 section 5.4) without taking the header apart: the first with the name, or the
// first that is wanted.
func cookie(r *http.Request, name string, wanted func(value string) bool) (string, bool) {
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if key == name && (wanted == nil || wanted(value)) {
				return value, true
			}
		}
	}
	return "", false
}
