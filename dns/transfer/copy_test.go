package transfer_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/dns/transfer/tsig"
)

// exchange sends a packet and returns the answer, both as bytes.
func (h *house) exchange(t testing.TB, network string, packet []byte) []byte {
	t.Helper()
	c, err := new(net.Dialer).DialContext(context.Background(), network, h.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if network == "udp" {
		_, err = c.Write(packet)
		b := make([]byte, 4096)
		n, err2 := c.Read(b)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return b[:n]
	}
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)); err != nil {
		t.Fatal(err)
	}
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// verifyBadTime checks the signature of a refusal by the time at which the request was signed.
func verifyBadTime(t *testing.T, raw []byte, mac string) string {
	t.Helper()
	prior, err := hex.DecodeString(mac)
	if err != nil {
		t.Fatal(err)
	}
	s, err := tsig.Read(raw)
	if err != nil || s == nil {
		return fmt.Sprintf("no signature: %v", err)
	}
	m := new(miekg.Msg)
	if err := m.Unpack(raw); err != nil {
		t.Fatal(err)
	}
	k := tsig.Key{Name: "secondary", Algorithm: "hmac-sha256", Secret: []byte("a secret that two servers share!")}
	if fault, err := s.VerifyAnswer(k, prior, time.Unix(int64(m.IsTsig().TimeSigned), 0)); err != nil || fault != tsig.None {
		return fmt.Sprintf("the refusal can't be checked: %v, %v", fault, err)
	}
	return ""
}

// take asks for a transfer without a server, and returns the messages of the answer. reply is called for each of them first.
func (h *house) take(ctx context.Context, t testing.TB, m *miekg.Msg, tcp bool, reply func(n int) error) []*miekg.Msg {
	t.Helper()
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var all []*miekg.Msg
	x := &dns.Exchange{Packet: packet, Query: new(message.Query), TCP: tcp, Client: netip.MustParseAddrPort("127.0.0.1:5353")}
	if fault := message.Parse(packet, x.Query); fault != message.Sound {
		t.Fatal(fault)
	}
	x.Query.TCP = tcp
	x.Reply = func(b []byte) error {
		if reply != nil {
			if err := reply(len(all)); err != nil {
				return err
			}
		}
		if len(b) > 65535 || !tcp && len(b) > 1232 {
			t.Errorf("a message of %d bytes", len(b))
		}
		r := new(miekg.Msg)
		if err := r.Unpack(b); err != nil {
			t.Errorf("a message can't be read: %v", err)
		}
		all = append(all, r)
		return nil
	}
	if !h.Serve(ctx, x) {
		t.Error("it was not seen to")
	}
	return all
}

// records joins the records of all messages.
func records(all []*miekg.Msg) []miekg.RR {
	var rrs []miekg.RR
	for _, m := range all {
		rrs = append(rrs, m.Answer...)
	}
	return rrs
}

// large is a zone of many records, one of which is as large as can be.
func large(n int) config.Zone {
	z := config.Zone{Name: "large.test", Nameservers: []config.Name{{Text: "ns.other.test"}}, Transfer: to("", "127.0.0.1")}
	for i := range n {
		z.Records = append(z.Records, config.Name{Text: fmt.Sprintf("host%05d 300 A 10.1.%d.%d", i, i>>8&255, i&255)})
	}
	z.Records = append(z.Records, config.Name{Text: "long 300 TXT" + strings.Repeat(` "`+strings.Repeat("x", 255)+`"`, 200)})
	return z
}

// D60, for a zone of many messages: SOA first and last, every record once, nothing longer than a message can be.
func TestServe_SendsAllOfALargeZone(t *testing.T) {
	t.Parallel()
	h := newService(t, declare(t, config.Zone{}, large(5000)), 7)
	all := h.take(t.Context(), t, new(miekg.Msg).SetAxfr("large.test."), true, nil)
	got := records(all)
	var want []miekg.RR
	for rr := range h.zones.Load().Zones()[1].Records() {
		want = append(want, rr)
	}
	if len(want) < 5000 {
		t.Fatalf("the zone has %d records", len(want))
	}
	want = append(want, want[0])
	if !slices.Equal(texts(got), texts(want)) {
		t.Errorf("%d records came, of %d", len(got), len(want))
	}
	if got[0].Header().Rrtype != miekg.TypeSOA {
		t.Errorf("the first record is %v", got[0])
	}
	if len(all) < 3 || len(all) > 60 {
		t.Errorf("it took %d messages", len(all))
	}
	for i, m := range all {
		if !m.Authoritative || !m.Response || m.Rcode != 0 || len(m.Question) != 1 || m.Truncated || len(m.Ns) != 0 || len(m.Extra) != 0 {
			t.Fatalf("message %d:\n%v", i+1, m.MsgHdr)
		}
	}
	state := h.State()
	if len(state) != 1 || state[0].Held == nil || state[0].Held.Serial != h.zones.Load().Zones()[1].Serial() || state[0].Held.Records != int64(len(got)) {
		t.Errorf("the state is %+v", state)
	}
}

// A transfer is of one version, whatever changes while it runs.
func TestServe_SendsOneVersion(t *testing.T) {
	t.Parallel()
	d := declare(t, config.Zone{}, large(3000))
	h := newService(t, d, 7)
	other := large(10)
	d2 := declare(t, config.Zone{}, other)
	all := h.take(t.Context(), t, new(miekg.Msg).SetAxfr("large.test."), true, func(n int) error {
		if n == 1 {
			h.change(t, d2, 8)
		}
		return nil
	})
	got := records(all)
	first, last := got[0].(*miekg.SOA), got[len(got)-1].(*miekg.SOA)
	if len(got) < 3000 || first.Serial != last.Serial || first.Serial == h.zones.Load().Zones()[1].Serial() {
		t.Errorf("%d records, from serial %d to %d", len(got), first.Serial, last.Serial)
	}
}

// D61 and RFC 1995: IXFR is answered with the whole zone, or the SOA alone.
func TestServe_IXFR(t *testing.T) {
	t.Parallel()
	h := newService(t, declare(t, config.Zone{Transfer: to("", "127.0.0.1")}), 1)
	now := h.serial()
	for _, c := range []struct {
		name   string
		serial uint32
		tcp    bool
		whole  bool
	}{
		{"D61 the current serial", now, true, false},
		{"D61 the current serial over UDP", now, false, false},
		{"D45 an old serial over UDP", now - 1, false, false},
		{"an old serial", now - 1, true, true},
		{"a serial of another half of the circle", now + 1<<31 + 1, true, true},
		{"a serial that is ahead of ours", now + 1, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := new(miekg.Msg).SetIxfr("example.test.", c.serial, "ns.", "mail.").SetEdns0(1232, false)
			all := h.take(t.Context(), t, m, c.tcp, nil)
			got := records(all)
			if len(got) == 0 || got[0].(*miekg.SOA).Serial != now {
				t.Fatalf("the answer: %v", all)
			}
			if whole := len(got) > 1 && got[len(got)-1].String() == got[0].String(); whole != c.whole || !whole && len(got) != 1 {
				t.Errorf("%d records came", len(got))
			}
			if all[0].IsEdns0() == nil || !all[0].Authoritative || all[0].Question[0].Qtype != miekg.TypeIXFR {
				t.Errorf("the answer: %v", all[0])
			}
		})
	}
}

// Who reads nothing holds a place for as long as its connection lives; there are only so many, and none is for ever.
func TestServe_BoundsTransfers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newService(t, declare(t, config.Zone{}, large(3000)), 7)
		stuck := errors.New("reads nothing")
		ask := func() *miekg.Msg { return new(miekg.Msg).SetAxfr("large.test.") }
		const many = 32
		ended := make(chan int, many)
		for range many {
			go func() {
				ended <- len(h.take(t.Context(), t, ask(), true, func(int) error { time.Sleep(time.Minute); return stuck }))
			}()
		}
		synctest.Wait()
		start := time.Now()
		all := h.take(t.Context(), t, ask().SetEdns0(1232, false), true, nil)
		if len(all) != 1 || all[0].Rcode != miekg.RcodeServerFailure || !strings.Contains(words(all[0]), "ask again") {
			t.Errorf("one too many: %v", all)
		}
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("it waited %v for its turn", waited)
		}
		for range many {
			if n := <-ended; n != 0 {
				t.Errorf("%d messages were taken by one who reads nothing", n)
			}
		}
		if all := h.take(t.Context(), t, ask(), true, nil); len(all) < 3 {
			t.Errorf("afterwards: %v", all)
		}

		start = time.Now()
		slow := h.take(t.Context(), t, ask(), true, func(int) error { time.Sleep(4 * time.Minute); return nil })
		if took := time.Since(start); took > 10*time.Minute+6*time.Minute || len(slow) == 0 {
			t.Errorf("a slow reader held a place for %v, and got %d messages", took, len(slow))
		}
		if last := slow[len(slow)-1]; last.Rcode != miekg.RcodeServerFailure {
			t.Errorf("a slow reader is not told that this is not all: %v", last.MsgHdr)
		}
	})
}

// A server that stops leaves no transfer running.
func TestServe_EndsWithTheServer(t *testing.T) {
	t.Parallel()
	h := newService(t, declare(t, config.Zone{}, large(3000)), 7)
	ctx, stop := context.WithCancel(t.Context())
	all := h.take(ctx, t, new(miekg.Msg).SetAxfr("large.test."), true, func(int) error { stop(); return nil })
	if got := records(all); len(got) == 0 || got[len(got)-1].Header().Rrtype == miekg.TypeSOA {
		t.Errorf("%d records", len(got))
	}
}

// FuzzServe looks for messages, signed ones above all, that crash it or are answered with what nobody can read.
func FuzzServe(f *testing.F) {
	h := newService(f, declare(f, config.Zone{Transfer: to("secondary")}, config.Zone{Name: "near.test", Nameservers: []config.Name{{Text: "ns.other.test"}}, Transfer: to("", "127.0.0.1")}),
		7, func(o *transfer.Options) {
			o.Now = func() time.Time { return time.Unix(1795867200, 0) }
			o.Log = slog.New(slog.DiscardHandler)
		})
	for _, m := range []*miekg.Msg{
		new(miekg.Msg).SetAxfr("near.test."), new(miekg.Msg).SetIxfr("near.test.", 7, "a.", "b."), asked("example.test.", miekg.TypeSOA, miekg.OpcodeNotify),
		asked("example.test.", miekg.TypeSOA, miekg.OpcodeUpdate), new(miekg.Msg).SetAxfr("example.test."),
	} {
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet, true)
		signer := tsig.Request(tsig.Key{Name: "secondary", Algorithm: "hmac-sha256", Secret: []byte("a secret that two servers share!")})
		f.Add(signer.Sign(packet, time.Unix(1795867200, 0)), true)
	}
	f.Fuzz(func(t *testing.T, packet []byte, tcp bool) {
		x := &dns.Exchange{Packet: packet, Query: new(message.Query), TCP: tcp, Client: netip.MustParseAddrPort("127.0.0.1:5353")}
		if message.Parse(packet, x.Query) != message.Sound {
			return
		}
		x.Query.TCP = tcp
		x.Answer = func(q *message.Query, _ int) []byte {
			b := message.AppendQuestion(nil, q)
			message.PutHeader(b, q, message.Result{}, false)
			return b
		}
		var replies int
		x.Reply = func(b []byte) error {
			replies++
			if err := new(miekg.Msg).Unpack(b); err != nil || len(b) > 65535 || b[0] != packet[0] || b[1] != packet[1] {
				t.Fatalf("%v of %x", err, b)
			}
			return nil
		}
		if h.Serve(t.Context(), x) && replies == 0 {
			t.Fatal("it was seen to, and not answered")
		}
	})
}
