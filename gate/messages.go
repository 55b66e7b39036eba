package gate

import "encoding/binary"

// envelopeSize is what stands before each message of a call: a byte of flags, and the length in four (gRPC, gRPC-Web, and the
// streams of Connect).
const envelopeSize = 5

// messages finds the messages in the body of a call as it passes. A call may be open for hours and carry any number of them, so
// it is each message that the limit of bodies is for.
type messages struct {
	head [envelopeSize]byte
	have int
	left int64 // of the message
}

// feed looks at the next bytes, and returns how many of them come before a message that is over the limit; ok is false where
// there is one.
func (m *messages) feed(p []byte, limit int64) (good int, ok bool) {
	for at := 0; at < len(p); {
		if m.left > 0 {
			n := min(m.left, int64(len(p)-at))
			m.left -= n
			at += int(n)
			continue
		}
		n := copy(m.head[m.have:], p[at:])
		m.have += n
		at += n
		if m.have < envelopeSize {
			continue
		}
		if m.have, m.left = 0, int64(binary.BigEndian.Uint32(m.head[1:])); m.left > limit {
			return at, false
		}
	}
	return len(p), true
}
