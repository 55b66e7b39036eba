// Package switches turns on what libraries let a program turn on by its environment alone, read before main begins.
//
// It is initialised before them: Go initialises packages in the order of their import paths as far as their imports allow
// (Go specification, Program initialization), this one imports nothing but what they import too, and "github.com" comes
// before "golang.org" and "net". A test of package gate/wire looks whether it came in time.
package switches

import (
	"os"
	"strings"
)

// extendedConnect is GODEBUG's word for it in net/http and golang.org/x/net/http2, which have no other way to it.
const extendedConnect = "http2xconnect=1"

var on = turn()

// On reports whether the switches are on: it makes the package that asks import this one.
func On() bool { return on }

// turn lets HTTP/2 carry WebSockets (RFC 8441), and keeps QUIC from printing to standard error that UDP buffers are small,
// which docs/gate.md says.
func turn() bool {
	set := os.Getenv("GODEBUG") //nolint:forbidigo // what is there must stay there
	if !strings.Contains(set, "http2xconnect=") {
		set = strings.TrimPrefix(set+","+extendedConnect, ",")
	}
	return os.Setenv("GODEBUG", set) == nil && os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") == nil &&
		strings.Contains(set, extendedConnect)
}
