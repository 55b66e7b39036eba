package socket

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/roundtrip-dev/roundtrip/handler/orders"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

const (
	writeTime = 30 * time.Second // without progress the client is cut off
	closeWait = 2 * time.Second  // for the client's half of a close
)

// socket is one WebSocket. One goroutine reads; another one writes, and is there only while there is something to write.
type socket struct {
	door  *Door
	live  *live.Conn
	conn  net.Conn
	early []byte // what came behind the handshake

	until time.Time // the write deadline; of the writer

	// of the reader
	message []byte // the parts of a fragmented message so far
	partial bool
	meter   orders.Meter

	heard, said atomic.Bool // the client's half of the close, and ours
}

// Wake starts the writer.
func (s *socket) Wake() { s.door.hub.Go(s.write) }

// Ping asks for a pong.
func (s *socket) Ping() { s.live.SendRaw([]byte{0x89, 0}) }

// Cut ends the connection at once.
func (s *socket) Cut() { _ = s.conn.Close() }

// expect gives a write its time. The deadline is moved only when little of it is left: that costs nearly as much as a write.
func (s *socket) expect() {
	if now := s.door.now(); s.until.Sub(now) < writeTime/2 {
		s.until = now.Add(writeTime)
		_ = s.conn.SetWriteDeadline(s.until)
	}
}

// write sends what waits, then ends.
func (s *socket) write() {
	for {
		items, closing := s.live.Take()
		if len(items) == 0 && closing.Code == 0 {
			return
		}
		s.expect()
		if err := s.send(items, closing); err != nil {
			_ = s.conn.Close() // the reader notices, and leaves
			return
		}
		if closing.Code != 0 {
			s.closed(&s.said, &s.heard)
			return
		}
	}
}

// send writes all that there is in one go.
func (s *socket) send(items []live.Item, closing live.Closing) error {
	if len(items) == 1 && closing.Code == 0 {
		_, err := s.conn.Write(bytesOf(&items[0]))
		return err
	}
	pieces := make(net.Buffers, 0, len(items)+1)
	for i := range items {
		pieces = append(pieces, bytesOf(&items[i]))
	}
	if closing.Code != 0 {
		pieces = append(pieces, closeFrame(closing.Code, closing.Text()))
	}
	_, err := pieces.WriteTo(s.conn)
	return err
}

func bytesOf(i *live.Item) []byte {
	if i.Frame != nil {
		return i.WebSocket()
	}
	return i.Raw
}

// closed notes one half of a close. With both the connection ends; the other half has a moment to come.
func (s *socket) closed(mine, other *atomic.Bool) {
	mine.Store(true)
	if other.Load() {
		_ = s.conn.Close()
		return
	}
	_ = s.conn.SetReadDeadline(s.door.now().Add(closeWait))
}

// closeFrame makes a close frame; the reason is cut to what a control frame holds.
func closeFrame(code int, reason string) []byte {
	for len(reason) > 123 {
		reason = reason[:len(reason)-1]
		for !utf8.ValidString(reason) {
			reason = reason[:len(reason)-1]
		}
	}
	b := make([]byte, 0, 4+len(reason))
	b = append(b, 0x88, byte(2+len(reason)))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, reason...)
}

// Read reads what came with the handshake, then from the connection.
func (s *socket) Read(p []byte) (int, error) {
	if len(s.early) > 0 {
		n := copy(p, s.early)
		if s.early = s.early[n:]; len(s.early) == 0 {
			s.early = nil
		}
		return n, nil
	}
	return s.conn.Read(p)
}

// read takes the client's messages until it goes.
func (s *socket) read() {
	defer s.live.Leave()
	defer func() { _ = s.conn.Close() }()
	for {
		header, err := s.header()
		if err != nil {
			return
		}
		if why, code := s.check(&header); code != 0 {
			s.live.Close(live.Closing{Code: code, Reason: "stream.protocol", Why: why})
			s.drain(header.Length)
			return
		}
		payload := make([]byte, header.Length)
		if _, err := io.ReadFull(s, payload); err != nil {
			return
		}
		s.live.Heard.Store(s.door.now().Unix())
		ws.Cipher(payload, header.Mask, 0)
		if !s.take(&header, payload) {
			s.drain(0)
			return
		}
	}
}

// drain lets a close that was begun come to its end: the client's half, or the end of its time. skip is how much of the
// last frame was not read.
func (s *socket) drain(skip int64) {
	if !s.heard.Load() {
		if skip < 0 || awaitClose(s, skip) != nil {
			return
		}
		s.closed(&s.heard, &s.said)
	}
	_, _ = io.Copy(io.Discard, s) // until the writer has sent our half, and with it ends the connection
}

// awaitClose reads frames, and the rest of one before them, up to the end of a close frame.
func awaitClose(r io.Reader, rest int64) error {
	for {
		if _, err := io.CopyN(io.Discard, r, rest); err != nil {
			return err
		}
		h, err := ws.ReadHeader(r)
		if err != nil {
			return err
		}
		rest = max(h.Length, 0)
		if h.OpCode == ws.OpClose {
			_, err = io.CopyN(io.Discard, r, rest)
			return err
		}
	}
}

// header reads the header of a frame. The room for it is on the stack of an idle connection, so it is small.
func (s *socket) header() (h ws.Header, err error) { return ws.ReadHeader(s) }

// check refuses what a frame of a client may not be (RFC 6455 section 5). It returns the code to close with, or 0.
func (s *socket) check(h *ws.Header) (why string, code int) {
	switch {
	case !h.Masked:
		return "a client's frames are masked", int(ws.StatusProtocolError)
	case h.Rsv != 0:
		return "no extension was agreed on", int(ws.StatusProtocolError)
	case h.OpCode.IsReserved():
		return "there is no such opcode", int(ws.StatusProtocolError)
	case h.OpCode.IsControl() && (!h.Fin || h.Length > ws.MaxControlFramePayloadSize):
		return "a control frame is whole and short", int(ws.StatusProtocolError)
	case h.OpCode == ws.OpContinuation && !s.partial, h.OpCode.IsData() && h.OpCode != ws.OpContinuation && s.partial:
		return "the parts of a message are out of order", int(ws.StatusProtocolError)
	case h.OpCode == ws.OpBinary:
		return "messages are text", int(ws.StatusUnsupportedData)
	case h.Length < 0 || h.Length+int64(len(s.message)) > orders.MessageMax:
		return "a message may have 64 KB", live.CloseTooBig
	}
	return "", 0
}

// take handles one frame. It reports false when nothing more is read.
func (s *socket) take(h *ws.Header, payload []byte) bool {
	if h.OpCode != ws.OpPong && !s.meter.Allow(s.door.now()) {
		s.live.Close(orders.TooMany())
		return false
	}
	switch h.OpCode {
	case ws.OpPing:
		s.live.SendRaw(append([]byte{0x8a, byte(len(payload))}, payload...))
		return true
	case ws.OpPong:
		return true
	case ws.OpClose:
		s.closedBy(payload)
		return false
	default:
	}
	if !h.Fin || s.partial {
		s.message = append(s.message, payload...)
		if s.partial = !h.Fin; s.partial {
			return true
		}
		payload, s.message = s.message, nil
	}
	if !utf8.Valid(payload) {
		s.live.Close(live.Closing{Code: int(ws.StatusInvalidFramePayloadData), Reason: "stream.protocol", Why: "a message is UTF-8"})
		return false
	}
	return s.obey(payload)
}

// closedBy answers the client's close with the same code.
func (s *socket) closedBy(payload []byte) {
	code := 1000
	switch {
	case len(payload) == 1, len(payload) > 2 && !utf8.Valid(payload[2:]):
		code = int(ws.StatusProtocolError)
	case len(payload) >= 2:
		if code = int(binary.BigEndian.Uint16(payload)); !validCode(code) {
			code = int(ws.StatusProtocolError)
		}
	}
	s.live.Close(live.Closing{Code: code})
	s.closed(&s.heard, &s.said)
}

// validCode reports whether a client may close with a code (RFC 6455 section 7.4).
func validCode(code int) bool {
	return code >= 3000 && code < 5000 || code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006
}
