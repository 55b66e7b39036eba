package proxy

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
)

// putProxyStatus says in the words of RFC 9209 why a request did not come through to a server behind this gate, so that
// programs that know nothing of our reasons can tell our fault from that server's.
func putProxyStatus(h http.Header, e *roundtrip.Error) {
	h["Proxy-Status"] = []string{"roundtrip; error=" + proxyError(e) + `; details="` + e.Reason + `"`}
}

// proxyError is the type of RFC 9209 section 2.3 that comes nearest.
func proxyError(e *roundtrip.Error) string {
	switch e.Reason {
	case "proxy.no_upstream":
		return "destination_unavailable"
	case "proxy.busy":
		return "connection_limit_reached"
	case "proxy.connect_refused":
		return "connection_refused"
	case "proxy.connect_timeout":
		return "connection_timeout"
	case "proxy.tls_failed":
		return "tls_protocol_error"
	case "proxy.reset":
		return "connection_terminated"
	case "proxy.bad_answer":
		return "http_protocol_error"
	case "proxy.first_byte_timeout", "proxy.idle_timeout":
		return "http_response_timeout"
	case "proxy.loop":
		return "proxy_loop_detected"
	case "firewall.no_rule", "firewall.stale_group":
		return "destination_ip_prohibited"
	}
	if e.HTTPStatus() < http.StatusInternalServerError {
		return "http_request_error"
	}
	return "proxy_internal_error"
}
