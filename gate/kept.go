package gate

import (
	"net/http"
	"strings"
)

const (
	headerMax = 200 // bytes of what journeys keep of one header
	pathMax   = 512 // and of a path or host
	lineSpare = 256 // how much of a request's line may stay in memory besides what its journey keeps of it
)

// The texts of a request are parts of the line that it came in: who keeps one of them keeps its query, too. So a journey has
// its own where that is more than a little.

func detached(s string) string { return strings.Clone(s[:min(len(s), pathMax)]) }

func methodOf(r *http.Request) string {
	for _, m := range [...]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		if r.Method == m {
			return m
		}
	}
	return detached(r.Method)
}

func protoOf(r *http.Request) string {
	for _, p := range [...]string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0", "HTTP/1.0"} {
		if r.Proto == p {
			return p
		}
	}
	return detached(r.Proto)
}

// SwapHeaders says of which request headers journeys keep the values, in canonical form. Those that begin from now on do.
func (g *Gate) SwapHeaders(names []string) { g.keeps.Store(&names) }

// keptHeaders are the lines that a journey keeps of a request. Line ends can't be in them: net/http refuses those.
func (g *Gate) keptHeaders(h http.Header) string {
	names := g.keeps.Load()
	if names == nil || len(*names) == 0 {
		return ""
	}
	var lines []string
	for _, name := range *names {
		for _, value := range h[name] {
			lines = append(lines, name+": "+value[:min(len(value), headerMax)])
			break // a second line of it would be an attempt to fill the journey
		}
	}
	return strings.Join(lines, "\n")
}
