package config

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

func headersKey() key {
	return block("headers", func(s *Site) *Headers { return &s.Headers },
		truth("security", func(h *Headers) *bool { return &h.Security }).or("true").eg("false").
			says("Whether answers tell browsers to be careful: X-Content-Type-Options: nosniff and Referrer-Policy on all, and frame and opener rules on pages. What an answer says itself stays."),
		truth("hsts", func(h *Headers) *bool { return &h.HSTS }).or("true").eg("false").
			says("Whether names that the internet can reach, with a certificate that browsers trust (tls: auto or files), promise TLS for a year (Strict-Transport-Security)."),
		special("set", "a block of header names with their values", linesJSON(), func(d *decoder, h *Headers, n *node) {
			h.Set = d.headerLines(n, refuseAnswerHeader)
		}).eg("{ X-Served-By: roundtrip }").
			says("Headers that every answer gets, errors included, in place of what it had."),
		special("remove", "a list of header names, such as [Server]", textsJSON(), func(d *decoder, h *Headers, n *node) {
			h.Remove = d.headerNames(n, refuseAnswerHeader)
		}).eg("[Server, X-Powered-By]").
			says("Headers that are taken off every answer.")).
		after(func(d *decoder, target any, n *node) {
			h := target.(*Site).Headers
			for _, line := range h.Set {
				if slices.Contains(h.Remove, line.Name) {
					d.problems.Add(line.Pos, "%s is set and removed", line.Name).Expect("one of the two")
				}
			}
		}).
		says("What the site's answers say to browsers besides their content.")
}

func linesJSON() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
}

// headerName is a field name (RFC 9110 section 5.1). Names with "_" or "." are left out: other servers read them as if
// they had dashes.
var headerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

// headerLines reads a block of header names with their values. refuse says which names are not the user's to say.
func (d *decoder) headerLines(n *node, refuse func(name string) error) []HeaderLine {
	if n.kind != mapNode {
		d.wrong(n, "a block of header names with their values, such as { X-Team: web }")
		return nil
	}
	var out []HeaderLine
	for _, p := range d.once(n) {
		name, ok := d.headerName(p.pos, p.key, p.value.path, refuse)
		value, isText := d.text(p.value)
		if !ok || !isText {
			continue
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) || strings.TrimSpace(value) != value {
			d.add(p.value, "%q can't be the value of a header", shorten(value)).Expect("letters, digits and signs of ASCII on one line, without spaces around them")
			continue
		}
		if i := slices.IndexFunc(out, func(l HeaderLine) bool { return l.Name == name }); i >= 0 {
			d.problems.Add(p.pos, "%s stands here a second time", name).Expect("it once; capitals don't matter in header names")
			continue
		}
		out = append(out, HeaderLine{Pos: p.pos, Name: name, Value: value})
	}
	return out
}

// headerNames reads a list of header names; they become canonical.
func (d *decoder) headerNames(n *node, refuse func(name string) error) []string {
	var out []string
	for _, name := range d.names(n) {
		if canonical, ok := d.headerName(name.Pos, name.Text, n.path, refuse); ok {
			out = append(out, canonical)
		}
	}
	return out
}

func (d *decoder) headerName(pos roundtrip.Pos, name, path string, refuse func(string) error) (string, bool) {
	canonical := http.CanonicalHeaderKey(name)
	err := error(nil)
	if !headerName.MatchString(name) {
		err = mistake("is no header name; expected letters, digits and dashes, such as X-Team")
	} else if refuse != nil {
		err = refuse(canonical)
	}
	if err != nil {
		d.textProblem(pos, name, err).Path = path
		return "", false
	}
	return canonical, true
}

// refuseFraming says no to headers that belong to one connection (RFC 9110 section 7.6.1) or say where a message ends.
func refuseFraming(name string) error {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length":
		return mistake("says how a message is sent, and the gate writes it; expected another header")
	}
	return nil
}

func refuseAnswerHeader(name string) error {
	switch {
	case strings.HasPrefix(name, "Access-Control-"):
		return mistake("is one of CORS, whose headers depend on the request; expected the cors block of the site")
	case name == "Strict-Transport-Security":
		return mistake("has a key of its own; expected hsts: true or hsts: false")
	case name == "X-Journey":
		return mistake("is how an answer is found in the journeys; expected another header")
	case name == "Content-Type", name == "Content-Encoding", name == "Content-Range", name == "Location", name == "Set-Cookie":
		return mistake("says what one answer is; expected a header that can be the same on all")
	}
	return refuseFraming(name)
}

func refuseUpstreamHeader(name string) error {
	switch {
	case name == "Host":
		return mistake("has a key of its own; expected host: client, host: upstream or host: name")
	case strings.HasPrefix(name, "X-Forwarded-"), name == "Forwarded", name == "X-Real-Ip":
		return mistake("says who the client is, and the gate writes it; expected another header")
	case name == "X-Journey":
		return mistake("is how a request is found in the journeys; expected another header")
	}
	return refuseFraming(name)
}

func refuseConditionHeader(name string) error {
	if name == "Host" {
		return mistake("is what sites are chosen by; expected a site of that name")
	}
	return refuseFraming(name)
}
