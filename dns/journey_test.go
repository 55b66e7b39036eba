package dns_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestServer_RecordsTheFirstOfAKind(t *testing.T) {
	t.Parallel()
	clock := time.Unix(1_800_000_000, 0)
	now := func() time.Time { return clock }
	r := trace.New(trace.Options{Now: now, Recent: 64})
	s := alone(t, dns.Options{Recorder: r, Now: now, Config: config.DNS{RateLimit: config.DNSLimit{Responses: 2}}, Visit: func(j *trace.Journey, udp bool, _ netip.AddrPort) {
		j.Add(trace.Hop{Layer: trace.Firewall, Verdict: trace.OK, Name: fmt.Sprint("udp ", udp)})
	}})
	d, far := s.Desk(), addrPort(t, "198.51.100.1:1000")
	for _, c := range []struct {
		name, typ string
		change    func(*miekg.Msg)
		verdict   trace.Verdict
		reason    string
		zone      string
		note      string
	}{
		{"www", "A", nil, trace.OK, "", "example.test", ""},
		{"X.Wild", "A", nil, trace.OK, "", "example.test", "A from the wildcard *.wild.example.test"},
		{"www", "MX", nil, trace.OK, "", "example.test", "the name has no MX records"},
		{"x.wild", "MX", nil, trace.OK, "", "example.test", "the wildcard *.wild.example.test has no MX records"},
		{"ent", "A", nil, trace.OK, "", "example.test", "only names below this one exist"},
		{"a.nope", "TYPE65280", nil, trace.Deny, "dns.no_name", "example.test", "the closest name that exists is example.test, and it has no wildcard"},
		{"x.sub", "A", nil, trace.OK, "", "example.test", "sub.example.test is delegated to other servers"},
		{"alias", "A", nil, trace.OK, "", "example.test", "a CNAME leads on"},
		{"dangling", "A", nil, trace.Deny, "dns.no_name", "example.test", "the CNAME leads to a name that does not exist"},
		{"loop1", "A", nil, trace.Deny, "dns.cname_loop", "example.test", "the CNAMEs lead in a circle"},
		{`a\.b\000.example.com.`, "A", nil, trace.Deny, "dns.not_ours", "no zone", "not a zone of this server"},
		{"other.test.", "AAAA", nil, trace.OK, "", "other.test", ""},
		{"www", "A", func(m *miekg.Msg) { m.Question[0].Qclass = miekg.ClassHESIOD }, trace.Deny, "dns.class", "no zone", "only class IN is served"},
		{"www", "A", func(m *miekg.Msg) { m.Opcode = miekg.OpcodeStatus }, trace.Deny, "dns.not_served", "no zone", "an opcode that is not served"},
		{"www", "A", func(m *miekg.Msg) { edns(1232)(m); m.Extra = append(m.Extra, m.Extra[0]) }, trace.Deny, "dns.malformed", "no zone", "two OPT records"},
	} {
		clock = clock.Add(time.Minute)
		change := c.change
		if change == nil {
			change = func(*miekg.Msg) {}
		}
		b := d.Serve(packet(t, c.name, c.typ, change), far, false)
		j := r.Select(trace.Filter{}, 1)[0]
		if j.Kind != trace.Query || !j.Start.Equal(clock) || j.Proto != "udp" || j.Client != far.Addr() || j.Bytes != int64(len(b)) || j.Status != unpack(t, b).Rcode || len(j.Hops) != 2 {
			t.Errorf("%s %s: %+v", c.name, c.typ, j)
			continue
		}
		if c.reason != "dns.not_served" && (j.Host != strings.TrimSuffix(absolute(c.name), ".") || j.Method != c.typ) {
			t.Errorf("%s %s: asked %s %s", c.name, c.typ, j.Host, j.Method)
		}
		h := j.Hops[1]
		if h.Layer != trace.DNS || h.Verdict != c.verdict || h.Reason.Code() != c.reason || j.Reason != h.Reason || h.Name != c.zone || h.Note != c.note || h.Evidence != trace.Seen || j.Hops[0].Name != "udp true" {
			t.Errorf("%s %s: %+v, reason %s", c.name, c.typ, h, h.Reason.Code())
		}
	}
	clock = clock.Add(time.Minute)
	for range 3 {
		d.Serve(packet(t, "www", "A"), far, false)
	}
	limited := 0
	for _, j := range r.Select(trace.Filter{}, 64) {
		if j.Reason.Code() == "dns.rate_limited" && j.Hops[1].Note == "more than 2 answers of this kind a second" {
			limited++
		}
	}
	if limited != 1 {
		t.Errorf("%d journeys say that an answer was held back", limited)
	}
}

func TestServer_RecordsFewOfMany(t *testing.T) {
	t.Parallel()
	clock := time.Unix(1_800_000_000, 0)
	now := func() time.Time { return clock }
	r := trace.New(trace.Options{Now: now, Recent: 4096})
	d, far := alone(t, dns.Options{Recorder: r, Now: now}).Desk(), addrPort(t, "198.51.100.1:1000")
	for i := range 1000 {
		d.Serve(packet(t, "www", "A"), far, false)
		d.Serve(packet(t, fmt.Sprintf("x%d.example.com.", i), "A"), far, false)
	}
	refused := 0
	all := r.Select(trace.Filter{}, 4096)
	for _, j := range all {
		if j.Reason != trace.None {
			refused++
		}
	}
	if refused < 5 || len(all) > 11 {
		t.Errorf("of 1000 refusals %d have a journey, of all %d", refused, len(all))
	}
	before := len(all)
	clock = clock.Add(time.Second)
	d.Serve(packet(t, "www", "A"), far, false)
	if n := len(r.Select(trace.Filter{}, 4096)); n != before+1 {
		t.Errorf("in the next second there are %d more", n-before)
	}
}

func TestServer_AnswersProbes(t *testing.T) {
	t.Parallel()
	signer, err := probe.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	r := recorder()
	h := run(t, "127.0.0.1", dns.Options{Recorder: r, Probe: signer})
	id := trace.ID{1, 2, 3, 15: 4}
	good := signer.Name(id, time.Now().Add(time.Minute), "example.test") + "."
	upper := strings.ToUpper(good)
	bad := "0" + good[1:]
	if good[0] == '0' {
		bad = "1" + good[1:]
	}
	old := signer.Name(id, time.Now().Add(-time.Minute), "example.test") + "."
	for _, c := range []struct {
		name, typ, want, data string
	}{
		{good, "A", "NOERROR aa 1/0/0 opt 1232", "192.0.2.10"},
		{good, "AAAA", "NOERROR aa 1/0/0 opt 1232", "2001:db8::10"},
		{upper, "A", "NOERROR aa 1/0/0 opt 1232", "192.0.2.10"},
		{good, "HTTPS", "NOERROR aa 0/1/0 opt 1232", ""},
		{old, "A", "NXDOMAIN aa 0/1/0 opt 1232 ede 0: the probe has expired", ""},
		{bad, "A", "NXDOMAIN aa 0/1/0 opt 1232 ede 0: the probe is not one of this server", ""},
		{signer.Name(id, time.Now().Add(time.Minute), "other.test") + ".", "AAAA", "NOERROR aa 1/0/0 opt 1232", "2001:db8::77"}, // not the wildcard's
		{"short.diag.other.test.", "A", "NOERROR aa 1/0/0 opt 1232", "192.0.2.77"},
		{signer.Name(id, time.Now().Add(time.Minute), "www.example.test") + ".", "A", "NXDOMAIN aa 0/1/0 opt 1232", ""},
		{signer.Name(id, time.Now().Add(time.Minute), "example.com") + ".", "A", "REFUSED 0/0/0 opt 1232 ede 20: not a zone of this server", ""},
	} {
		for _, network := range []string{"udp", "tcp"} {
			m := unpack(t, exchange(t, network, h.udp, packet(t, c.name, c.typ, edns(1232))))
			if got := brief(m); got != c.want {
				t.Errorf("%s %s: %s, want %s", c.name, c.typ, got, c.want)
			}
			for _, rr := range append(m.Answer, m.Ns...) {
				if strings.Contains(c.name, "short") {
					continue
				}
				if rr.Header().Ttl != 0 && !strings.Contains(c.name, "www") {
					t.Errorf("%s may be kept: %v", c.name, rr)
				}
			}
			if c.data != "" && (len(m.Answer) != 1 || !strings.HasSuffix(m.Answer[0].String(), "\t"+c.data) || m.Answer[0].Header().Name != c.name) {
				t.Errorf("%s: %v", c.name, m.Answer)
			}
		}
	}
	probes := 0
	for _, j := range r.Select(trace.Filter{}, 64) {
		if j.ID == id {
			probes++
		}
	}
	if probes != 10 { // five good ones, over UDP and TCP
		t.Errorf("%d journeys have the id of the probe", probes)
	}
}
