package gate

import (
	"bufio"
	"net"
	"net/http"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

// Hijack hands the connection over to whoever made a WebSocket of it; the journey ends with status 101. What the gate
// wrapped around the connection stays behind, so that nothing of the request is kept for it. The headers that every answer
// has are in Header by then.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	x.taken, x.status = true, http.StatusSwitchingProtocols
	x.putHeaders()
	return wire.Bare(c), buffered, nil
}
