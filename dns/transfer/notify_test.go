package transfer_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
)

// listener is a secondary that hears NOTIFY and answers as a test says; nil answers nothing.
type listener struct {
	addr  netip.AddrPort
	heard chan *miekg.Msg
}

func hear(t *testing.T, answer func(n int, r *miekg.Msg, reply *miekg.Msg) *miekg.Msg) *listener {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(), heard: make(chan *miekg.Msg, 100)}
	n := 0
	s := &miekg.Server{PacketConn: conn, TsigSecret: map[string]string{"secondary.": secret}, MsgAcceptFunc: func(miekg.Header) miekg.MsgAcceptAction { return miekg.MsgAccept }}
	s.Handler = miekg.HandlerFunc(func(w miekg.ResponseWriter, r *miekg.Msg) {
		n++
		if err := w.TsigStatus(); err != nil {
			t.Errorf("the signature of NOTIFY: %v", err)
		}
		reply := new(miekg.Msg).SetReply(r)
		if s := r.IsTsig(); s != nil {
			reply.SetTsig(s.Hdr.Name, s.Algorithm, 300, int64(s.TimeSigned))
		}
		if reply = answer(n, r, reply); reply != nil {
			if err := w.WriteMsg(reply); err != nil {
				t.Error(err)
			}
		}
		l.heard <- r
	})
	started, ended := make(chan struct{}), make(chan error, 1)
	s.NotifyStartedFunc = func() { close(started) }
	go func() { ended <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return l
}

func confirms(_ int, _, reply *miekg.Msg) *miekg.Msg { return reply }

// tells makes a primary of one zone that tells those listeners.
func tells(t *testing.T, key string, all ...*listener) (*house, *config.DNS) {
	t.Helper()
	var peers []string
	for _, l := range all {
		peers = append(peers, l.addr.String())
	}
	transferTo := to(key, peers...)
	transferTo.Notify = true
	d := declare(t, config.Zone{Transfer: transferTo})
	return open(t, d, 1), d
}

func TestNotify_TellsOfEachNewSerial(t *testing.T) {
	t.Parallel()
	a, b := hear(t, confirms), hear(t, confirms)
	h, d := tells(t, "secondary", a, b)
	for step := range 3 {
		for _, l := range []*listener{a, b} {
			m := <-l.heard
			soa, ok := m.Answer[0].(*miekg.SOA)
			if !ok || soa.Serial != h.serial() || m.Opcode != miekg.OpcodeNotify || !m.Authoritative || m.IsTsig() == nil ||
				m.Question[0] != (miekg.Question{Name: "example.test.", Qtype: miekg.TypeSOA, Qclass: miekg.ClassINET}) {
				t.Errorf("step %d: heard\n%v", step, m)
			}
		}
		until(t, "both have confirmed", func() bool {
			s := h.State()
			return len(s) == 2 && s[0].Notified == h.serial() && s[1].Notified == h.serial() && s[0].Problem == "" && s[0].Attempts == 1
		})
		h.Changed() // nothing has: nobody is told
		h.change(t, d, h.serial()+1)
	}
}

func TestNotify_IsSentAgain(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(r, reply *miekg.Msg) *miekg.Msg{
		"no answer at all": nil, // the fastest of these: a refused port
		"SERVFAIL": func(_, reply *miekg.Msg) *miekg.Msg {
			reply.Rcode = miekg.RcodeServerFailure
			return reply
		},
		"an answer that is not signed": func(_, reply *miekg.Msg) *miekg.Msg {
			reply.Extra = nil
			return reply
		},
	} {
		if bad == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := hear(t, func(n int, r, reply *miekg.Msg) *miekg.Msg {
				if n < 3 {
					return bad(r, reply)
				}
				return reply
			})
			h, _ := tells(t, "secondary", l)
			until(t, "it has confirmed", func() bool { s := h.State(); return s[0].Notified == h.serial() && s[0].Attempts == 3 })
		})
	}
}

func TestNotify_ToNobody(t *testing.T) {
	t.Parallel()
	gone := &listener{addr: free(t)}
	h, d := tells(t, "", gone)
	until(t, "it was tried more than once", func() bool { s := h.State(); return s[0].Attempts > 1 && strings.Contains(s[0].Problem, "refused") })
	d2 := *d
	d2.Zones = []config.Zone{d.Zones[0]}
	d2.Zones[0].Transfer = to("", "127.0.0.1")
	h.change(t, &d2, h.serial())
	until(t, "it is given up", func() bool { s := h.State(); return len(s) == 1 && s[0].Attempts == 0 })
}

func TestNotify_ThatIsRefusedIsNotSentAgainUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	l := hear(t, func(n int, _, reply *miekg.Msg) *miekg.Msg {
		if n == 1 {
			reply.Rcode = miekg.RcodeNotAuth
		}
		return reply
	})
	h, _ := tells(t, "", l)
	until(t, "it was refused", func() bool { return strings.Contains(h.State()[0].Problem, "NOTAUTH") })
	h.Changed() // as after a reload, which may be what was wanting
	until(t, "it has confirmed", func() bool { s := h.State(); return s[0].Notified == h.serial() && s[0].Problem == "" })
}

func TestNotify_OnlyWhereItIsWanted(t *testing.T) {
	t.Parallel()
	l := hear(t, confirms)
	d := declare(t, config.Zone{Transfer: to("", l.addr.String())}) // notify: false
	h := open(t, d, 1)
	wanted := *d
	wanted.Zones = []config.Zone{d.Zones[0]}
	both := *d.Zones[0].Transfer
	both.Notify = true
	wanted.Zones[0].Transfer = &both
	h.change(t, &wanted, h.serial()+1)
	if m := <-l.heard; m.Answer[0].(*miekg.SOA).Serial != h.serial() {
		t.Errorf("the first that was heard is\n%v", m)
	}
}
