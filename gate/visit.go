package gate

import (
	"net/http"
	"slices"
	"strings"
)

// OperatorCookie is the name of the cookie by which a site knows its operators ([Options.Timing] judges it).
const OperatorCookie = "__Host-rt-operator"

// takeVisit finds out whether an operator asks, and takes the cookie that says so off: what is behind the gate could use it.
func (x *exchange) takeVisit(r *http.Request) {
	lines := r.Header["Cookie"]
	if x.gate.timing == nil || !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, OperatorCookie) }) {
		return
	}
	x.visited = x.gate.timing(r)
	var kept []string
	for _, line := range lines {
		pairs := slices.DeleteFunc(strings.Split(line, ";"), func(pair string) bool {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			return name == OperatorCookie
		})
		if line = strings.TrimSpace(strings.Join(pairs, ";")); line != "" {
			kept = append(kept, line)
		}
	}
	delete(r.Header, "Cookie")
	if kept != nil {
		r.Header["Cookie"] = kept
	}
}

// knows reports whether an operator asks.
func (x *exchange) knows(r *http.Request) bool {
	return x.visited || x.gate.timing != nil && x.gate.timing(r)
}
