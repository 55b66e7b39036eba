package caller

import (
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// Token returns what the caller of a request proves themselves with, "" for nothing.
func Token(r *http.Request) string {
	text, _, err := token(r)
	if err != nil {
		return ""
	}
	return text
}

// token returns what the caller proves themselves with, "" for nothing, and whether a browser sent it on its own. An
// Authorization header goes before the cookie; one of another scheme than Bearer is not ours. The error is of a token without
// its scheme, or a scheme without a token: to take its sender for a stranger, or for the cookie's account, would only hide the
// mistake.
func token(r *http.Request) (text string, cookie bool, err error) {
	if h := r.Header["Authorization"]; len(h) > 0 {
		scheme, rest, ok := strings.Cut(h[0], " ")
		rest = strings.TrimLeft(rest, " ")
		switch bearer := strings.EqualFold(scheme, "Bearer"); {
		case bearer && rest != "":
			return rest, false, nil
		case bearer:
			return "", false, roundtrip.E(roundtrip.Unauthenticated, "auth.invalid", "the header Authorization has no token behind Bearer; write Authorization: Bearer TOKEN, or leave the header out")
		case !ok && scheme != "":
			return "", false, roundtrip.E(roundtrip.Unauthenticated, "auth.invalid", "the header Authorization has a token without its scheme; write Authorization: Bearer TOKEN")
		}
	}
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return "", false, nil
	}
	name := cookieName(r)
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			if k, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && k == name && v != "" {
				return v, true, nil
			}
		}
	}
	return "", false, nil
}
