// Package refusal says no to a remote call in the form that its client reads. A client of gRPC makes nothing of a problem in
// JSON, and shows its user a bare "HTTP status 429" instead of what is wrong and when to try again.
package refusal

import (
	"net/http"
	"net/url"
	"strings"
)

// Protocol is what a client of remote calls speaks.
type Protocol uint8

// The protocols. The zero value is no remote call.
const (
	None          Protocol = iota
	GRPC                   // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
	Web                    // gRPC-Web: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
	WebText                // the same in Base64
	Connect                // one message each way: https://connectrpc.com/docs/protocol
	ConnectStream          // Connect, where a side may send several
)

// String names the protocol as journeys do.
func (p Protocol) String() string {
	switch p {
	case GRPC:
		return "gRPC"
	case Web, WebText:
		return "gRPC-Web"
	case Connect, ConnectStream:
		return "Connect"
	case None:
	}
	return ""
}

// Enveloped reports whether the body of a call is made of messages, each with its length before it.
func (p Protocol) Enveloped() bool { return p == GRPC || p == Web || p == ConnectStream }

// Of tells by the head of a request which protocol it speaks. Connect's calls with one message look like any other request with
// JSON, unless they say so.
func Of(r *http.Request) Protocol {
	switch r.Method {
	case http.MethodGet:
		if strings.Contains(r.URL.RawQuery, "connect=v1") && has(r.URL.RawQuery, "connect", "v1") {
			return Connect
		}
		return None
	case http.MethodPost:
		kind := contentType(r)
		rest, ok := strings.CutPrefix(kind, "application/")
		if !ok {
			return None
		}
		switch name, suffix, more := strings.Cut(rest, "+"); {
		case name == "grpc":
			return GRPC
		case name == "grpc-web":
			return Web
		case name == "grpc-web-text":
			return WebText
		case name == "connect" && more && suffix != "":
			return ConnectStream
		case rest == "proto", rest == "json" && r.Header["Connect-Protocol-Version"] != nil:
			return Connect
		}
	}
	return None
}

// contentType is the media type of the body, in lower case and without parameters; "" where there is none, or several.
func contentType(r *http.Request) string {
	lines := r.Header["Content-Type"]
	if len(lines) != 1 {
		return ""
	}
	kind, _, _ := strings.Cut(lines[0], ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// has reports whether a query has a parameter with a value.
func has(query, name, value string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if key, text, _ := strings.Cut(pair, "="); key == name {
			text, err := url.QueryUnescape(text)
			return err == nil && text == value
		}
	}
	return false
}

// IsStream reports whether a media type is one of messages with their lengths before them.
func IsStream(kind string) bool {
	return strings.HasPrefix(kind, "application/grpc") || strings.HasPrefix(kind, "application/connect+")
}
