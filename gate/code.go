package gate

import (
	"net/http"
	"strconv"

	"github.com/roundtrip-dev/roundtrip/gate/refusal"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// noteCode notes how a call ended, where the answer says so in a trailer or, if it has no body, in a header. The other
// protocols say it in the body, which is read by nobody here: of those, the door or the gate itself has noted it.
func (x *exchange) noteCode() {
	if !x.call {
		return
	}
	h := x.w.Header()
	lines := h[http.TrailerPrefix+"Grpc-Status"]
	if lines == nil {
		lines = h["Grpc-Status"]
	}
	if len(lines) != 1 {
		return
	}
	n, err := strconv.Atoi(lines[0])
	if err != nil {
		n = -1
	}
	x.journey.SetCode(trace.CodeOf(n))
	if x.journey.RPC == "" { // a proxied one
		x.journey.SetRPC(refusal.Of(x.req).String())
	}
}
