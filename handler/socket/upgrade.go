package socket

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 names it; nothing secret hangs on it
	"encoding/base64"
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// magic is appended to the client's key (RFC 6455 section 1.3).
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// upgrade turns the request's connection into a WebSocket and hands it to goroutines of its own: the handler returns, so
// that what the server keeps for a request is free again.
func (d *Door) upgrade(w http.ResponseWriter, r *http.Request, from handler.Caller) error {
	if err := checkHandshake(w, r); err != nil {
		return err
	}
	who, refused, err := d.admit(r.Context(), from)
	if err != nil && refused.Code == 0 {
		step(r.Context(), "websocket", err)
		return err
	}
	s := &socket{door: d}
	var buffered *bufio.ReadWriter
	var failed error
	if s.conn, buffered, failed = http.NewResponseController(w).Hijack(); failed != nil {
		return roundtrip.E(roundtrip.Unsupported, "stream.upgrade_refused", "this connection can't become a WebSocket; use HTTP/1.1")
	}
	s.early = leftover(buffered)
	if r.ProtoMajor == 1 && s.accept(w.Header(), r.Header.Get("Sec-WebSocket-Key")) != nil { // a stream of HTTP/2 or 3 has its answer
		_ = s.conn.Close()
		return nil //nolint:nilerr // the client is gone
	}
	if err == nil {
		if s.live, err = d.hub.Join(s, from.Addr, from.Token, who, false); err != nil {
			refused = closingOf(err)
		}
	}
	step(r.Context(), "websocket", err)
	if err != nil {
		trace.From(r.Context()).SetReason(trace.ReasonOf(roundtrip.AsError(err).Reason)) // its status, 101, tells nothing
		s.refuse(refused)
		_ = s.conn.Close()
		return nil // the close has said it
	}
	if j := trace.From(r.Context()); j != nil {
		s.live.Journey = j.ID
	}
	s.live.Start()
	d.hub.Go(s.read)
	return nil
}

// admit finds out who connects. A browser can't read the status of a refused handshake, so that what a page must know is
// said by the code of a close.
func (d *Door) admit(ctx context.Context, from handler.Caller) (*roundtrip.Principal, live.Closing, error) {
	if from.Cookie && from.Foreign {
		err := roundtrip.E(roundtrip.Denied, "auth.csrf_rejected", "a page of another site may not connect with this site's cookie")
		return nil, live.Closing{Code: live.CloseRefused, Reason: err.Reason, Why: err.Public}, err
	}
	who, err := d.hub.Who(ctx, from.Token)
	if err != nil && from.Cookie && roundtrip.AsError(err).Kind == roundtrip.Unauthenticated {
		return nil, live.Closing{Code: live.CloseSession, Reason: roundtrip.AsError(err).Reason, Why: "the session has ended; sign in again"}, err
	}
	return who, live.Closing{}, err
}

// closingOf says with which code an error closes a connection.
func closingOf(err error) live.Closing {
	e := roundtrip.AsError(err)
	switch e.Kind {
	case roundtrip.Unavailable:
		return live.Closing{Code: live.CloseRestart, Reason: e.Reason, Why: e.Public}
	case roundtrip.Internal:
		return live.Closing{Code: e.Kind.CloseCode(), Reason: e.Reason}
	default:
		return live.Closing{Code: e.Kind.CloseCode(), Reason: e.Reason, Why: e.Public}
	}
}

// checkHandshake looks at what RFC 6455 section 4.2.1 asks of a client.
func checkHandshake(w http.ResponseWriter, r *http.Request) error {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	switch {
	case !r.ProtoAtLeast(1, 1):
		return badHandshake("a WebSocket is opened over HTTP/1.1 or newer")
	case !hasToken(r.Header["Connection"], "upgrade"):
		return badHandshake("Connection: Upgrade is missing")
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		w.Header()["Sec-WebSocket-Version"] = []string{"13"}
		e := badHandshake("Sec-WebSocket-Version 13 is spoken here")
		e.Status = http.StatusUpgradeRequired
		return e
	case err != nil || len(key) != 16 || len(r.Header["Sec-Websocket-Key"]) != 1:
		return badHandshake("Sec-WebSocket-Key is 16 bytes in base64")
	}
	return nil
}

func badHandshake(why string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Invalid, "stream.upgrade_refused", "the handshake of the WebSocket is wrong: %s", why)
}

// accept answers the handshake with the headers that every answer has.
func (s *socket) accept(h http.Header, key string) error {
	sum := sha1.Sum([]byte(key + magic)) //nolint:gosec // see the import
	h.Del("Content-Type")
	h["Upgrade"] = []string{"websocket"}
	h["Connection"] = []string{"Upgrade"}
	h["Sec-WebSocket-Accept"] = []string{base64.StdEncoding.EncodeToString(sum[:])}
	s.expect()
	w := bufio.NewWriterSize(s.conn, 1<<10)
	if _, err := w.WriteString("HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return err
	}
	if err := h.Write(w); err != nil {
		return err
	}
	if _, err := w.WriteString("\r\n"); err != nil {
		return err
	}
	return w.Flush()
}

// leftover copies what the client sent right behind its handshake, so that the server's buffer is not held for it.
func leftover(b *bufio.ReadWriter) []byte {
	n := b.Reader.Buffered()
	if n == 0 {
		return nil
	}
	early, _ := b.Peek(n) // they are there
	return append([]byte(nil), early...)
}

// refuse closes a connection before anything was sent on it.
func (s *socket) refuse(c live.Closing) {
	s.expect()
	_, _ = s.conn.Write(closeFrame(c.Code, c.Text()))
	if t, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite()
	}
	_ = s.conn.SetReadDeadline(s.door.now().Add(closeWait))
	_ = awaitClose(s, 0) // whether it comes or not, the connection ends
}
