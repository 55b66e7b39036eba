package why_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/why"
)

var (
	server  = netip.MustParseAddr("203.0.113.9")
	another = netip.MustParseAddr("198.51.100.4")
	at      = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
)

const requestID = "00000000000000000000000000000001"

// scene is a probe of https://shop.test/orders that went well on both sides; rows of the table spoil it.
func scene(t *testing.T) *why.Sides {
	t.Helper()
	target, err := why.ParseTarget("https://shop.test/orders")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(server, 443)
	from := netip.MustParseAddrPort("192.0.2.7:50001")
	leaf := &why.Certificate{Names: []string{"shop.test"}, Issuer: "R3", NotBefore: at.Add(-time.Hour), NotAfter: at.Add(61 * 24 * time.Hour)}
	return &why.Sides{
		Done: true,
		Facts: &why.Facts{
			Target: target, Method: "GET", Simple: "no --origin was given",
			Names:  &why.Names{Source: why.Resolver, Via: "9.9.9.9:53", Real: found(server), Probe: &why.Lookup{Rcode: "NOERROR", Addresses: []netip.Addr{server}}, Addresses: []netip.Addr{server}},
			Dials:  []why.Dial{{To: to, From: from}},
			TLS:    &why.Handshake{Version: "TLS 1.3", ALPN: "h2", Leaf: leaf, At: at},
			Answer: &why.Exchange{ID: requestID, Method: "GET", Status: 200, Proto: "HTTP/2.0", Header: http.Header{}},
		},
		Begun: &why.Begun{
			Ours: true, Site: "shop.test", Where: "roundtrip.yaml:20:3", TLSWhere: "roundtrip.yaml:21:10", Zone: "shop.test", Probe: "x.diag.shop.test", ProbeID: "aa",
			NS: []string{"ns1.shop.test"}, Reach: []netip.Addr{server}, Doors: []netip.AddrPort{to}, CORS: &why.CORS{Origins: []string{"https://app.test"}, Methods: []string{"GET", "POST"}},
			Records: why.Records{Rcode: "NOERROR", Addresses: []netip.Addr{server}, Where: "roundtrip.yaml:9:9"}, CA: "data/certs/local-ca.crt",
		},
		Saw: &why.Saw{
			Queries: []trace.View{{ID: "aa", Kind: "query"}}, Own: []netip.Addr{server}, Listens: []netip.AddrPort{to},
			Door:     &why.Door{Allowed: true, Rule: "web/1", Where: "roundtrip.yaml:30:9"},
			Requests: []trace.View{{ID: requestID, Kind: "request", Status: 200, MS: 3, Decided: -1, Hops: []trace.HopView{{Layer: "firewall", Name: "web/1", Verdict: "ok", Evidence: "reported"}, {Layer: "route", Name: "/orders", Verdict: "ok", Evidence: "seen"}}}},
		},
	}
}

func found(a ...netip.Addr) why.Lookup {
	return why.Lookup{Server: "9.9.9.9:53", Rcode: "NOERROR", Addresses: a, TTL: time.Minute}
}

// noConnection cuts the way at the connection.
func noConnection(s *why.Sides, f why.Failure) {
	s.Facts.Dials[0].Failure, s.Facts.Dials[0].Took = f, 3*time.Second
	s.Facts.TLS, s.Facts.Answer, s.Saw.Requests = nil, nil, nil
}

// noName cuts it at the name.
func noName(s *why.Sides, rcode string) {
	s.Facts.Names.Real = why.Lookup{Server: "9.9.9.9:53", Rcode: rcode}
	s.Facts.Names.Addresses, s.Facts.Dials, s.Facts.TLS, s.Facts.Answer, s.Saw.Requests = nil, nil, nil, nil, nil
}

func badTLS(s *why.Sides, reason, text string) {
	s.Facts.TLS.Reason, s.Facts.TLS.Error, s.Facts.TLS.Failure = reason, text, why.Other
	s.Facts.Answer, s.Saw.Requests = nil, nil
	s.Saw.Connections = []why.Connection{{Exact: true, View: trace.View{Kind: "connection", Layer: "tls", Reason: "tls.client_rejected_ca", Where: "roundtrip.yaml:21:10"}}}
}

func fromPage(s *why.Sides, origin string) {
	s.Facts.Origin, s.Facts.Simple = origin, ""
}

// preflight makes the preflight the last that was sent.
func preflight(s *why.Sides, method string, status int, h http.Header, reason string) {
	fromPage(s, "https://app.test")
	s.Facts.Method, s.Facts.Answer = method, nil
	s.Facts.Preflight = &why.Exchange{ID: requestID, Method: "OPTIONS", Status: status, Header: h, Sent: http.Header{"Access-Control-Request-Headers": {"x-shop"}}}
	v := trace.View{ID: requestID, Kind: "request", Status: status, Decided: -1}
	if reason != "" {
		v.Decided, v.Reason, v.Layer, v.Where = 0, reason, "cors", "roundtrip.yaml:22:7"
		v.Hops = []trace.HopView{{Layer: "cors", Verdict: "deny", Reason: reason, Where: v.Where}}
	}
	s.Saw.Requests = []trace.View{v}
}

// refused lets a station of the server refuse the request.
func refused(s *why.Sides, status int, layer, reason, where string) {
	s.Facts.Answer.Status = status
	s.Saw.Requests[0].Decided, s.Saw.Requests[0].Reason, s.Saw.Requests[0].Where = 2, reason, where
	s.Saw.Requests[0].Hops = append(s.Saw.Requests[0].Hops, trace.HopView{Layer: layer, Name: "it", Verdict: "deny", Evidence: "seen", Reason: reason, Where: where})
}

// row is one row of the decision table: what both sides saw, and what follows.
type row struct {
	name     string
	spoil    func(s *why.Sides)
	reason   string // "": it is well
	layer    string
	where    string
	evidence string // of the step that stops it; "" is not looked at
	says     string // a part of its sentence, or of the answer's
}

func TestConclude_IsTheDecisionTable(t *testing.T) {
	t.Parallel()
	for _, r := range slices.Concat(nameRows(), connectionRows(), handshakeRows(), pageRows(), stationRows()) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := scene(t)
			r.spoil(s)
			a := why.Conclude(s)
			if a.Well != (r.reason == "" || r.reason == "store.slow_query") || a.Reason != r.reason || a.Layer != r.layer || r.where != "" && a.Where != r.where {
				t.Errorf("well %v, reason %q, layer %q, where %q: %s", a.Well, a.Reason, a.Layer, a.Where, a.Sentence)
			}
			if !strings.Contains(a.Sentence, r.says) {
				t.Errorf("says %q, not %q", a.Sentence, r.says)
			}
			if a.Stopped >= 0 && r.evidence != "" && a.Steps[a.Stopped].Evidence != r.evidence {
				t.Errorf("evidence %s", a.Steps[a.Stopped].Evidence)
			}
			if a.Stopped >= 0 && (a.Flag == "" || a.Fix == "") {
				t.Errorf("flag %q, fix %q", a.Flag, a.Fix)
			}
			if l := a.StoppedBy(); (l == 0) != a.Well || l != 0 && l.String() != r.layer {
				t.Errorf("StoppedBy %v", l)
			}
			honest(t, a)
		})
	}
}

// honest looks that no station that nobody saw is called passed, and that behind the one that stops it none is.
func honest(t *testing.T, a *why.Answer) {
	t.Helper()
	for i, s := range a.Steps {
		if s.Number != i+1 || s.Sentence == "" || s.Side == "" || s.Evidence == "" {
			t.Errorf("step %d: %+v", i, s)
		}
		if s.Side == why.Nobody && s.Verdict == "ok" {
			t.Errorf("nobody saw %s, and it is ok", s.Title)
		}
		if a.Stopped >= 0 && i > a.Stopped && s.Title == "request" && s.Verdict == "ok" {
			t.Errorf("the request is ok behind %s", a.Steps[a.Stopped].Title)
		}
	}
}

func nameRows() []row {
	return []row{
		{"all is well", func(*why.Sides) {}, "", "", "", "", "It works: 200 OK"},
		{"no name, and our log has the probe: the zone lacks it", func(s *why.Sides) {
			noName(s, "NXDOMAIN")
			s.Begun.Records = why.Records{Rcode: "NXDOMAIN", Why: "The closest name is shop.test.", Where: "roundtrip.yaml:8:5"}
		}, "dns.no_name", "dns", "roundtrip.yaml:8:5", "seen", "shop.test"},
		{"the name has no address", func(s *why.Sides) {
			noName(s, "NOERROR")
			s.Begun.Records = why.Records{Rcode: "NOERROR", Where: "roundtrip.yaml:8:5"}
		}, "dns.no_data", "dns", "roundtrip.yaml:8:5", "seen", ""},
		{"no name, our log has the probe and the zone has it: kept from before", func(s *why.Sides) { noName(s, "NXDOMAIN") }, "dns.stale_answer", "dns", "", "seen", "203.0.113.9"},
		{"no name, and nothing came here: delegation", func(s *why.Sides) {
			noName(s, "NXDOMAIN")
			s.Saw.Queries = nil
		}, "dns.delegation_mismatch", "dns", "", "likely", "nobody asked our name server"},
		{"the zone above agrees that it is the delegation", func(s *why.Sides) {
			noName(s, "NXDOMAIN")
			s.Saw.Queries = nil
			s.Facts.Names.Parent = &why.Parent{Zone: "test", Server: "192.0.2.53:53", Rcode: "NXDOMAIN"}
		}, "dns.delegation_mismatch", "dns", "", "seen", "delegates shop.test to nobody"},
		{"the delegation is right and our name server is not reached", func(s *why.Sides) {
			noName(s, "SERVFAIL")
			s.Saw.Queries, s.Facts.Names.Direct = nil, &why.Lookup{Server: "203.0.113.9:53", Error: "no answer in time"}
			s.Facts.Names.Parent = &why.Parent{Zone: "test", Rcode: "NOERROR", Servers: []string{"ns1.shop.test"}}
		}, "dns.resolver_failed", "dns", "", "likely", "can't reach our name server"},
		{"the resolver says nothing", func(s *why.Sides) {
			noName(s, "")
			s.Facts.Names.Real.Error = "no answer in time"
		}, "dns.resolver_failed", "dns", "", "seen", "no answer in time"},
		{"signatures do not fit", func(s *why.Sides) {
			noName(s, "SERVFAIL")
			s.Facts.Names.Real.Extended = []string{"DNSSEC Bogus"}
		}, "dns.dnssec_bogus", "dns", "", "reported", "DNSSEC Bogus"},
		{"the record leads elsewhere, and nobody answers there", func(s *why.Sides) {
			lead(s, another)
			s.Begun.Records.Addresses = []netip.Addr{another}
			noConnection(s, why.TimedOut)
		}, "dns.wrong_address", "dns", "roundtrip.yaml:9:9", "seen", "198.51.100.4"},
		{"the record leads elsewhere, and another server answers", func(s *why.Sides) {
			lead(s, another)
			s.Begun.Records.Addresses = []netip.Addr{another}
			s.Saw.Requests = nil
		}, "dns.wrong_address", "dns", "roundtrip.yaml:9:9", "seen", "reached at 203.0.113.9"},
		{"the resolver still leads to the old machine", func(s *why.Sides) {
			lead(s, another)
			noConnection(s, why.Refused)
		}, "dns.stale_answer", "dns", "", "seen", "1m0s"},
		{"another name server answers for the zone", func(s *why.Sides) {
			lead(s, another)
			s.Saw.Queries = nil
			noConnection(s, why.TimedOut)
		}, "dns.delegation_mismatch", "dns", "", "likely", "another name server"},
		{"the hosts file leads elsewhere", func(s *why.Sides) {
			lead(s, another)
			s.Facts.Names.Source, s.Facts.Names.Via = why.Hosts, "/etc/hosts"
			noConnection(s, why.TimedOut)
		}, "dns.hosts_file", "dns", "", "seen", "/etc/hosts"},
		{"the addresses differ and it works: no reason to stop", func(s *why.Sides) { s.Begun.Records.Addresses = []netip.Addr{another} }, "", "", "", "", "It works"},
	}
}

func lead(s *why.Sides, to netip.Addr) {
	s.Facts.Names.Real, s.Facts.Names.Addresses = found(to), []netip.Addr{to}
	s.Facts.Dials[0].To = netip.AddrPortFrom(to, 443)
}

func connectionRows() []row {
	drop := why.Drop{Exact: true, Reason: "firewall.no_rule", Text: "no rule allows tcp/443 from 192.0.2.7", Evidence: "reported", Fix: "it would pass if …", Where: "roundtrip.yaml:30:9"}
	return []row{
		{"no answer, and a drop from our port: certain", func(s *why.Sides) {
			noConnection(s, why.TimedOut)
			s.Saw.Drops, s.Saw.Door = []why.Drop{drop}, &why.Door{Reason: drop.Reason, Text: drop.Text}
		}, "firewall.no_rule", "firewall", "roundtrip.yaml:30:9", "reported", "tcp/443"},
		{"no answer, and the rules refuse it: likely", func(s *why.Sides) {
			noConnection(s, why.TimedOut)
			s.Saw.Door = &why.Door{Reason: "firewall.no_rule", Text: drop.Text, Where: "roundtrip.yaml:30:9"}
		}, "firewall.no_rule", "firewall", "roundtrip.yaml:30:9", "likely", ""},
		{"closed at once by the process that enforces the groups", func(s *why.Sides) {
			badTLS(s, "connection.reset", "EOF")
			s.Facts.TLS.Failure, s.Facts.TLS.Leaf = why.Reset, nil
			s.Saw.Door = &why.Door{Reason: "firewall.no_rule", Text: drop.Text, Where: "roundtrip.yaml:30:9"}
			s.Saw.Connections = []why.Connection{{View: trace.View{Kind: "connection", Layer: "firewall", Reason: "firewall.no_rule", Hops: []trace.HopView{{Layer: "firewall", Verdict: "deny", Reason: "firewall.no_rule"}}}}}
		}, "firewall.no_rule", "firewall", "roundtrip.yaml:30:9", "likely", ""},
		{"no answer, and nothing came here", func(s *why.Sides) { noConnection(s, why.TimedOut) }, "connection.not_seen", "tcp", "", "seen", "saw nothing of it"},
		{"refused, and nothing listens", func(s *why.Sides) {
			noConnection(s, why.Refused)
			s.Saw.Listens = []netip.AddrPort{netip.MustParseAddrPort("[::]:8443")}
		}, "connection.no_listener", "tcp", "", "seen", "[::]:8443"},
		{"refused, and it listens on loopback only", func(s *why.Sides) {
			noConnection(s, why.Refused)
			s.Saw.Listens = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:443")}
		}, "connection.loopback_only", "tcp", "", "seen", "loopback only"},
		{"refused, though it listens", func(s *why.Sides) { noConnection(s, why.Refused) }, "connection.refused", "tcp", "", "seen", "something between"},
		{"refused by a machine that is nobody's", func(s *why.Sides) {
			noConnection(s, why.Refused)
			s.Begun, s.Saw = nil, nil
		}, "connection.refused", "tcp", "", "seen", "a firewall rejects it"},
		{"no answer of a machine that is nobody's", func(s *why.Sides) {
			noConnection(s, why.TimedOut)
			s.Begun, s.Saw = nil, nil
		}, "connection.timed_out", "tcp", "", "seen", ""},
		{"no way there", func(s *why.Sides) { noConnection(s, why.Unreachable) }, "connection.unreachable", "tcp", "", "seen", ""},
		{"another program of the machine answers", func(s *why.Sides) { s.Saw.Requests = nil }, "connection.no_listener", "tcp", "", "likely", "not this server"},
	}
}

func handshakeRows() []row {
	return []row{
		{"the certificate is over", func(s *why.Sides) { badTLS(s, "tls.certificate_expired", "the certificate ended on 2026-11-01") }, "tls.certificate_expired", "tls", "roundtrip.yaml:21:10", "seen", "2026-11-01"},
		{"it is for another name", func(s *why.Sides) {
			badTLS(s, "tls.name_mismatch", "x509")
			s.Facts.TLS.Leaf.Names = []string{"www.shop.test"}
		}, "tls.name_mismatch", "tls", "roundtrip.yaml:21:10", "seen", "for www.shop.test, not for shop.test"},
		{"another program has the port", func(s *why.Sides) {
			badTLS(s, "tls.name_mismatch", "x509")
			s.Facts.TLS.Leaf.Names = []string{"old.shop.test"}
			s.Saw.Connections = nil
			s.Saw.Listens = []netip.AddrPort{netip.MustParseAddrPort("[::]:8443")}
		}, "tls.name_mismatch", "tls", "", "seen", "not for shop.test; another program answers at port 443, where this server does not listen"},
		{"a port is forwarded to ours", func(s *why.Sides) {
			badTLS(s, "tls.name_mismatch", "x509")
			s.Facts.TLS.Leaf.Names = []string{"old.shop.test"}
			s.Saw.Listens = []netip.AddrPort{netip.MustParseAddrPort("[::]:8443")}
		}, "tls.name_mismatch", "tls", "roundtrip.yaml:21:10", "seen", "for old.shop.test, not for shop.test"},
		{"its issuer is not trusted", func(s *why.Sides) { badTLS(s, "tls.client_rejected_ca", "x509") }, "tls.client_rejected_ca", "tls", "roundtrip.yaml:21:10", "seen", "R3"},
		{"no certificate for the name: the server knows better", func(s *why.Sides) {
			badTLS(s, "tls.handshake_failed", "remote error: tls: internal error")
			s.Facts.TLS.Leaf = nil
			s.Saw.Connections[0].View.Reason = "tls.no_certificate_for_name"
		}, "tls.no_certificate_for_name", "tls", "", "seen", ""},
		{"it speaks no TLS", func(s *why.Sides) {
			badTLS(s, "tls.no_tls", "first record does not look like a TLS handshake")
			s.Facts.TLS.Leaf, s.Saw.Connections = nil, nil
		}, "tls.no_tls", "tls", "", "seen", ""},
	}
}

func pageRows() []row {
	allow := func(more ...string) http.Header {
		h := http.Header{"Access-Control-Allow-Origin": {"https://app.test"}, "Vary": {"Origin"}}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	return []row{
		{"preflight: the origin is not allowed", func(s *why.Sides) { preflight(s, "PUT", 403, http.Header{}, "cors.origin_not_allowed") }, "cors.origin_not_allowed", "cors", "roundtrip.yaml:22:7", "seen", "https://app.test may not call"},
		{"preflight: the method is not allowed", func(s *why.Sides) { preflight(s, "PUT", 403, allow(), "cors.method_not_allowed") }, "cors.method_not_allowed", "cors", "roundtrip.yaml:22:7", "seen", "PUT is not among the allowed methods (GET, POST)"},
		{"preflight: the header is not allowed", func(s *why.Sides) { preflight(s, "PUT", 403, allow(), "cors.header_not_allowed") }, "cors.header_not_allowed", "cors", "roundtrip.yaml:22:7", "seen", "x-shop"},
		{"preflight: an upstream sends it elsewhere", func(s *why.Sides) {
			preflight(s, "PUT", 302, http.Header{"Location": {"https://login.test/"}}, "")
		}, "cors.preflight_redirected", "cors", "", "seen", "login.test"},
		{"preflight: an upstream asks who is signed in", func(s *why.Sides) { preflight(s, "PUT", 401, http.Header{}, "") }, "cors.preflight_refused", "cors", "", "seen", "401"},
		{"the page may not have the answer", func(s *why.Sides) { fromPage(s, "https://app.test") }, "cors.origin_not_allowed", "cors", "", "seen", "Access-Control-Allow-Origin"},
		{"the page may have it", func(s *why.Sides) {
			fromPage(s, "https://app.test")
			s.Facts.Answer.Header = allow()
		}, "", "", "", "", "It works"},
		{"two programs set the header", func(s *why.Sides) {
			fromPage(s, "https://app.test")
			s.Facts.Answer.Header = http.Header{"Access-Control-Allow-Origin": {"https://app.test", "*"}}
		}, "cors.duplicate_header", "cors", "", "seen", ""},
		{"a star and cookies", func(s *why.Sides) {
			fromPage(s, "https://app.test")
			s.Facts.Credentials, s.Facts.Answer.Header = true, http.Header{"Access-Control-Allow-Origin": {"*"}}
		}, "cors.wildcard_with_credentials", "cors", "", "seen", ""},
		{"cookies that are not allowed", func(s *why.Sides) {
			fromPage(s, "https://app.test")
			s.Facts.Credentials, s.Facts.Answer.Header = true, allow()
		}, "cors.credentials_not_allowed", "cors", "", "seen", ""},
		{"an error lacks the headers that the preflight had", func(s *why.Sides) {
			preflight(s, "PUT", 204, allow("Access-Control-Allow-Methods", "PUT", "Access-Control-Allow-Headers", "x-shop"), "")
			s.Facts.Answer = &why.Exchange{ID: "00000000000000000000000000000002", Status: 502, Header: http.Header{}}
			s.Saw.Requests = append(s.Saw.Requests, trace.View{ID: "00000000000000000000000000000002", Decided: -1})
		}, "app.error_status", "app", "", "seen", "502"},
		{"a page of https calls http", func(s *why.Sides) {
			fromPage(s, "https://app.test")
			s.Facts.Mixed, s.Facts.Answer, s.Saw.Requests = true, nil, nil
		}, "client.mixed_content", "client", "", "predicted", "https"},
	}
}

func stationRows() []row {
	slow := func(s *why.Sides, layer string) {
		s.Facts.Answer.Took = 900 * time.Millisecond
		s.Saw.Requests[0].MS = 890
		s.Saw.Requests[0].Hops = append(s.Saw.Requests[0].Hops, trace.HopView{Layer: layer, Name: "orders.list", Note: "SCAN orders", Verdict: "ok", Evidence: "seen", T: 1, MS: 828, Where: "roundtrip.yaml:50:5"})
	}
	return []row{
		{"no route", func(s *why.Sides) { refused(s, 404, "route", "route.no_path", "roundtrip.yaml:20:3") }, "route.no_path", "route", "roundtrip.yaml:20:3", "seen", ""},
		{"the upstream is down", func(s *why.Sides) { refused(s, 503, "proxy", "proxy.no_upstream", "roundtrip.yaml:24:9") }, "proxy.no_upstream", "proxy", "roundtrip.yaml:24:9", "seen", ""},
		{"nobody is signed in", func(s *why.Sides) { refused(s, 401, "auth", "auth.missing", "") }, "auth.missing", "auth", "", "seen", ""},
		{"a rule refuses", func(s *why.Sides) { refused(s, 403, "access", "access.rule_denied", "roundtrip.yaml:60:15") }, "access.rule_denied", "access", "roundtrip.yaml:60:15", "seen", ""},
		{"the pool is full", func(s *why.Sides) { refused(s, 503, "pool", "store.pool_exhausted", "roundtrip.yaml:70:3") }, "store.pool_exhausted", "pool", "roundtrip.yaml:70:3", "seen", ""},
		{"a statement is slow", func(s *why.Sides) { slow(s, "sql") }, "store.slow_query", "sql", "roundtrip.yaml:50:5", "", "93 % of that is sql. orders.list: SCAN orders."},
		{"an error of a server that is nobody's", func(s *why.Sides) {
			s.Begun, s.Saw, s.Facts.Answer.Status = nil, nil, 500
		}, "app.error_status", "app", "", "seen", "500"},
		{"another Roundtrip says why", func(s *why.Sides) {
			s.Begun, s.Saw, s.Facts.Answer.Status = nil, nil, 403
			s.Facts.Answer.Header = http.Header{"Content-Type": {"application/problem+json"}}
			s.Facts.Answer.Body = []byte(`{"reason":"access.rule_denied","detail":"The rule says no."}`)
		}, "access.rule_denied", "access", "", "seen", "The rule says no."},
		{"the WebSocket is refused", func(s *why.Sides) {
			s.Facts.Target.Socket, s.Facts.Answer.Status = true, 403
			s.Begun, s.Saw = nil, nil
		}, "stream.upgrade_refused", "stream", "", "seen", "403"},
		{"the answer did not come", func(s *why.Sides) {
			s.Facts.Answer.Status, s.Facts.Answer.Failure, s.Facts.Answer.Took, s.Saw.Requests = 0, why.TimedOut, 30*time.Second, nil
		}, "app.deadline", "app", "", "seen", "30.0 s"},
		{"plain HTTP to the port of HTTPS", func(s *why.Sides) {
			s.Facts.Answer.Status, s.Facts.TLS, s.Saw.Requests = 400, nil, nil
			s.Saw.Connections = []why.Connection{{Exact: true, View: trace.View{Kind: "connection", Layer: "tls", Reason: "tls.plaintext_on_tls_port"}}}
		}, "tls.plaintext_on_tls_port", "tls", "", "seen", "HTTPS port"},
		{"the client shows no certificate", func(s *why.Sides) {
			s.Facts.Answer.Status, s.Facts.Answer.Failure, s.Facts.Answer.Reason, s.Saw.Requests = 0, why.Other, "tls.client_certificate_missing", nil
		}, "tls.client_certificate_missing", "tls", "roundtrip.yaml:21:10", "seen", ""},
	}
}
