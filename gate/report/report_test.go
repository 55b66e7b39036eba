package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/report"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func ours(host string) bool { return host == "www.example.test" || host == "www.example.test:8443" }

// one is a report as Chromium writes it.
func one(typ, url, body string) string {
	return fmt.Sprintf(`{"age":1500,"body":%s,"type":%q,"url":%q,"user_agent":"Mozilla/5.0"}`, body, typ, url)
}

const network = `{"elapsed_time":120,"method":"GET","phase":%q,"protocol":"h2","referrer":"https://www.example.test/secret?token=1","sampling_fraction":1.0,"server_ip":"198.51.100.7","status_code":%d,"type":%q%s}`

// What a browser reports becomes a reason of ours, and as much of its text as we can vouch for.
func TestRead_Understands(t *testing.T) {
	t.Parallel()
	const page = "https://www.example.test/orders/7?token=secret#part"
	id := strings.Repeat("ab", 16)
	for _, tt := range []struct {
		name, report       string
		hop, reason, note  string
		path, method, of   string
		status             int
		ageMilli, tookMlli int64
	}{
		{
			"a name that was not found", one("network-error", page, fmt.Sprintf(network, "dns", 0, "dns.name_not_resolved", "")),
			"dns.name_not_resolved", "client.dns_failed", "in the phase dns, at 198.51.100.7", "/orders/7", "GET", "", 0, 1500, 120,
		},
		{
			"an expired certificate", one("network-error", page, fmt.Sprintf(network, "connection", 0, "tls.cert.date_invalid", "")),
			"tls.cert.date_invalid", "tls.certificate_expired", "in the phase connection, at 198.51.100.7", "/orders/7", "GET", "", 0, 1500, 120,
		},
		{
			"an error answer with its journey", one("network-error", page, fmt.Sprintf(network, "application", 503, "http.error", `,"response_headers":{"x-journey":["`+id+`"]}`)),
			"http.error", "client.error_answer", "in the phase application, at 198.51.100.7", "/orders/7", "GET", id, 503, 1500, 120,
		},
		{
			"a type that is new", one("network-error", page, fmt.Sprintf(network, "connection", 0, "tls.quantum.broken", "")),
			"tls", "tls.handshake_failed", "in the phase connection, at 198.51.100.7", "/orders/7", "GET", "", 0, 1500, 120,
		},
		{
			"a journey that is none", one("network-error", page, fmt.Sprintf(network, "application", 500, "http.error", `,"response_headers":{"X-Journey":["`+strings.Repeat("zz", 16)+`"]}`)),
			"http.error", "client.error_answer", "in the phase application, at 198.51.100.7", "/orders/7", "GET", "", 500, 1500, 120,
		},
		{
			"words of a stranger", one("network-error", "https://www.example.test/%0a%1b[31m\u202e", `{"type":"tcp.reset","phase":"<script>","method":"GET\u001b[2J","protocol":"h2","server_ip":"fe80::1%\u001b","status_code":1e300,"elapsed_time":-5}`),
			"tcp.reset", "client.connect_failed", "at fe80::1", "/%0A%1B%5B31m%E2%80%AE", "", "", 0, 1500, 0,
		},
		{
			"a policy", one("csp-violation", page, `{"effectiveDirective":"script-src-elem","blockedURL":"https://evil.test/a.js?who=me","sample":"alert(1)"}`),
			"csp-violation", "client.policy_violation", "script-src-elem blocked https://evil.test", "/orders/7", "", "", 0, 1500, 0,
		},
		{
			"an inline script", one("csp-violation", page, `{"effectiveDirective":"<img>","blockedURL":"inline"}`),
			"csp-violation", "client.policy_violation", "a directive blocked inline", "/orders/7", "", "", 0, 1500, 0,
		},
		{
			"what is going away", one("deprecation", page, `{"id":"UnloadHandler","message":"Unload event listeners are deprecated"}`),
			"deprecation", "client.deprecated", "UnloadHandler", "/orders/7", "", "", 0, 1500, 0,
		},
		{"a crash", one("crash", page, `{"reason":"oom"}`), "crash", "client.crashed", "oom", "/orders/7", "", "", 0, 1500, 0},
	} {
		list, ignored, err := report.Read([]byte("["+tt.report+"]"), ours)
		if err != nil || len(list) != 1 || ignored != 0 {
			t.Errorf("%s: %v, %d ignored, %v", tt.name, list, ignored, err)
			continue
		}
		r := list[0]
		of := ""
		if r.Of != (trace.ID{}) {
			of = r.Of.String()
		}
		if r.Name != tt.hop || r.Reason.Code() != tt.reason || r.Note != tt.note || r.Host != "www.example.test" || r.Path != tt.path ||
			r.Method != tt.method || of != tt.of || r.Status != tt.status || r.Age.Milliseconds() != tt.ageMilli || r.Took.Milliseconds() != tt.tookMlli {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

// What is of no use is counted, and what is no list is refused.
func TestRead_IgnoresAndRefuses(t *testing.T) {
	t.Parallel()
	good := one("crash", "https://www.example.test/", `{}`)
	many := strings.Repeat(good+",", 29) + good
	for _, tt := range []struct {
		name, body     string
		taken, ignored int
		bad            bool
	}{
		{"an empty list", `[]`, 0, 0, false},
		{"another site", "[" + one("crash", "https://other.test/", `{}`) + "]", 0, 1, false},
		{"no address", "[" + one("crash", "about:blank", `{}`) + "]", 0, 1, false},
		{"a type that nothing is known of", "[" + one("weather", "https://www.example.test/", `{}`) + "]", 0, 1, false},
		{"a success", "[" + one("network-error", "https://www.example.test/", `{"type":"ok"}`) + "]", 0, 1, false},
		{"one that is broken among others", `[{"age":"old"},` + good + `,7]`, 1, 2, false},
		{"more than are looked at", "[" + many + "]", 20, 10, false},
		{"an object", good, 0, 0, true},
		{"no JSON", "type=crash", 0, 0, true},
		{"nothing", "", 0, 0, true},
	} {
		list, ignored, err := report.Read([]byte(tt.body), ours)
		if len(list) != tt.taken || ignored != tt.ignored || (err != nil) != tt.bad {
			t.Errorf("%s: %d taken, %d ignored, %v", tt.name, len(list), ignored, err)
		}
		if e := (*roundtrip.Error)(nil); tt.bad && (!errors.As(err, &e) || e.Reason != "request.malformed") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A report is a journey of its own kind: one hop of the layer client, which nobody here has seen.
func TestReport_BecomesAJourney(t *testing.T) {
	t.Parallel()
	recorder := trace.New(trace.Options{Now: time.Now, Recent: 16})
	body := "[" + one("network-error", "https://www.example.test:8443/a", fmt.Sprintf(network, "application", 503, "http.error", `,"response_headers":{"X-Journey":["`+strings.Repeat("0c", 16)+`"]}`)) + "]"
	list, _, err := report.Read([]byte(body), ours)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	list[0].Record(recorder, netip.MustParseAddr("203.0.113.9"))
	s := recorder.Select(trace.Filter{}, 1)[0]
	v := s.View(trace.Operator, nil)
	if v.Kind != "report" || v.Layer != "client" || v.Reason != "client.error_answer" || v.Outcome != "error" || v.Status != 503 || v.Host != "www.example.test:8443" || v.Client != "203.0.113.0/24" {
		t.Errorf("%+v", v)
	}
	if len(v.Hops) != 1 || v.Hops[0].Evidence != "reported" || v.Hops[0].T != -1620 || v.Hops[0].MS != 120 {
		t.Errorf("%+v", v.Hops)
	}
	if len(v.Links) != 1 || v.Links[0] != (trace.LinkView{Role: "parent", Evidence: "reported", ID: strings.Repeat("0c", 16)}) {
		t.Errorf("%+v", v.Links)
	}
	list[0].Record(nil, netip.Addr{}) // without journeys nothing happens
}

// The headers name the path that is served.
func TestHeaders_NameTheCollector(t *testing.T) {
	t.Parallel()
	h := report.Headers()
	var to struct {
		Group     string
		Endpoints []struct{ URL string }
	}
	var nel struct {
		ReportTo string `json:"report_to"`
	}
	if err := errors.Join(json.Unmarshal([]byte(h["Report-To"][0]), &to), json.Unmarshal([]byte(h["Nel"][0]), &nel)); err != nil {
		t.Fatal(err)
	}
	if to.Group != nel.ReportTo || len(to.Endpoints) != 1 || to.Endpoints[0].URL != report.Path || h["Reporting-Endpoints"][0] != `default="`+report.Path+`"` {
		t.Errorf("%v", h)
	}
}

// Whatever is sent: nothing panics, and what is kept is short, printable and of one of our sites.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"[" + one("network-error", "https://www.example.test/a?b", fmt.Sprintf(network, "dns", 0, "dns.unreachable", "")) + "]",
		"[" + one("csp-violation", "https://www.example.test/", `{"effectiveDirective":"img-src","blockedURL":"data"}`) + "]",
		"[" + one("network-error", "https://www.example.test/", `{"type":"http.error","response_headers":{"X-Journey":["00"]}}`) + "]",
		`[{"type":"crash","url":"https://www.example.test/\u0007","age":1e18,"body":{"reason":"\u0000"}}]`, `[[[[`, `[null]`, `[{}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, ignored, err := report.Read(body, ours)
		if err != nil && len(list)+ignored > 0 || len(list) > 20 {
			t.Fatal(list, ignored, err)
		}
		for _, r := range list {
			text := r.Name + r.Note + r.Method + r.Proto + r.Path
			if len(text) > 1024 || strings.IndexFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
				t.Errorf("%q", text)
			}
			if !ours(r.Host) || r.Reason == trace.None || r.Reason == trace.ReasonOf("app.internal") || r.Age < 0 || r.Took < 0 || r.Status != 0 && (r.Status < 100 || r.Status > 599) {
				t.Errorf("%+v", r)
			}
		}
	})
}
