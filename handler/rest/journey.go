package rest

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// note writes into the journey why a request was refused. What a station behind the door refused, it has noted itself;
// what the door refuses is the door's own step.
func (x *exchange) note(e *roundtrip.Error) {
	if x.inside {
		return
	}
	step := x.journey.Begin(trace.App, "rest")
	if e.Kind == roundtrip.Internal {
		step.End(trace.Fail, trace.ReasonOf(e.Reason))
		return
	}
	step.Deny(trace.ReasonOf(e.Reason))
}

// aborted notes that the client left while the answer was written. The status line is out: nothing more can be said.
func (x *exchange) aborted(err error) error {
	if err != nil {
		x.journey.Begin(trace.App, "rest").End(trace.Fail, trace.ReasonOf("client.aborted"))
	}
	return nil
}
