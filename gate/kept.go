package gate

import (
	"net/http"
	"strings"
)

// The bounds of what journeys keep of one header.
const headerMax = 200

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
