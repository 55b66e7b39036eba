package dns_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
)

// malformed are 24 messages that no sound client sends (D53 to D56, and worse), and the code that each is answered with; ""
// is silence.
func malformed(t testing.TB) []struct {
	name, packet, code string
} {
	t.Helper()
	const (
		one = "1234 0100 0001 0000 0000 0000"
		www = "03777777 07 6578616d706c65 04 74657374 00 0001 0001"
		opt = "00 0029 04d0 00000000"
	)
	label := func(n int) string {
		return hex.EncodeToString(append([]byte{byte(n)}, bytes.Repeat([]byte("a"), n)...))
	}
	return []struct{ name, packet, code string }{
		{"D53 one byte", "00", ""},
		{"D53 eleven bytes", "1234 0100 0001 0000 0000 00", ""},
		{"D53 an answer", "1234 8180 0001 0000 0000 0000" + www, ""},
		{"D53 an answer of an unknown opcode", "1234 f900 0001 0000 0000 0000" + www, ""},
		{"D54 a header alone", "1234 0100 0000 0000 0000 0000", "FORMERR"},
		{"D54 a header that promises a question", one, "FORMERR"},
		{"D54 two questions", "1234 0100 0002 0000 0000 0000" + www + www, "FORMERR"},
		{"D54 65535 questions", "1234 0100 ffff 0000 0000 0000" + www, "FORMERR"},
		{"D54 a label of 64", one + label(64) + "00 0001 0001", "FORMERR"},
		{"D54 a label of 191", one + "bf" + strings.Repeat("61", 191) + "00 0001 0001", "FORMERR"},
		{"D54 a name of 256", one + strings.Repeat(label(61), 4) + label(6) + "00 0001 0001", "FORMERR"},
		{"D54 a pointer to itself", one + "c00c 0001 0001", "FORMERR"},
		{"D54 a pointer into the header", one + "c000 0001 0001", "FORMERR"},
		{"D54 a pointer forward", one + "c012 0001 0001 0377777700", "FORMERR"},
		{"D54 a cut name", one + "03 7777", "FORMERR"},
		{"D54 a question without a class", one + "03777777 00 0001", "FORMERR"},
		{"D55 a missing answer", "1234 0100 0001 0001 0000 0000" + www, "FORMERR"},
		{"65535 records that are missing", "1234 0100 0001 ffff ffff ffff" + www, "FORMERR"},
		{"D56 bytes too many", one + www + "000000", "FORMERR"},
		{"D38 an option past the end", "1234 0100 0001 0000 0000 0001" + www + opt + "0004 000a 00ff", "FORMERR"},
		{"data past the end", "1234 0100 0001 0000 0000 0001" + www + opt + "ffff", "FORMERR"},
		{"records that point at each other", "1234 0100 0001 0000 0002 0000" + www + "c030 0001 0001 00000000 0000 c022 0001 0001 00000000 0000", "FORMERR"},
		{"TSIG that is not last", "1234 0100 0001 0000 0000 0002" + www + "00 00fa 00ff 00000000 0000" + opt + "0000", "FORMERR"},
		{"opcode 14 with rubbish", "1234 7000 ffff ffff ffff ffff" + strings.Repeat("ff", 200), "NOTIMP"},
	}
}

func TestServer_OutlivesMalformedMessages(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{Recorder: recorder()})
	cases := malformed(t)
	if len(cases) != 24 {
		t.Fatalf("%d messages", len(cases))
	}
	good := packet(t, "www", "A", func(m *miekg.Msg) { m.Id = 0x7777 })
	for _, c := range cases {
		b, err := hex.DecodeString(strings.ReplaceAll(c.packet, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		// A sound query behind it shows whether there was an answer: on UDP the first one to come is its own where the
		// malformed one gets none.
		udp := dial(t, "udp", h.udp)
		write(t, udp, b)
		answers := []string{c.code, "NOERROR"}
		if c.code == "" {
			answers = answers[1:]
		} else {
			checkFault(t, c.name+" over UDP", b, readDatagram(t, udp), c.code)
		}
		write(t, udp, good)
		if m := unpack(t, readDatagram(t, udp)); m.Id != 0x7777 || m.Rcode != 0 {
			t.Errorf("%s: the next answer over UDP is %v", c.name, m)
		}
		tcp := dial(t, "tcp", h.tcp)
		write(t, tcp, append(frame(b), frame(good)...))
		if len(b) < 12 {
			if n, err := io.Copy(io.Discard, tcp); n != 0 { // it is closed: there is no telling where the next message begins
				t.Errorf("%s: %d bytes over TCP, %v", c.name, n, err)
			}
			continue
		}
		for i, want := range answers {
			if i < len(answers)-1 {
				checkFault(t, c.name+" over TCP", b, read(t, tcp), want)
			} else if m := unpack(t, read(t, tcp)); m.Id != 0x7777 || m.Rcode != 0 {
				t.Errorf("%s: the next answer over TCP is %v", c.name, m)
			}
		}
	}
	if s := h.Stats(); s.Panics != 0 {
		t.Errorf("%+v", s)
	}
}

func checkFault(t *testing.T, name string, asked, b []byte, want string) {
	t.Helper()
	m := unpack(t, b)
	if got := miekg.RcodeToString[m.Rcode]; got != want || !bytes.Equal(b[:2], asked[:2]) || m.Opcode != int(asked[2]>>3&15) || len(m.Answer)+len(m.Ns) != 0 {
		t.Errorf("%s: %v, want %s", name, m, want)
	}
}

func readDatagram(t testing.TB, c net.Conn) []byte {
	t.Helper()
	b := make([]byte, 65536)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestServer_AnswersOverTCP(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{})
	big := packet(t, "big", "TXT")
	t.Run("D57 all 60 records", func(t *testing.T) {
		t.Parallel()
		if m := unpack(t, exchange(t, "tcp", h.tcp, big)); len(m.Answer) != 60 || m.Truncated {
			t.Errorf("%d records", len(m.Answer))
		}
	})
	t.Run("D58 twenty in one write", func(t *testing.T) {
		t.Parallel()
		c := dial(t, "tcp", h.tcp)
		var all []byte
		for i := range 20 {
			all = append(all, frame(packet(t, "big", "TXT", func(m *miekg.Msg) { m.Id = uint16(i) }))...)
		}
		write(t, c, all)
		for i := range 20 {
			if m := unpack(t, read(t, c)); int(m.Id) != i || len(m.Answer) != 60 {
				t.Errorf("answer %d has id %d and %d records", i, m.Id, len(m.Answer))
			}
		}
	})
	t.Run("D58 byte by byte", func(t *testing.T) {
		t.Parallel()
		c := dial(t, "tcp", h.tcp)
		for _, b := range frame(big) {
			write(t, c, []byte{b})
		}
		if m := unpack(t, read(t, c)); len(m.Answer) != 60 {
			t.Errorf("%d records", len(m.Answer))
		}
	})
	t.Run("D58 half closed", func(t *testing.T) {
		t.Parallel()
		c := dial(t, "tcp", h.tcp)
		write(t, c, append(frame(big), frame(big)...))
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if m := unpack(t, read(t, c)); len(m.Answer) != 60 {
				t.Errorf("%d records", len(m.Answer))
			}
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("afterwards: %d, %v", n, err)
		}
	})
	t.Run("D58 one after the other", func(t *testing.T) {
		t.Parallel()
		c := dial(t, "tcp", h.tcp)
		for range 3 {
			write(t, c, frame(big))
			if m := unpack(t, read(t, c)); len(m.Answer) != 60 {
				t.Errorf("%d records", len(m.Answer))
			}
		}
	})
	t.Run("D59 length 0", func(t *testing.T) {
		t.Parallel()
		c := dial(t, "tcp", h.tcp)
		write(t, c, []byte{0, 0})
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	t.Run("a message of 65535 bytes", func(t *testing.T) {
		t.Parallel()
		c := dial(t, "tcp", h.tcp)
		long := append(bytes.Clone(big), make([]byte, 65535-len(big))...)
		write(t, c, append(frame(long), frame(big)...))
		if m := unpack(t, read(t, c)); m.Rcode != miekg.RcodeFormatError {
			t.Errorf("%v", m)
		}
		if m := unpack(t, read(t, c)); len(m.Answer) != 60 {
			t.Errorf("%d records", len(m.Answer))
		}
	})
}

// A client that sends nothing, half a message, or takes no answers must be let go, and must not keep the server from ending.
func TestServer_LetsGoOfSlowClients(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{Config: config.DNS{Clients: config.DNSClients{Idle: 2 * time.Second}}})
	all := map[string]net.Conn{}
	for name, first := range map[string][]byte{"nothing": nil, "one byte": {0}, "half a message": frame(packet(t, "www", "A"))[:20]} {
		all[name] = dial(t, "tcp", h.tcp)
		if len(first) > 0 {
			write(t, all[name], first)
		}
	}
	for name, c := range all {
		if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
	c := dial(t, "tcp", h.tcp)
	ask := bytes.Repeat(frame(packet(t, "big", "TXT")), 1000)
	for { // answers of 5 kB to questions of 36 bytes fill what the system keeps for the client; then it is let go
		if _, err := c.Write(ask); err != nil {
			break
		}
	}
	if s := h.Stats(); s.Unsent != 1 {
		t.Errorf("%+v", s)
	}
}

func TestServer_StopsWhileClientsWait(t *testing.T) {
	t.Parallel()
	var silent net.Conn
	t.Run("server", func(t *testing.T) {
		h := run(t, "127.0.0.1", dns.Options{Config: config.DNS{Clients: config.DNSClients{Idle: time.Hour}}})
		silent = dialRaw(t, h.tcp)
		write(t, silent, frame(packet(t, "www", "A")))
		read(t, silent)
	})
	defer silent.Close()
	silent.SetDeadline(time.Now().Add(time.Minute))
	if n, err := silent.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
}

// dialRaw opens a connection that outlives the test.
func dialRaw(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServer_BoundsConnections(t *testing.T) {
	t.Parallel()
	peer := config.Zone{Transfer: &config.Transfer{To: []config.TransferPeer{{Addr: addrPort(t, "127.0.0.1:53")}}}}
	h := run(t, "127.0.0.1", dns.Options{Recorder: recorder(), Config: config.DNS{Clients: config.DNSClients{Connections: 3, PerClient: 1}, Zones: []config.Zone{peer}}})
	var open []net.Conn
	for range 3 { // loopback is bounded by the total alone
		c := dial(t, "tcp", h.tcp)
		write(t, c, frame(packet(t, "www", "A")))
		read(t, c)
		open = append(open, c)
	}
	c := dial(t, "tcp", h.tcp)
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the fourth: %d, %v", n, err)
	}
	open[0].Close()
	for { // it takes a moment until the server has seen it
		c := dial(t, "tcp", h.tcp)
		c.Write(frame(packet(t, "www", "A")))
		if n, _ := c.Read(make([]byte, 1)); n == 1 {
			break
		}
	}
	if s := h.Stats(); s.Accepted != 4 || s.Refused == 0 {
		t.Errorf("%+v", s)
	}
}

// On a socket that is bound to all addresses, answers leave from the one that was asked, over IPv4 and IPv6.
func TestServer_AnswersFromTheAddressThatWasAsked(t *testing.T) {
	t.Parallel()
	for _, bound := range []string{"0.0.0.0", "::"} {
		h := run(t, bound, dns.Options{})
		_, port, _ := net.SplitHostPort(h.udp)
		asks := []string{"127.0.0.1", "127.0.0.2", "127.1.2.3"}
		if bound == "::" {
			asks = append(asks, "::1")
		}
		for _, address := range asks {
			// A connected socket takes datagrams from the address alone that it is connected to.
			for _, network := range []string{"udp", "tcp"} {
				if m := unpack(t, exchange(t, network, net.JoinHostPort(address, port), packet(t, "www", "A"))); len(m.Answer) != 2 {
					t.Errorf("%s of %s: %v", address, bound, m)
				}
			}
		}
	}
}

// Sockets that share an address answer for it together, whichever of them a client is handed to.
func TestListenUDP_OpensSocketsThatShareAnAddress(t *testing.T) {
	t.Parallel()
	holder, l := sockets(t, "127.0.0.1")
	holder.Close() // its port stays held over TCP
	udp, err := dns.ListenUDP(t.Context(), l.Addr().String())
	if err != nil || len(udp) == 0 {
		t.Fatal(udp, err)
	}
	h := start(t, dns.Options{UDP: udp, TCP: []net.Listener{l}})
	for range 50 {
		if m := unpack(t, exchange(t, "udp", h.udp, packet(t, "www", "A"))); len(m.Answer) != 2 {
			t.Errorf("%v", m)
		}
	}
	if s := h.Stats(); s.UDP != 50 {
		t.Errorf("%+v", s)
	}
	taken, other := sockets(t, "127.0.0.1")
	defer taken.Close()
	defer other.Close()
	if more, err := dns.ListenUDP(t.Context(), taken.LocalAddr().String()); err == nil || more != nil {
		t.Errorf("a socket that does not share is shared: %v", more)
	}
}
