package gate

import (
	"bufio"
	"encoding/base64"
	"io"
	"maps"
	"net"
	"net/http"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// protocolField is where HTTP/2 leaves the protocol of an extended CONNECT (RFC 8441 section 4).
const protocolField = ":protocol"

// asUpgrade makes the request that opens a WebSocket over a stream of HTTP/2 or 3 (RFC 8441, RFC 9220) look like the one of
// HTTP/1, which all targets know. body is what the client sends on the stream, nil where r is another request. Other
// protocols stay CONNECT, and are refused as that.
func asUpgrade(r *http.Request, j *trace.Journey) (same *http.Request, body io.ReadCloser) {
	protocol := ""
	switch {
	case r.ProtoMajor == 2 && r.Header[protocolField] != nil:
		protocol = r.Header.Get(protocolField)
		delete(r.Header, protocolField)
	case r.ProtoMajor == 3 && r.Proto != "HTTP/3.0":
		protocol = r.Proto
	}
	if r.Method != http.MethodConnect || protocol != "websocket" || r.Body == nil {
		return r, nil
	}
	c := *r
	c.Method, c.Body, c.ContentLength = http.MethodGet, http.NoBody, 0
	if c.ProtoMajor == 3 {
		c.Proto = "HTTP/3.0"
	}
	c.Header = maps.Clone(r.Header)
	c.Header["Connection"] = []string{"Upgrade"}
	c.Header["Upgrade"] = []string{"websocket"}
	var key [16]byte // an upstream that speaks HTTP/1 wants one; here it protects nothing
	if j != nil {
		copy(key[:], j.ID.String())
	}
	c.Header["Sec-Websocket-Key"] = []string{base64.StdEncoding.EncodeToString(key[:])}
	return &c, r.Body
}

// Hijack hands the connection over to whoever made a WebSocket of it; the journey ends with status 101, or with 200 on a
// stream of HTTP/2 or 3. What the gate wrapped around the connection stays behind, so that nothing of the request is kept
// for it. The headers that every answer has are in Header by then.
//
// Over HTTP/1 the new owner sends the answer, with what is in Header. On a stream of HTTP/2 or 3 Hijack has sent it.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if x.req.ProtoMajor > 1 {
		return x.hijackStream()
	}
	c, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	x.taken, x.status = true, http.StatusSwitchingProtocols
	x.putHeaders()
	return wire.Bare(c), buffered, nil
}

func (x *exchange) hijackStream() (net.Conn, *bufio.ReadWriter, error) {
	if x.tunnel == nil || x.status != 0 {
		return nil, nil, http.ErrNotSupported
	}
	h := x.Header()
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Accept", "Content-Type", "Content-Length"} {
		delete(h, name)
	}
	x.taken = true
	x.WriteHeader(http.StatusOK)
	if err := x.FlushError(); err != nil {
		return nil, nil, err
	}
	c, err := x.gate.front.Tunnel(x.w, x.req, x.tunnel)
	if err != nil {
		return nil, nil, err
	}
	x.owned = c
	return c, bufio.NewReadWriter(bufio.NewReaderSize(c, 16), bufio.NewWriterSize(c, 16)), nil
}
