package live

import (
	"encoding/binary"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Frame is one message of the server, made once for all who get it. It does not change.
type Frame struct {
	bytes    []byte // room, the header of a WebSocket frame, the JSON
	start    int    // where the WebSocket frame begins
	position int64  // that its cursor has; 0 where it has none
	beat     bool   // it is of no topic
	forms    Forms  // of the declaration by which its records were written; nil where it has none of them

	mu   sync.Mutex // guards made
	made []formed
}

// headRoom is the longest header of an unmasked WebSocket frame (RFC 6455 section 5.2).
const headRoom = 10

// newFrame closes a message that was begun with begin.
func newFrame(b []byte, position int64) *Frame {
	n, start := len(b)-headRoom, headRoom-2
	const finalText = 0x81
	switch {
	case n < 126:
		b[start+1] = byte(n)
	case n < 1<<16:
		start = headRoom - 4
		b[start+1] = 126
		binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	default:
		start = headRoom - 10
		b[start+1] = 127
		binary.BigEndian.PutUint64(b[start+2:], uint64(n))
	}
	b[start] = finalText
	return &Frame{bytes: b, start: start, position: position}
}

// begin makes room for a message of about n bytes.
func begin(n int) []byte { return make([]byte, headRoom, headRoom+n) }

// JSON returns the message.
func (f *Frame) JSON() []byte { return f.bytes[headRoom:] }

// WebSocket returns the message as an unmasked text frame of RFC 6455.
func (f *Frame) WebSocket() []byte { return f.bytes[f.start:] }

// message begins a message of a topic, with the number of the client's message that it answers.
func message(id, topic string, room int) []byte {
	b := append(begin(room+len(topic)+96), '{')
	if id != "" {
		b = append(append(append(b, `"id":`...), id...), ',')
	}
	b = append(b, `"topic":`...)
	return appendText(b, topic)
}

func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // its only error is about bad UTF-8, which it has replaced by then
	return b
}

// end closes a message with its cursor.
func (h *Hub) end(b []byte, position int64) *Frame {
	b = append(append(b, `,"cursor":"`...), h.epoch...)
	b = strconv.AppendInt(append(b, '-'), position, 10)
	return newFrame(append(b, `"}`...), position)
}

// OK is the answer to a client's message that went well.
func OK(id string) *Frame {
	b := append(begin(32), '{')
	if id != "" {
		b = append(append(append(b, `"id":`...), id...), ',')
	}
	return newFrame(append(b, `"ok":true}`...), 0)
}

// Refuse says why a client's message, or a topic, was refused.
func (c *Conn) Refuse(id, topic string, err error) {
	journey := ""
	if c.Journey != (trace.ID{}) {
		journey = c.Journey.String()
	}
	c.Send(refusal(id, topic, journey, err))
}

func refusal(id, topic, journey string, err error) *Frame {
	b := append(begin(512), '{')
	if id != "" {
		b = append(append(append(b, `"id":`...), id...), ',')
	}
	if topic != "" {
		b = append(appendText(append(b, `"topic":`...), topic), ',')
	}
	b = append(b, `"error":`...)
	b = roundtrip.AsError(err).AppendProblem(b, "", journey)
	return newFrame(append(b, '}'), 0)
}

// head is the heartbeat.
func (h *Hub) heartbeat(position int64) *Frame {
	b := append(append(begin(64), `{"head":"`...), h.epoch...)
	b = strconv.AppendInt(append(b, '-'), position, 10)
	f := newFrame(append(b, `"}`...), position)
	f.beat = true
	return f
}

// appendSnapshot appends records as the snapshot of a topic; reset says why it comes in place of changes, or is "".
func appendSnapshot(b []byte, pieces []Piece, reset string) []byte {
	b = append(b, `,"snapshot":[`...)
	for i, p := range pieces {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.JSON...)
	}
	b = append(b, ']')
	if reset != "" {
		b = append(append(append(b, `,"reset":"`...), reset...), '"')
	}
	return b
}

// changeList builds the changes of a message.
type changeList struct {
	b []byte
	n int
}

func (l *changeList) put(json []byte) {
	l.next(`{"put":`)
	l.b = append(append(l.b, json...), '}')
}

func (l *changeList) removed(id roundtrip.ID) {
	l.next(`{"removed":"`)
	l.b = append(id.AppendTo(l.b), `"}`...)
}

func (l *changeList) next(opening string) {
	if l.n > 0 {
		l.b = append(l.b, ',')
	} else {
		l.b = append(l.b, `,"changes":[`...)
	}
	l.n++
	l.b = append(l.b, opening...)
}

// close ends the list, an empty one too.
func (l *changeList) close() []byte {
	if l.n == 0 {
		l.b = append(l.b, `,"changes":[`...)
	}
	return append(l.b, ']')
}
