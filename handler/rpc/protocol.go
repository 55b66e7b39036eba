package rpc

import (
	"net/http"
	"net/url"
	"strings"

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
	values, _ := url.ParseQuery(query) // what is wrong with it, checkQuery says
	if values.Get("encoding") == "json" {
		return connectUnary, wire.JSON
	}
	return connectUnary, wire.Proto
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
