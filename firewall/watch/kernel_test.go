package watch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/flows"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/nflog"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// twoRules lets in what rule 1 (tcp and udp 7001) and rule 2 (7002) allow, with marks, and logs what it drops.
const twoRules = `
table inet t {
	chain in {
		type filter hook input priority 0; policy drop;
		iifname "lo" accept
		ct state invalid log prefix "rt:in:invalid_state" group 5333 drop
		ct state established,related accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
		meta l4proto { tcp, udp } th dport 7001 meta mark set 0x00010000 ct mark set 0x00010000 accept
		meta l4proto { tcp, udp } th dport 7002 meta mark set 0x00020000 ct mark set 0x00020000 accept
		log prefix "rt:in:no_rule" group 5333 drop
	}
}`

// withoutSecond is the same after rule 2 has gone.
const withoutSecond = `
flush table inet t
table inet t {
	chain in {
		type filter hook input priority 0; policy drop;
		iifname "lo" accept
		ct state established,related accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
		meta l4proto { tcp, udp } th dport 7001 meta mark set 0x00010000 ct mark set 0x00010000 accept
		log prefix "rt:in:no_rule" group 5333 drop
	}
}`

const mask = 0x00ff0000

func TestNFLOG_HearsOfDroppedPackets(t *testing.T) {
	t.Parallel()
	server, client := wire(t)
	server.nft(t, twoRules)
	r, err := nflog.Open(nflog.Options{Group: firewall.LogGroup, NetNS: server.fd()})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan nflog.Packet, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx, func(p nflog.Packet) { got <- p }) }()

	if _, err := nflog.Open(nflog.Options{Group: firewall.LogGroup, NetNS: server.fd()}); !errors.Is(err, nflog.ErrRefused) {
		t.Errorf("a second reader: %v", err)
	}
	for _, to := range []netip.Addr{server4, server6} {
		c := client.dial(t, "udp", netip.AddrPortFrom(to, 5432))
		if _, err := c.Write([]byte("anybody?")); err != nil {
			t.Fatal(err)
		}
		select {
		case p := <-got:
			from := map[netip.Addr]netip.Addr{server4: client4, server6: client6}[to]
			if p.Prefix != "rt:in:no_rule" || p.From != from || p.To != to || p.Protocol != firewall.UDP || p.ToPort != 5432 || p.In == 0 {
				t.Errorf("got %+v", p)
			}
		case <-time.After(patience):
			t.Fatal("the dropped packet was not told of")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
	if r.Lost() != 0 || r.Odd() != 0 {
		t.Errorf("%d were lost, %d could not be read", r.Lost(), r.Odd())
	}
}

func TestMarks_NameTheRuleOfAConnection(t *testing.T) {
	t.Parallel()
	server, client := wire(t)
	server.nft(t, twoRules)
	arrive := func() (on bool, fix string) {
		server.do(t, func() (err error) { on, fix, err = watch.MarksArrive(); return err })
		return on, fix
	}
	if on, fix := arrive(); on || fix == "" {
		t.Errorf("before the setting: %t, %q", on, fix)
	}
	server.run(t, "sysctl", "-q", "-w", "net.ipv4.tcp_fwmark_accept=1")
	if on, _ := arrive(); !on {
		t.Error("after the setting marks do not arrive")
	}
	for _, to := range []netip.Addr{server4, server6} {
		for rule := uint16(1); rule <= 2; rule++ {
			at := netip.AddrPortFrom(to, 7000+rule)
			accepted := server.listen(t, at)
			client.dial(t, "tcp", at)
			c := <-accepted
			mark, ok := watch.MarkOf(c)
			if id, named := firewall.RuleOfMark(mark, mask); !ok || !named || id != rule {
				t.Errorf("tcp %s: mark %#x, %t, is rule %d", at, mark, ok, id)
			}
			_ = c.Close()
		}
	}
	a, b := net.Pipe()
	if _, ok := watch.MarkOf(a); ok {
		t.Error("a connection without a socket has a mark")
	}
	_, _ = a.Close(), b.Close()
}

// echo sends a byte there and back.
func echo(client, server net.Conn) error {
	_, _ = client.SetDeadline(time.Now().Add(patience)), server.SetDeadline(time.Now().Add(patience))
	b := []byte{'x'}
	if _, err := client.Write(b); err != nil {
		return err
	}
	if _, err := io.ReadFull(server, b); err != nil {
		return err
	}
	if _, err := server.Write(b); err != nil {
		return err
	}
	_, err := io.ReadFull(client, b)
	return err
}

// find returns the flow to a port.
func find(t *testing.T, table *flows.Table, protocol uint8, to netip.AddrPort) (flows.Flow, bool) {
	t.Helper()
	var found flows.Flow
	err := table.Each(func(f *flows.Flow) {
		if f.Protocol == protocol && f.To == to {
			found = *f
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, found.Protocol != 0
}

func openTable(t *testing.T, n *namespace) *flows.Table {
	t.Helper()
	table, err := flows.Open(flows.Options{NetNS: n.fd()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	return table
}

func TestCut_EndsOneFlowAtBothSidesAndLeavesTheOther(t *testing.T) {
	t.Parallel()
	for _, at := range []netip.Addr{server4, server6} {
		server, client := wire(t)
		server.nft(t, twoRules)
		table := openTable(t, server)
		first, second := netip.AddrPortFrom(at, 7001), netip.AddrPortFrom(at, 7002)
		// The second one listens on all addresses, so that its sockets are of IPv6 whatever is spoken on them.
		accept1, accept2 := server.listen(t, first), server.listen(t, netip.AddrPortFrom(netip.IPv6Unspecified(), 7002))
		there1, there2 := client.dial(t, "tcp", first), client.dial(t, "tcp", second)
		here1, here2 := <-accept1, <-accept2
		t.Cleanup(func() { _, _ = here1.Close(), here2.Close() })
		if err := errors.Join(echo(there1, here1), echo(there2, here2)); err != nil {
			t.Fatal(err)
		}
		server.nft(t, withoutSecond)
		if err := echo(there2, here2); err != nil {
			t.Fatalf("removing the rule ended the flow: %v", err)
		}
		f, ok := find(t, table, firewall.TCP, second)
		if id, marked := firewall.RuleOfMark(f.Mark, mask); !ok || !f.Answered || !marked || id != 2 {
			t.Fatalf("the flow of rule 2 is %+v, %t", f, ok)
		}
		done, err := table.Cut(&f)
		if err != nil || !done.Entry || !done.Socket {
			t.Errorf("cut: %+v, %v", done, err)
		}
		b := make([]byte, 1)
		if _, err := there2.Read(b); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client's end says %v", err)
		}
		if _, err := here2.Read(b); !errors.Is(err, syscall.ECONNABORTED) {
			t.Errorf("the server's end says %v", err)
		}
		if err := echo(there1, here1); err != nil {
			t.Errorf("the other flow: %v", err)
		}
		if left, ok := find(t, table, firewall.TCP, second); ok {
			t.Errorf("the table still has %+v", left)
		}
		if done, err = table.Cut(&f); err != nil || done.Entry || done.Socket {
			t.Errorf("cut once more: %+v, %v", done, err)
		}
	}
}

// The kernel answers with the listener where a socket is not there any more; ending that would close the door for all.
func TestCut_LeavesTheListener(t *testing.T) {
	t.Parallel()
	server, client := wire(t)
	server.nft(t, twoRules)
	table := openTable(t, server)
	at := netip.AddrPortFrom(server4, 7001)
	accepted := server.listen(t, at)
	there := client.dial(t, "tcp", at)
	here := <-accepted
	f, ok := find(t, table, firewall.TCP, at)
	if !ok {
		t.Fatal("there is no flow")
	}
	_ = here.(*net.TCPConn).SetLinger(0) // gone at once
	_ = here.Close()
	if _, err := there.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("the client's end says %v", err)
	}
	if done, err := table.Cut(&f); err != nil || done.Socket {
		t.Errorf("cut: %+v, %v", done, err)
	}
	again := client.dial(t, "tcp", at)
	here = <-accepted
	defer func() { _ = here.Close() }()
	if err := echo(again, here); err != nil {
		t.Errorf("a connection after the cut: %v", err)
	}
}

func TestCut_EndsAFlowOfUDP(t *testing.T) {
	t.Parallel()
	server, client := wire(t)
	server.nft(t, twoRules)
	table := openTable(t, server)
	send := func(c net.Conn) {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	first, second := netip.AddrPortFrom(server4, 7001), netip.AddrPortFrom(server4, 7002)
	here1, here2 := server.packets(t, first), server.packets(t, second)
	there1, there2 := client.dial(t, "udp", first), client.dial(t, "udp", second)
	receive := func(c *net.UDPConn, wait time.Duration) (netip.AddrPort, error) {
		_ = c.SetReadDeadline(time.Now().Add(wait))
		_, from, err := c.ReadFromUDPAddrPort(make([]byte, 8))
		return from, err
	}
	for c, s := range map[net.Conn]*net.UDPConn{there1: here1, there2: here2} {
		send(c)
		from, err := receive(s, patience)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteToUDPAddrPort([]byte("y"), from); err != nil { // answered: now it is an established flow
			t.Fatal(err)
		}
	}
	server.nft(t, withoutSecond)
	send(there2)
	if _, err := receive(here2, patience); err != nil {
		t.Fatalf("removing the rule ended the flow: %v", err)
	}
	f, ok := find(t, table, firewall.UDP, second)
	if !ok {
		t.Fatal("there is no flow")
	}
	if done, err := table.Cut(&f); err != nil || !done.Entry || done.Socket {
		t.Errorf("cut: %+v, %v", done, err)
	}
	send(there2)
	send(there1) // the wire keeps their order: when this one is here, the other one was dropped
	if _, err := receive(here1, patience); err != nil {
		t.Errorf("the other flow: %v", err)
	}
	if _, err := receive(here2, time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the cut: %v", err)
	}
}

func TestFill_SaysHowFullTheTableIs(t *testing.T) {
	t.Parallel()
	server, client := wire(t)
	server.nft(t, twoRules)
	at := netip.AddrPortFrom(server4, 7001)
	accepted := server.listen(t, at)
	client.dial(t, "tcp", at)
	here := <-accepted
	defer func() { _ = here.Close() }()
	fill, err := openTable(t, server).Fill()
	if err != nil || fill.Entries == 0 || fill.Max < fill.Entries {
		t.Errorf("%+v, %v", fill, err)
	}
}
