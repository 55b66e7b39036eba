package kernel_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

func TestSessions_FindsWhoOperates(t *testing.T) {
	space(t)
	run(t, "ip", "addr", "add", "198.18.5.1/24", "dev", "lo")
	run(t, "ip", "addr", "add", "2001:db8:5::1/64", "dev", "lo", "nodad")
	settled(t, "2001:db8:5::1")
	for _, at := range []string{"198.18.5.1", "2001:db8:5::1"} { // a connection to oneself shows both ends
		server, err := net.Listen("tcp", net.JoinHostPort(at, "22"))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		client, err := net.Dial("tcp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
	}
	sessions, err := kernel.Sessions("203.0.113.9 51234 192.0.2.1 2222")
	if err != nil {
		t.Fatal(err)
	}
	want := []kernel.Session{
		{Remote: netip.MustParseAddr("203.0.113.9"), Port: 2222, How: "your own SSH connection"},
		{Remote: netip.MustParseAddr("198.18.5.1"), Port: 22, How: "an SSH connection that is open now"},
		{Remote: netip.MustParseAddr("2001:db8:5::1"), Port: 22, How: "an SSH connection that is open now"},
	}
	if len(sessions) != len(want) {
		t.Fatalf("%+v", sessions)
	}
	for i := range want {
		if sessions[i] != want[i] {
			t.Errorf("%+v, not %+v", sessions[i], want[i])
		}
	}
	for _, broken := range []string{"", "203.0.113.9", "x 1 y 2", "203.0.113.9 1 192.0.2.1 99999"} {
		if s, err := kernel.Sessions(broken); err != nil || len(s) != 2 {
			t.Errorf("SSH_CONNECTION=%q: %+v, %v", broken, s, err)
		}
	}
}

func TestKeepsOperators_NamesTheRuleToAdd(t *testing.T) {
	t.Parallel()
	sessions := []kernel.Session{
		{Remote: netip.MustParseAddr("203.0.113.9"), Port: 22, How: "your own SSH connection"},
		{Remote: netip.MustParseAddr("2001:db8::9"), Port: 22, How: "an SSH connection that is open now"},
		{Remote: netip.MustParseAddr("192.0.2.1"), Port: 22, How: "an SSH connection that is open now"},
	}
	err := kernel.KeepsOperators(policyOf(t, nil, in(networks("192.0.2.0/24"), ports(firewall.TCP, 22, 22))), sessions)
	if err == nil {
		t.Fatal("locked out")
	}
	for _, part := range []string{"- { allow: tcp/22, from: [203.0.113.9] }", "- { allow: tcp/22, from: [2001:db8::9] }", "your own SSH connection", "(web)", "--lock-out"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not said: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("a session that stays is named: %v", err)
	}
	if err := kernel.KeepsOperators(policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 22, 22))), sessions); err != nil {
		t.Error(err)
	}
}

func TestSockets_ListsWhatListens(t *testing.T) {
	space(t)
	tcp, err := net.Listen("tcp4", "0.0.0.0:8080")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "[::1]:5353")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	list, err := kernel.Sockets(true)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []string{"0.0.0.0:8080", "[::1]:5353"} {
		if list[i].Local.String() != want || list[i].Program != "kernel.test" {
			t.Errorf("%+v, not %s of this test", list[i], want)
		}
	}
}
