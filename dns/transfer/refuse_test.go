package transfer_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// asked makes a message that asks, of an opcode, with EDNS.
func asked(name string, typ uint16, opcode int) *miekg.Msg {
	m := new(miekg.Msg).SetQuestion(name, typ)
	m.Opcode = opcode
	m.RecursionDesired = false
	return m.SetEdns0(1232, false)
}

// Cases of the study: D45, D51, D52, D61 and D62.
func TestServe_Refuses(t *testing.T) {
	t.Parallel()
	d := declare(t, config.Zone{Transfer: to("secondary", "127.0.0.1")},
		config.Zone{Name: "closed.test", Nameservers: []config.Name{{Text: "ns.other.test"}}},
		config.Zone{Name: "far.test", Nameservers: []config.Name{{Text: "ns.other.test"}}, Transfer: to("", "192.0.2.53")},
		config.Zone{Name: "near.test", Nameservers: []config.Name{{Text: "ns.other.test"}}, Transfer: to("", "127.0.0.1")},
	)
	var calls atomic.Int64
	h := open(t, d, 1, func(o *transfer.Options) { // so few in a second that each has a journey
		o.Now = func() time.Time { return time.Now().Add(time.Duration(calls.Add(1)) * 250 * time.Millisecond) }
	})
	signed := func(m *miekg.Msg, key, algorithm string, at time.Time) *miekg.Msg {
		return m.SetTsig(key, algorithm, 300, at.Unix())
	}
	now := time.Now()
	for _, c := range []struct {
		name    string
		network string
		m       *miekg.Msg
		rcode   int
		words   string
		reason  string
	}{
		{"D45 AXFR over UDP", "udp", asked("near.test.", miekg.TypeAXFR, 0), miekg.RcodeFormatError, "TCP", "dns.transfer_udp"},
		{"D51 NOTIFY for a zone of ours", "udp", asked("example.test.", miekg.TypeSOA, miekg.OpcodeNotify), miekg.RcodeRefused, "primary", "dns.notify"},
		{"D51 NOTIFY for another zone", "udp", asked("example.com.", miekg.TypeSOA, miekg.OpcodeNotify), miekg.RcodeNotAuth, "not a zone", "dns.not_ours"},
		{"D51 NOTIFY for a name within a zone of ours", "tcp", asked("www.example.test.", miekg.TypeSOA, miekg.OpcodeNotify), miekg.RcodeNotAuth, "not a zone", "dns.not_ours"},
		{"D52 UPDATE of a zone of ours", "udp", asked("example.test.", miekg.TypeSOA, miekg.OpcodeUpdate), miekg.RcodeRefused, "not changed over the network", "dns.update"},
		{"D52 UPDATE of another zone", "tcp", asked("example.com.", miekg.TypeSOA, miekg.OpcodeUpdate), miekg.RcodeNotAuth, "not a zone", "dns.not_ours"},
		{"D62 AXFR from an address that may not", "tcp", asked("far.test.", miekg.TypeAXFR, 0), miekg.RcodeRefused, "this address", "dns.transfer_address"},
		{"D62 IXFR over UDP from an address that may not", "udp", asked("far.test.", miekg.TypeIXFR, 0), miekg.RcodeRefused, "this address", "dns.transfer_address"},
		{"D62 AXFR without a key", "tcp", asked("example.test.", miekg.TypeAXFR, 0), miekg.RcodeRefused, "must be signed", "dns.transfer_unsigned"},
		{"D62 AXFR of a zone that is not for copying", "tcp", asked("closed.test.", miekg.TypeAXFR, 0), miekg.RcodeRefused, "no transfer", "dns.transfer_undeclared"},
		{"D62 AXFR of another zone", "tcp", asked("example.com.", miekg.TypeAXFR, 0), miekg.RcodeNotAuth, "not a zone", "dns.not_ours"},
		{"D62 AXFR of a name within a zone", "tcp", asked("www.example.test.", miekg.TypeAXFR, 0), miekg.RcodeNotAuth, "not a zone", "dns.not_ours"},
		{"D62 a key that is good, and of another zone", "tcp", signed(asked("example.test.", miekg.TypeAXFR, 0), "second.", miekg.HmacSHA384, now), miekg.RcodeRefused, "another key", "dns.transfer_key"},
		{"IXFR that does not say what it has", "tcp", asked("near.test.", miekg.TypeIXFR, 0), miekg.RcodeFormatError, "serial", "dns.transfer_malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			isSigned := c.m.IsTsig() != nil
			r := h.ask(t, c.network, c.m)
			if r.Rcode != c.rcode || r.Opcode != c.m.Opcode || r.Id != c.m.Id || !r.Response || r.Authoritative || len(r.Answer)+len(r.Ns) != 0 {
				t.Errorf("the answer:\n%v", r)
			}
			if len(r.Question) != 1 || r.Question[0] != c.m.Question[0] {
				t.Errorf("the question came back as %v", r.Question)
			}
			if got := words(r); !strings.Contains(got, c.words) {
				t.Errorf("it says %q, and nothing of %q", got, c.words)
			}
			if (r.IsTsig() != nil) != isSigned {
				t.Errorf("the signature of the answer: %v", r.IsTsig())
			}
			h.expectReason(t, c.m, c.reason)
		})
	}
}

// expectReason waits for the journey of a message: it ends after the answer has left.
func (h *house) expectReason(t *testing.T, m *miekg.Msg, want string) {
	t.Helper()
	name, verb := strings.TrimSuffix(m.Question[0].Name, "."), miekg.TypeToString[m.Question[0].Qtype]
	if m.Opcode != miekg.OpcodeQuery {
		verb = miekg.OpcodeToString[m.Opcode]
	}
	until(t, fmt.Sprintf("a journey of %s %s with %s", verb, name, want), func() bool {
		for _, j := range h.recorder.Select(trace.Filter{}, 64) {
			if j.Host == name && j.Method == verb && j.Reason.Code() == want && len(j.Hops) == 1 && j.Hops[0].Note != "" {
				return true
			}
		}
		return false
	})
}

// D62: what is wrong with a signature is said as RFC 8945 has it, and in words; signed where whoever asked can check it.
func TestServe_BadSignatures(t *testing.T) {
	t.Parallel()
	h := open(t, declare(t, config.Zone{Transfer: to("secondary")}), 1)
	other := "YW5vdGhlciBzZWNyZXQgdGhhbiB0aGUgb25lIGhlcmU="
	for _, c := range []struct {
		name, key, algorithm, secret string
		at                           time.Duration
		want                         int
		words                        string
	}{
		{"a key that nobody has", "unknown.", miekg.HmacSHA256, secret, 0, miekg.RcodeBadKey, "no key"},
		{"another algorithm", "secondary.", miekg.HmacSHA512, secret, 0, miekg.RcodeBadKey, "no key"},
		{"an old algorithm", "secondary.", miekg.HmacSHA1, secret, 0, miekg.RcodeBadKey, "no key"},
		{"another secret", "secondary.", miekg.HmacSHA256, other, 0, miekg.RcodeBadSig, "same secret"},
		{"signed long ago", "secondary.", miekg.HmacSHA256, secret, -time.Hour, miekg.RcodeBadTime, "clocks"},
		{"signed in the future", "secondary.", miekg.HmacSHA256, secret, time.Hour, miekg.RcodeBadTime, "clocks"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(c.name+" over "+network, func(t *testing.T) {
				t.Parallel()
				m := asked("example.test.", miekg.TypeSOA, 0).SetTsig(c.key, c.algorithm, 300, h.now().Add(c.at).Unix())
				packet, mac, err := miekg.TsigGenerate(m, c.secret, "", false)
				if err != nil {
					t.Fatal(err)
				}
				raw := h.exchange(t, network, packet)
				r := new(miekg.Msg)
				if err := r.Unpack(raw); err != nil {
					t.Fatal(err)
				}
				s := r.IsTsig()
				if r.Rcode != miekg.RcodeNotAuth || len(r.Answer) != 0 || s == nil || int(s.Error) != c.want || !strings.Contains(words(r), c.words) {
					t.Fatalf("the answer:\n%v", r)
				}
				if c.want != miekg.RcodeBadTime {
					if s.MACSize != 0 {
						t.Errorf("it is signed, with what nobody shares: %v", s)
					}
					return
				}
				if s.OtherLen != 6 || s.TimeSigned != uint64(h.now().Add(c.at).Unix()) && s.TimeSigned != uint64(h.now().Add(c.at).Unix())-1 {
					t.Errorf("the times: %v", s)
				}
				// miekg refuses to check what has RCODE NOTAUTH, so the code is put back for the check to the one that was signed.
				if got := verifyBadTime(t, raw, mac); got != "" {
					t.Error(got)
				}
			})
		}
	}
}

// Queries of other kinds may be signed too, as secondaries poll the SOA: the answer is what it always is, and signed.
func TestServe_SignedQueries(t *testing.T) {
	t.Parallel()
	h := open(t, declare(t, config.Zone{}), 1)
	for _, network := range []string{"udp", "tcp"} {
		for key, algorithm := range map[string]string{"secondary.": miekg.HmacSHA256, "second.": miekg.HmacSHA384, "third.": miekg.HmacSHA512} {
			t.Run(network+" "+algorithm, func(t *testing.T) {
				t.Parallel()
				for _, q := range []struct {
					name    string
					typ     uint16
					rcode   int
					answers int
				}{
					{"example.test.", miekg.TypeSOA, miekg.RcodeSuccess, 1},
					{"www.example.test.", miekg.TypeA, miekg.RcodeSuccess, 2},
					{"nope.example.test.", miekg.TypeA, miekg.RcodeNameError, 0},
					{"example.com.", miekg.TypeA, miekg.RcodeRefused, 0},
				} {
					r := h.ask(t, network, asked(q.name, q.typ, 0).SetTsig(key, algorithm, 300, h.now().Unix()))
					if r.Rcode != q.rcode || len(r.Answer) != q.answers || r.IsTsig() == nil || r.IsTsig().Error != 0 {
						t.Errorf("%s:\n%v", q.name, r)
					}
				}
			})
		}
	}
}

// An answer that does not fit says so within the bounds of UDP, its signature included.
func TestServe_SignedAnswersThatAreCut(t *testing.T) {
	t.Parallel()
	h := open(t, declare(t, config.Zone{}), 1)
	for size, bound := range map[uint16]int{0: 512, 700: 700, 4096: 1232} {
		m := new(miekg.Msg).SetQuestion("big.example.test.", miekg.TypeTXT)
		if size > 0 {
			m.SetEdns0(size, false)
		}
		packet, mac, err := miekg.TsigGenerate(m.SetTsig("secondary.", miekg.HmacSHA256, 300, h.now().Unix()), secret, "", false)
		if err != nil {
			t.Fatal(err)
		}
		raw := h.exchange(t, "udp", packet)
		r := new(miekg.Msg)
		if err := r.Unpack(raw); err != nil {
			t.Fatal(err)
		}
		if len(raw) > bound || !r.Truncated || len(r.Answer) != 0 {
			t.Errorf("of %d bytes: %d bytes,\n%v", bound, len(raw), r)
		}
		if err := miekg.TsigVerify(raw, secret, mac, false); err != nil {
			t.Error(err)
		}
	}
	r := h.ask(t, "tcp", new(miekg.Msg).SetQuestion("big.example.test.", miekg.TypeTXT).SetTsig("secondary.", miekg.HmacSHA256, 300, h.now().Unix()))
	if r.Truncated || len(r.Answer) < 10 {
		t.Errorf("over TCP:\n%v", r)
	}
}

// One connection may ask for several things, a transfer between them.
func TestServe_SeveralOverOneConnection(t *testing.T) {
	t.Parallel()
	h := open(t, declare(t, config.Zone{Transfer: to("", "127.0.0.1")}), 1)
	c, err := miekg.DialTimeout("tcp", h.addr.String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	c.TsigSecret = map[string]string{"second.": secret}
	asked := []*miekg.Msg{
		new(miekg.Msg).SetQuestion("www.example.test.", miekg.TypeA),
		new(miekg.Msg).SetAxfr("example.test."),
		new(miekg.Msg).SetQuestion("www.example.test.", miekg.TypeAAAA),
		new(miekg.Msg).SetAxfr("example.test."),
		new(miekg.Msg).SetQuestion("example.test.", miekg.TypeSOA).SetTsig("second.", miekg.HmacSHA384, 300, h.now().Unix()),
	}
	for _, m := range asked {
		if err := c.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range asked {
		r, err := c.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		whole := len(r.Answer) > 100 && r.Answer[0].String() == r.Answer[len(r.Answer)-1].String()
		if r.Id != m.Id || len(r.Answer) == 0 || whole != (m.Question[0].Qtype == miekg.TypeAXFR) {
			t.Fatalf("asked:\n%v\n\nthe answer:\n%v", m, r)
		}
	}
}
