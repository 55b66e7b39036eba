package orders

import (
	"time"

	"github.com/roundtrip-dev/roundtrip/stream/live"
)

const (
	burst     = 100 // messages at once
	perSecond = 20  // and in the long run
)

// Meter counts the messages of one client. The zero value is ready; one goroutine has it.
type Meter struct {
	tokens  float64
	counted int64 // Unix milliseconds
}

// Allow counts a message that came now, and reports false where there are too many.
func (m *Meter) Allow(at time.Time) bool {
	now := at.UnixMilli()
	if m.counted == 0 {
		m.tokens = burst
	} else {
		m.tokens = min(burst, m.tokens+float64(now-m.counted)*perSecond/1000)
	}
	m.counted = now
	if m.tokens < 1 {
		return false
	}
	m.tokens--
	return true
}

// TooMany is how a connection ends that the meter stopped.
func TooMany() live.Closing {
	return live.Closing{Code: live.CloseTooMany, Reason: "stream.messages", Why: "too many messages; wait 30 seconds"}
}
