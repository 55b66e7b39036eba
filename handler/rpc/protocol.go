package rpc

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// protocol is how a call is on the wire.
type protocol uint8

// The protocols, told apart by method and content type as connect does.
const (
	noProtocol    protocol = iota // a request, but no call
	connectUnary                  // https://connectrpc.com/docs/protocol#unary-request
	connectStream                 //
	grpc                          // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
	grpcWeb                       // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
)

// String names the protocol as journeys do.
func (p protocol) String() string {
	switch p {
	case connectUnary, connectStream:
		return "Connect"
	case grpc:
		return "gRPC"
	case grpcWeb:
		return "gRPC-Web"
	case noProtocol:
	}
	return ""
}

// protocolOf tells the protocol of a request, and the format of its messages.
func protocolOf(r *http.Request) (protocol, wire.Format) {
	switch r.Method {
	case http.MethodGet:
		return asked(r.URL.RawQuery)
	case http.MethodPost:
		return sent(r.Header.Get("Content-Type"))
	}
	return noProtocol, wire.Proto
}

// asked tells a GET of Connect from one of a browser by its parameters.
func asked(query string) (protocol, wire.Format) {
	if !strings.Contains(query, "message=") && !strings.Contains(query, "connect=") && !strings.Contains(query, "encoding=") {
		return noProtocol, wire.Proto
	}
	values, _ := url.ParseQuery(query) // what is wrong with it, connect says
	if values.Get("encoding") == "json" {
		return connectUnary, wire.JSON
	}
	return connectUnary, wire.Proto
}

// checkQuery refuses a GET whose message is no good base64, of which connect would make an error of the server's.
func checkQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return roundtrip.E(roundtrip.Invalid, "request.malformed", "the query string has an escape that is none; write %25 for a percent sign")
	}
	if form := values.Get("encoding"); form != "json" && form != "proto" { // connect would refuse it without a word
		e := roundtrip.E(roundtrip.Unsupported, "request.media_type", "the encoding %q is not read here; write encoding=json or encoding=proto", cut(form, 20))
		e.Status = http.StatusUnsupportedMediaType
		return e
	}
	if values.Get("base64") != "1" {
		return nil
	}
	text, alphabet := values.Get("message"), base64.URLEncoding
	if len(text)%4 != 0 {
		alphabet = base64.RawURLEncoding
	}
	if _, err := alphabet.DecodeString(text); err != nil {
		return roundtrip.E(roundtrip.Invalid, "request.malformed", "the message is no good base64: its alphabet for URLs is expected, with - and _").
			With(roundtrip.Detail{Parameter: "message", Code: "wrong_value", Message: "base64 for URLs (RFC 4648 section 5) is expected"})
	}
	return nil
}

// sent tells the protocol of a POST.
func sent(contentType string) (protocol, wire.Format) {
	kind, _, _ := strings.Cut(contentType, ";")
	kind, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(kind)), "application/")
	base, name, plus := strings.Cut(kind, "+")
	if !plus && (base == "proto" || base == "json") {
		base, name = "", base
	}
	format := wire.Proto
	switch {
	case name == "json":
		format = wire.JSON
	case name != "proto" && (plus || base == ""):
		ok = false
	}
	switch {
	case !ok:
	case base == "":
		return connectUnary, format
	case base == "connect" && plus:
		return connectStream, format
	case base == "grpc":
		return grpc, format
	case base == "grpc-web":
		return grpcWeb, format
	}
	return noProtocol, format
}
