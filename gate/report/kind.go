package report

import "strings"

// kind is a type of network error (NEL, section 6), and what it is called here.
type kind struct{ name, reason string }

// kindOf finds the reason of a type. One that is new is taken for what its first part says. "ok" is none.
func kindOf(typ string) (kind, bool) {
	for _, k := range kinds() {
		if k.name == typ {
			return k, true
		}
	}
	group, _, _ := strings.Cut(typ, ".")
	for _, k := range kinds() {
		if k.name == group {
			return k, true
		}
	}
	return kind{}, false
}

// kinds are the types whose reason is a closer one than that of their group, and the groups.
func kinds() []kind {
	return []kind{
		{"dns", "client.dns_failed"},
		{"dns.unreachable", "client.dns_failed"},
		{"dns.name_not_resolved", "client.dns_failed"},
		{"dns.failed", "client.dns_failed"},
		{"dns.address_changed", "client.dns_failed"},
		{"tcp", "client.connect_failed"},
		{"tcp.timed_out", "client.connect_failed"},
		{"tcp.closed", "client.connect_failed"},
		{"tcp.reset", "client.connect_failed"},
		{"tcp.refused", "client.connect_failed"},
		{"tcp.aborted", "client.connect_failed"},
		{"tcp.address_invalid", "client.connect_failed"},
		{"tcp.address_unreachable", "client.connect_failed"},
		{"tcp.failed", "client.connect_failed"},
		{"tls", "tls.handshake_failed"},
		{"tls.version_or_cipher_mismatch", "tls.version_unsupported"},
		{"tls.bad_client_auth_cert", "tls.client_certificate_refused"},
		{"tls.cert.name_invalid", "tls.no_certificate_for_name"},
		{"tls.cert.date_invalid", "tls.certificate_expired"},
		{"tls.cert.authority_invalid", "tls.client_rejected_ca"},
		{"tls.cert.invalid", "tls.client_rejected_ca"},
		{"tls.cert.revoked", "tls.client_rejected_ca"},
		{"tls.cert.pinned_key_not_in_cert_chain", "tls.client_rejected_ca"},
		{"tls.protocol.error", "tls.handshake_failed"},
		{"tls.failed", "tls.handshake_failed"},
		{"http", "client.bad_answer"},
		{"http.error", "client.error_answer"},
		{"http.protocol.error", "client.bad_answer"},
		{"http.response.invalid", "client.bad_answer"},
		{"http.response.redirect_loop", "client.bad_answer"},
		{"http.failed", "client.bad_answer"},
		{"h2.protocol.error", "client.bad_answer"},
		{"h3.protocol.error", "client.bad_answer"},
		{"abandoned", "client.aborted"},
		{"unknown", "client.connect_failed"},
	}
}
