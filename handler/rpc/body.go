package rpc

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/roundtrip-dev/roundtrip"
)

// body is the body of a request as connect reads it. It refuses a message as soon as it is known to be too large: by the
// length that stands before it, or by its bytes where it is the whole body; and it counts messages and looks at their flags,
// so that connect meets none that it would refuse. What goes wrong becomes the call's early error.
type body struct {
	call      *call
	from      io.ReadCloser
	enveloped bool  // messages with five bytes before each: flags and length
	packed    bool  // they may be packed
	many      bool  // there may be none, or several
	messages  int   // that have begun
	limit     int64 // of a message
	seen      int64 // bytes of the message, or of what stands before it
	length    int64 // of the message
	head      [5]byte
	within    bool // a message, not what stands before it
	err       error
}

// Close closes the body.
func (b *body) Close() error { return b.from.Close() }

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	if failed := b.follow(p[:n]); failed != nil {
		b.err = b.failed(failed)
		return 0, b.err
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && b.enveloped && !b.many && b.messages == 0 && b.seen == 0:
		b.err = b.failed(roundtrip.E(roundtrip.Unsupported, "request.malformed", "the call has no message; send one, and be it an empty one"))
		return 0, b.err
	case errors.Is(err, io.EOF) && !b.torn():
		return n, err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	b.err = b.failed(bodyFailed(err))
	return n, b.err
}

// failed notes what goes wrong before the method has its message. Where the client's messages are a stream, another goroutine
// than the call's reads them, and the call says itself what becomes of it.
func (b *body) failed(err error) error {
	if !b.many {
		b.call.early = err
	}
	return err
}

// torn reports whether a message has begun and is not complete.
func (b *body) torn() bool { return b.enveloped && (b.within || b.seen > 0) }

// follow counts what has come in.
func (b *body) follow(p []byte) error {
	if !b.enveloped {
		b.seen += int64(len(p))
		return b.check(b.seen)
	}
	for len(p) > 0 {
		if b.within {
			n := min(int64(len(p)), b.length-b.seen)
			p, b.seen = p[n:], b.seen+n
			if b.seen == b.length {
				b.within, b.seen = false, 0
			}
			continue
		}
		n := copy(b.head[b.seen:], p)
		p, b.seen = p[n:], b.seen+int64(n)
		if b.seen < int64(len(b.head)) {
			return nil
		}
		b.length, b.seen = int64(binary.BigEndian.Uint32(b.head[1:])), 0
		b.within = b.length > 0
		b.messages++
		if err := b.checkHead(); err != nil {
			return err
		}
	}
	return nil
}

// checkHead refuses a message by what stands before it. How many there may be is the protocols' word: more, or none, is
// UNIMPLEMENTED (https://grpc.io/docs/guides/status-codes/).
func (b *body) checkHead() error {
	switch flags := b.head[0]; {
	case flags > 1:
		return roundtrip.E(roundtrip.Invalid, "request.malformed", "the flags 0x%02x before a message mean nothing; 0, or 1 for one that is packed, is expected", flags)
	case flags == 1 && !b.packed:
		return roundtrip.E(roundtrip.Invalid, "request.malformed", "a message says that it is packed, and the head of the call does not say by what; send grpc-encoding: gzip, or connect-content-encoding: gzip")
	case b.messages > 1 && !b.many:
		return roundtrip.E(roundtrip.Unsupported, "request.malformed", "the call has more than one message; this method takes one")
	}
	return b.check(b.length)
}

// check refuses a message of n bytes or more. Whoever wants to send a large one is asked for first.
func (b *body) check(n int64) error {
	m := b.call.method
	if n <= b.limit {
		return nil
	}
	if most := messageMaxBytes + m.large; n > most || m.admit == nil {
		return tooLarge(most)
	}
	b.limit = messageMaxBytes + m.large
	if err := m.admit(b.call.request.Context(), b.call); err != nil {
		b.call.inside = true
		return err
	}
	return nil
}

func tooLarge(most int64) error {
	return roundtrip.E(roundtrip.TooLarge, "request.body_too_large", "the message is over the limit of %d bytes", most)
}

// bodyFailed names what went wrong while the body came in.
func bodyFailed(err error) error {
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(over.Limit)
	}
	var e *roundtrip.Error
	if errors.Is(err, os.ErrDeadlineExceeded) {
		e = roundtrip.E(roundtrip.Deadline, "request.timeout", "the message did not arrive in time")
	} else {
		e = roundtrip.E(roundtrip.Invalid, "request.malformed", "the message ended too early")
	}
	e.Op, e.Err = "rpc.body", err
	return e
}
