package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"github.com/roundtrip-dev/roundtrip"
)

// mute is the writer of a call's answer as connect sees it. Until the method has its message, connect could only refuse the
// call: in its own words, without a reason and without the journey. Nothing of that leaves; the door says it itself then, in
// one form for all protocols.
type mute struct {
	http.ResponseWriter

	call   *call
	status int    // that connect would have answered with, 0: none
	said   []byte // the beginning of what it would have said
}

// saidMax is how much is kept of what connect would have said. Its sentences are short.
const saidMax = 4 << 10

func (m *mute) WriteHeader(status int) {
	if m.call.reached {
		m.ResponseWriter.WriteHeader(status)
	} else if m.status == 0 {
		m.status = status
	}
}

func (m *mute) Write(b []byte) (int, error) {
	if m.call.reached {
		return m.ResponseWriter.Write(b)
	}
	m.said = append(m.said, b[:min(len(b), saidMax-len(m.said))]...)
	return len(b), nil
}

// Flush is asked for by connect without a controller.
func (m *mute) Flush() {
	if f, ok := m.ResponseWriter.(http.Flusher); ok && m.call.reached {
		f.Flush()
	}
}

// Unwrap lets a controller find the real writer.
func (m *mute) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// unsaid is the error that connect wanted to answer with, in our words, for a call that came to no method. It leaves the
// header as if connect had said nothing.
func (m *mute) unsaid() error {
	c := m.call
	code, text := m.verdict()
	h := m.Header()
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) || strings.HasPrefix(name, "Grpc-Status") || name == "Grpc-Message" {
			delete(h, name)
		}
	}
	switch {
	case c.early != nil:
		return c.early
	case m.status == http.StatusHTTPVersionNotSupported:
		return oneWay()
	case m.status == http.StatusUnsupportedMediaType:
		c.plain()
		return mediaType("this is a method of gRPC and Connect, and the request is not in a form that is read here; " + c.howTo())
	case code == connect.CodeResourceExhausted:
		return tooLarge(messageMaxBytes + c.method.large)
	case code == connect.CodeDeadlineExceeded:
		return c.ended(context.DeadlineExceeded, &roundtrip.Error{})
	case code == connect.CodeCanceled:
		return c.ended(context.Canceled, &roundtrip.Error{})
	}
	e := roundtrip.E(roundtrip.Invalid, "request.malformed", "the message can't be read: %s", text)
	if code == connect.CodeUnimplemented {
		e.Kind = roundtrip.Unsupported
	}
	return e
}

// plain makes a call whose content type connect does not know fit for being refused: one of Connect with one message is a
// request like others, and has a status of HTTP; the others lose what stands behind their type.
func (c *call) plain() {
	if c.protocol == connectUnary {
		c.protocol = noProtocol
		return
	}
	kind, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";")
	c.request.Header.Set("Content-Type", strings.ToLower(strings.TrimSpace(kind)))
}

// verdict reads code and sentence of what connect would have said.
func (m *mute) verdict() (connect.Code, string) {
	h := m.Header()
	status, text := http.TrailerPrefix+"Grpc-Status", http.TrailerPrefix+"Grpc-Message"
	if h[status] == nil { // gRPC-Web
		status, text = "Grpc-Status", "Grpc-Message"
	}
	if n, err := strconv.Atoi(first(h[status])); err == nil && n >= 0 && n <= 16 {
		return connect.Code(n), first(h[text])
	}
	b := m.said
	if m.call.protocol == connectStream && len(b) > 5 {
		b = b[5:] // an envelope
	}
	type wrong struct {
		Code    connect.Code
		Message string
	}
	var form struct {
		wrong

		Error *wrong
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return connect.CodeUnknown, "it is no message of " + m.call.protocol.String()
	}
	if form.Error != nil {
		form.wrong = *form.Error
	}
	return form.Code, form.Message
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

func mediaType(text string) *roundtrip.Error {
	e := roundtrip.E(roundtrip.Unsupported, "request.media_type", "%s", text)
	e.Status = http.StatusUnsupportedMediaType
	return e
}

// ofConnect makes an error of ours of one that connect found in a stream that was open already.
func ofConnect(err error, most int64) error {
	if e, ok := errors.AsType[*roundtrip.Error](err); ok {
		return e // connect has put it into one of its own
	}
	c, ok := errors.AsType[*connect.Error](err)
	switch {
	case !ok:
		return err
	case c.Code() == connect.CodeResourceExhausted:
		return tooLarge(most)
	}
	return roundtrip.E(roundtrip.Invalid, "request.malformed", "a message can't be read: %s", c.Message())
}
