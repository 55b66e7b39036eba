package why

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// judgement is what a browser makes of an answer.
type judgement struct {
	reason   string // "" where the page may go on
	sentence string
	notes    []string
}

// judgeOrigin is the CORS check of the Fetch standard (section 4.9): may the page have the answer?
func judgeOrigin(h http.Header, origin string, credentials bool) judgement {
	lines := h["Access-Control-Allow-Origin"]
	switch {
	case len(lines) == 0:
		if origin == "null" {
			return judgement{reason: "cors.null_origin", sentence: "the answer has no Access-Control-Allow-Origin, and the page's origin is null"}
		}
		return judgement{reason: "cors.origin_not_allowed", sentence: "the answer has no Access-Control-Allow-Origin: pages of " + origin + " may not have it"}
	case len(lines) > 1, strings.Contains(lines[0], ","):
		return judgement{reason: "cors.duplicate_header", sentence: "Access-Control-Allow-Origin has several values: " + printable(strings.Join(lines, ", "))}
	case lines[0] == "*" && credentials:
		return judgement{reason: "cors.wildcard_with_credentials", sentence: "Access-Control-Allow-Origin is *, which does not hold for a request with cookies"}
	case lines[0] != "*" && lines[0] != origin:
		return judgement{reason: "cors.origin_not_allowed", sentence: "the answer is for pages of " + printable(lines[0]) + ", not of " + origin}
	case credentials && !slices.Equal(h["Access-Control-Allow-Credentials"], []string{"true"}):
		return judgement{reason: "cors.credentials_not_allowed", sentence: "the page sends cookies, and Access-Control-Allow-Credentials is not true"}
	}
	j := judgement{sentence: "pages of " + origin + " may have the answer"}
	if lines[0] != "*" && !varies(h, "Origin") {
		j.notes = append(j.notes, trace.ReasonOf("cors.vary_missing").Flag()+": "+sentence(trace.ReasonOf("cors.vary_missing").Text()))
	}
	return j
}

// judgePreflight is what a browser makes of the answer to its preflight (section 4.8).
func judgePreflight(e *Exchange, origin, method string, asked []string, credentials bool) judgement {
	switch {
	case e.Status >= 300 && e.Status < 400:
		return judgement{reason: "cors.preflight_redirected", sentence: "the preflight was redirected to " + printable(e.Header.Get("Location")) + ", which browsers do not follow"}
	case e.Status < 200 || e.Status > 299:
		if j := judgeOrigin(e.Header, origin, credentials); j.reason != "" && e.Status != http.StatusUnauthorized && e.Status != http.StatusMethodNotAllowed {
			return j
		}
		return judgement{reason: "cors.preflight_refused", sentence: "the preflight was answered with " + statusText(e.Status) + "; a browser wants 200 to 299"}
	}
	j := judgeOrigin(e.Header, origin, credentials)
	if j.reason != "" {
		return j
	}
	star := !credentials
	methods := listed(e.Header["Access-Control-Allow-Methods"])
	if !simpleMethod(method) && !slices.Contains(methods, method) && (!star || !slices.Contains(methods, "*")) {
		return judgement{reason: "cors.method_not_allowed", sentence: method + " is not among the allowed methods (" + orElse(strings.Join(methods, ", "), "none") + ")"}
	}
	headers := listed(e.Header["Access-Control-Allow-Headers"])
	for _, name := range asked {
		starred := star && slices.Contains(headers, "*") && name != "authorization"
		if !starred && !slices.ContainsFunc(headers, func(h string) bool { return strings.EqualFold(h, name) }) {
			return judgement{reason: "cors.header_not_allowed", sentence: "the header " + name + " is not among the allowed ones (" + orElse(strings.Join(headers, ", "), "none") + ")"}
		}
	}
	j.sentence = "the preflight allows " + method + " to pages of " + origin
	if age := e.Header.Get("Access-Control-Max-Age"); age != "" {
		j.notes = append(j.notes, "A browser keeps this answer for "+printable(age)+" s and asks nothing meanwhile: after a change it may still go by the old one.")
	}
	return j
}

// listed are the members of a header that is a list.
func listed(lines []string) []string {
	var all []string
	for _, line := range lines {
		for word := range strings.SplitSeq(line, ",") {
			if word = strings.TrimSpace(word); word != "" {
				all = append(all, printable(word))
			}
		}
	}
	return all
}

func varies(h http.Header, name string) bool {
	return slices.ContainsFunc(listed(h["Vary"]), func(v string) bool { return v == "*" || strings.EqualFold(v, name) })
}

// sameSite reports whether two origins are of one site: the same scheme and registrable domain.
func sameSite(a, b string) bool {
	u, err := url.Parse(a)
	v, wrong := url.Parse(b)
	if err != nil || wrong != nil || u.Scheme != v.Scheme {
		return false
	}
	return siteOf(u.Hostname()) == siteOf(v.Hostname())
}

func siteOf(host string) string {
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return site
	}
	return host
}
