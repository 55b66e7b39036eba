package refusal

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// The flags before a message that end a stream.
const (
	flagTrailers = 0x80 // gRPC-Web: what follows are trailers
	flagEnd      = 0x02 // Connect: what follows says how it ended
)

// Answer is an error in the form of a protocol.
type Answer struct {
	Status int
	Body   []byte
}

// Make makes the answer to a call and puts its headers into h. journey is the id of the request's record, "" for none. The
// protocol is not None.
func Make(p Protocol, r *http.Request, h http.Header, e *roundtrip.Error, journey string) Answer {
	switch p {
	case GRPC:
		h["Content-Type"] = []string{echo(r, "application/grpc")}
		for _, line := range trailers(e, journey) {
			h[http.CanonicalHeaderKey(line.name)] = []string{line.value}
		}
		return Answer{Status: http.StatusOK} // of trailers alone
	case Web:
		h["Content-Type"] = []string{echo(r, "application/grpc-web")}
		return Answer{http.StatusOK, webFrame(e, journey)}
	case WebText:
		h["Content-Type"] = []string{echo(r, "application/grpc-web-text")}
		return Answer{http.StatusOK, base64.StdEncoding.AppendEncode(nil, webFrame(e, journey))}
	case ConnectStream:
		h["Content-Type"] = []string{echo(r, "application/connect+json")}
		return Answer{http.StatusOK, envelope(flagEnd, []byte(`{"error":`+string(connectError(e, journey))+`}`))}
	case None, Connect:
	}
	h["Content-Type"] = []string{"application/json"}
	return Answer{connectStatus(e.Kind), connectError(e, journey)}
}

// echo is the content type of the request, which its client wants to see again; other where it has characters that we don't
// repeat.
func echo(r *http.Request, other string) string {
	kind := contentType(r)
	if strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789/+-._") != "" || len(kind) > 64 {
		return other
	}
	return kind
}

type line struct{ name, value string }

// trailers are the lines that say how a call of gRPC ended.
func trailers(e *roundtrip.Error, journey string) []line {
	return []line{
		{"grpc-status", strconv.Itoa(e.Kind.GRPC())},
		{"grpc-message", percent(e.Message())},
		{"grpc-status-details-bin", base64.RawStdEncoding.EncodeToString(e.AppendStatus(nil, journey))},
	}
}

func webFrame(e *roundtrip.Error, journey string) []byte {
	var b strings.Builder
	for _, l := range trailers(e, journey) {
		b.WriteString(l.name + ": " + l.value + "\r\n")
	}
	return envelope(flagTrailers, []byte(b.String()))
}

// envelope puts flags and length before a message.
func envelope(flags byte, message []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message)))
	return append(b, message...)
}

// connectError is the JSON form of an error (https://connectrpc.com/docs/protocol#error-end-stream).
func connectError(e *roundtrip.Error, journey string) []byte {
	type detail struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	form := struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Details []detail `json:"details"`
	}{Code: e.Kind.Code(), Message: e.Message()}
	for _, d := range e.StatusDetails(journey) {
		form.Details = append(form.Details, detail{d.Type, base64.RawStdEncoding.EncodeToString(d.Value)})
	}
	b, err := json.Marshal(form)
	if err != nil { // strings alone can't fail
		return []byte(`{"code":"internal"}`)
	}
	return b
}

// connectStatus is the HTTP status that Connect has for the code of a kind, which is not always ours
// (https://connectrpc.com/docs/protocol#error-codes).
func connectStatus(k roundtrip.Kind) int {
	switch k {
	case roundtrip.Stale: // aborted
		return http.StatusConflict
	case roundtrip.Unprocessable: // failed_precondition
		return http.StatusBadRequest
	case roundtrip.TooLarge: // resource_exhausted
		return http.StatusTooManyRequests
	case roundtrip.Unsupported: // unimplemented
		return http.StatusNotImplemented
	case roundtrip.Internal, roundtrip.Invalid, roundtrip.Unauthenticated, roundtrip.Denied, roundtrip.Missing, roundtrip.Conflict,
		roundtrip.Limited, roundtrip.Unavailable, roundtrip.Deadline:
	}
	return k.Status()
}

// percent encodes a message of gRPC: all but printable ASCII, and the sign itself.
func percent(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
