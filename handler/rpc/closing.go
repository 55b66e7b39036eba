package rpc

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// closed is the status with which a stream ends that the hub closes; docs/grpc.md has the same table. What is only over for
// now says when to come back (google.rpc.RetryInfo).
func closed(c live.Closing) error {
	kind, retry := roundtrip.Internal, time.Duration(0)
	switch c.Code {
	case live.CloseRestart, live.CloseNoAnswer, live.CloseChanged:
		kind, retry = roundtrip.Unavailable, time.Second
	case live.CloseSlow: // come back at once, and read
		kind = roundtrip.Limited
	case live.CloseTooMany:
		kind, retry = roundtrip.Limited, 30*time.Second
	case live.CloseTooBig:
		kind = roundtrip.TooLarge
	case live.CloseBad:
		kind = roundtrip.Invalid
	case live.CloseSession:
		kind = roundtrip.Unauthenticated
	case live.CloseRefused:
		kind = roundtrip.Denied
	}
	e := roundtrip.E(kind, c.Reason, "%s", c.Why)
	e.Retry = retry
	return e
}
