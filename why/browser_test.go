package why_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/why"
)

const otherID = "00000000000000000000000000000002"

// visit is a page of app.test that tried https://shop.test/orders, and what the server saw meanwhile.
type visit struct {
	order why.BrowserOrder
	seen  why.Browser
	begun *why.Begun
	saw   *why.Saw
}

func readable() why.BrowserTry {
	return why.BrowserTry{OK: true, Type: "cors", Status: 200, Journey: requestID, MS: 12}
}

func failed() why.BrowserTry { return why.BrowserTry{Error: "Failed to fetch", MS: 3} }

// record is the server's of one request.
func record(id, method string, status int, hops ...trace.HopView) trace.View {
	v := trace.View{ID: id, Kind: "request", Method: method, Status: status, MS: 3, Decided: -1, Proto: "HTTP/2.0", Hops: hops}
	for i, h := range hops {
		if h.Verdict == "deny" {
			v.Decided, v.Reason, v.Layer, v.Where = i, h.Reason, h.Layer, h.Where
		}
	}
	return v
}

func hop(layer, verdict, reason string) trace.HopView {
	return trace.HopView{Layer: layer, Name: "it", Verdict: verdict, Evidence: "seen", Reason: reason, Where: "roundtrip.yaml:22:7"}
}

// refusedPage is a page that may not have what the server answered; again is the record of the second try.
func refusedPage(v *visit, records ...trace.View) {
	again := record(otherID, "GET", 200)
	v.seen.CORS, v.seen.Opaque = failed(), &why.BrowserTry{OK: true, Type: "opaque"}
	v.saw.Requests = append(records, again)
}

// silence is a page to which nothing answered.
func silence(v *visit) {
	late := failed()
	v.seen.CORS, v.seen.Opaque, v.saw.Requests = failed(), &late, nil
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	s := scene(t)
	s.Saw.Requests = []trace.View{record(requestID, "GET", 200, hop("route", "ok", ""), hop("cors", "ok", ""))}
	return &visit{why.BrowserOrder{URL: "https://shop.test/orders"}, why.Browser{CORS: readable(), Probed: true}, s.Begun, s.Saw}
}

func (v *visit) conclude(t *testing.T) *why.Answer {
	t.Helper()
	order, err := json.Marshal(v.order)
	if err != nil {
		t.Fatal(err)
	}
	f, err := why.ReadBrowserOrder(order, "https://app.test:443")
	if err != nil {
		t.Fatal(err)
	}
	return why.Conclude(why.JoinBrowser(f, &v.seen, v.begun, v.saw))
}

// What a page saw, and what the server saw of it, come to the same sentences as the command's.
func TestJoinBrowser_IsTheDecisionTableOfPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                          string
		spoil                         func(v *visit)
		reason, layer, evidence, says string
	}{
		{"it works, and the answer names its record", func(*visit) {}, "", "", "", "It works: 200 OK"},
		{"the origin may not call", func(v *visit) {
			refusedPage(v, record(requestID, "GET", 200, hop("route", "ok", ""), hop("cors", "shadowed", "cors.origin_not_allowed")))
		}, "cors.origin_not_allowed", "cors", "likely", "pages of https://app.test may not call this site"},
		{"the method may not be used", func(v *visit) {
			v.order.Method = "PUT"
			refusedPage(v, record(requestID, "OPTIONS", 403, hop("cors", "deny", "cors.method_not_allowed")))
		}, "cors.method_not_allowed", "cors", "likely", "PUT is not among the allowed methods (GET, POST)"},
		{"the header may not be sent", func(v *visit) {
			v.order.Headers = []string{"X-Shop: 7"}
			refusedPage(v, record(requestID, "OPTIONS", 403, hop("cors", "deny", "cors.header_not_allowed")))
		}, "cors.header_not_allowed", "cors", "likely", "x-shop"},
		{"what is behind the gate answers the preflight with an error", func(v *visit) {
			v.order.Method = "PUT"
			refusedPage(v, record(requestID, "OPTIONS", 401))
		}, "cors.preflight_refused", "cors", "likely", "401"},
		{"a preflight that allows less", func(v *visit) {
			v.order.Method = "PUT"
			refusedPage(v, record(requestID, "OPTIONS", 204))
		}, "cors.preflight_refused", "cors", "likely", "did not go on"},
		{"a station refuses", func(v *visit) {
			v.seen.CORS.Status = 403
			v.saw.Requests[0] = record(requestID, "GET", 403, hop("route", "ok", ""), hop("access", "deny", "access.rule_denied"))
		}, "access.rule_denied", "access", "seen", "Stopped at access"},
		{"a problem is told in its own words", func(v *visit) {
			v.seen.CORS.Status, v.seen.CORS.Problem = 404, `{"detail":"No route of this site matches \"/orders\"."}`
			v.saw.Requests[0] = record(requestID, "GET", 404, hop("route", "deny", "route.no_path"))
		}, "route.no_path", "route", "seen", `matches "/orders"`},
		{"something answers that has no record", func(v *visit) { refusedPage(v); v.saw.Requests = nil }, "cors.origin_not_allowed", "cors", "likely", "does not let pages of https://app.test have it"},
		{"another server answers", func(v *visit) { v.seen.CORS.Journey, v.saw.Requests = "", nil }, "dns.wrong_address", "dns", "likely", "another server answered"},
		{"a page of https calls http", func(v *visit) { silence(v); v.order.URL = "http://shop.test/orders" }, "client.mixed_content", "client", "predicted", "http"},
		{"the zone has no such name", func(v *visit) { silence(v); v.begun.Records = why.Records{Rcode: "NXDOMAIN"} }, "dns.no_name", "dns", "seen", "no address in the zone shop.test"},
		{"the record leads elsewhere", func(v *visit) {
			silence(v)
			v.begun.Records.Addresses = []netip.Addr{another}
		}, "dns.wrong_address", "dns", "likely", another.String()},
		{"nobody asks for the probe", func(v *visit) { silence(v); v.saw.Queries = nil }, "dns.delegation_mismatch", "dns", "likely", "nobody asked our name server"},
		{"a packet was dropped", func(v *visit) {
			silence(v)
			v.saw.Drops = []why.Drop{{Reason: "firewall.no_rule", Text: "no rule allows it"}}
		}, "firewall.no_rule", "firewall", "likely", "no rule allows it"},
		{"the groups refuse it", func(v *visit) {
			silence(v)
			v.saw.Door = &why.Door{Reason: "firewall.no_rule", Text: "no rule allows it"}
		}, "firewall.no_rule", "firewall", "likely", "no rule allows it"},
		{"the browser does not take the certificate", func(v *visit) {
			silence(v)
			v.saw.Connections = []why.Connection{{View: trace.View{Layer: "tls", Reason: "tls.client_rejected_ca"}}}
		}, "tls.client_rejected_ca", "tls", "likely", "Stopped at tls"},
		{"nothing listens", func(v *visit) { silence(v); v.order.URL = "https://shop.test:81/orders" }, "connection.no_listener", "tcp", "likely", "port 81; the server listens on"},
		{"nobody knows", func(v *visit) { silence(v) }, "client.connect_failed", "tcp", "seen", "this server saw nothing of it"},
		{"nobody knows, of a foreign site", func(v *visit) { silence(v); *v.begun, *v.saw = why.Begun{}, why.Saw{} }, "client.connect_failed", "tcp", "seen", "does not tell pages why"},
		{"an answer breaks off on the page's own site", func(v *visit) {
			v.order.URL = "https://app.test/orders"
			refusedPage(v, record(requestID, "GET", 200))
		}, "client.bad_answer", "client", "likely", "could not take it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t)
			c.spoil(v)
			a := v.conclude(t)
			text, _ := json.MarshalIndent(a, "", " ")
			if a.Well != (c.reason == "") || a.Reason != c.reason || a.Layer != c.layer || !strings.Contains(a.Sentence, c.says) {
				t.Fatalf("%s", text)
			}
			if a.Stopped >= 0 && a.Steps[a.Stopped].Evidence != c.evidence {
				t.Errorf("evidence %s, want %s: %s", a.Steps[a.Stopped].Evidence, c.evidence, text)
			}
			for _, s := range a.Steps {
				if s.Verdict == "ok" && s.Side == why.Nobody {
					t.Errorf("a tick for what nobody saw: %+v", s)
				}
				if s.Side == why.Both && s.Evidence == "seen" && a.Journey != requestID {
					t.Errorf("certain without a record that is: %+v", s)
				}
			}
		})
	}
}

// A record that was found by address, path and time is said to be likely; one that the answer names is not.
func TestJoinBrowser_SaysHowARecordWasFound(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	if a := v.conclude(t); a.Journey != requestID || len(a.Unknown) != 0 {
		t.Errorf("named: %+v", a)
	}
	refusedPage(v, record(requestID, "GET", 200, hop("cors", "shadowed", "cors.origin_not_allowed")))
	if a := v.conclude(t); a.Journey != requestID || len(a.Unknown) != 1 || !strings.Contains(a.Unknown[0], "likely") {
		t.Errorf("found: %+v", a)
	}
}

func TestReadBrowserOrder_RefusesWhatPagesCanNotSend(t *testing.T) {
	t.Parallel()
	many := `["` + strings.Repeat(`a: b","`, 40) + `a: b"]`
	for name, body := range map[string]string{
		"no JSON": `url`, "no URL": `{}`, "a WebSocket": `{"url":"wss://shop.test/live"}`, "a method": `{"url":"https://shop.test","method":"CONNECT"}`,
		"a scheme": `{"url":"file:///etc/passwd"}`, "a header": `{"url":"https://shop.test","headers":["X-Shop"]}`, "many headers": `{"url":"https://shop.test","headers":` + many + `}`,
	} {
		if f, err := why.ReadBrowserOrder([]byte(body), "https://app.test"); err == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// Whatever a page says it saw: it comes to an answer that can be written as JSON.
func FuzzReadBrowser(f *testing.F) {
	f.Add([]byte(`{"id":"a","cors":{"ok":true,"status":200,"journey":"` + requestID + `","ms":1e300},"timing":{"dns":-1,"protocol":"<b>"}}`))
	f.Add([]byte(`{"cors":{"late":true,"error":"\u001b[2J"},"opaque":{"ok":true},"probed":true}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, b, err := why.ReadBrowser(body)
		if err != nil {
			return
		}
		order, err := why.ReadBrowserOrder([]byte(`{"url":"https://shop.test/orders","method":"PUT"}`), "https://app.test")
		if err != nil {
			t.Fatal(err)
		}
		s := scene(t)
		s.Saw.Requests = []trace.View{record(requestID, "OPTIONS", 204), record(otherID, "GET", 200)}
		a := why.Conclude(why.JoinBrowser(order, b, s.Begun, s.Saw))
		if _, err := json.Marshal(a); err != nil || len(a.Steps) == 0 || a.Sentence == "" {
			t.Errorf("%v: %+v", err, a)
		}
	})
}
