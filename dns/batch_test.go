package dns_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns"
)

// Many questions of several clients at once: each client gets the answer to each of its own, from the address that it asked; a
// connected socket takes none from another. Both ways to read do the same.
func TestServer_AnswersBursts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bound string
		asked []string
	}{
		{"127.0.0.1", []string{"127.0.0.1"}},
		{"::1", []string{"::1"}},
		{"0.0.0.0", []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}},
		{"::", []string{"::1", "127.0.0.1", "127.0.0.2"}}, // IPv4 in IPv6
	} {
		for _, way := range []string{"many at once", "one by one"} {
			t.Run(c.bound+" "+way, func(t *testing.T) {
				t.Parallel()
				address := run(t, c.bound, dns.Options{}).udp
				if way == "one by one" {
					address = runEach(t, c.bound)
				}
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					t.Fatal(err)
				}
				var clients sync.WaitGroup
				for i := range 4 {
					clients.Go(func() { burst(t, net.JoinHostPort(c.asked[i%len(c.asked)], port), i) })
				}
				clients.Wait()
			})
		}
	}
}

// burst asks 40 questions before it reads an answer: the last ones are such as others see to, and what is answered by none.
func burst(t *testing.T, address string, client int) {
	c, err := new(net.Dialer).DialContext(context.Background(), "udp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	want := map[uint16]string{}
	for i := range 40 {
		b := packet(t, fmt.Sprintf("c%d-q%d.wild", client, i), "A")
		id := uint16(client<<8 | i)
		binary.BigEndian.PutUint16(b, id)
		want[id] = fmt.Sprintf("c%d-q%d.wild.example.test.", client, i)
		if i%10 == 3 { // no answer to an answer
			b[2] |= 0x80
			delete(want, id)
		}
		if _, err := c.Write(b); err != nil {
			t.Error(err)
			return
		}
	}
	for len(want) > 0 {
		b := make([]byte, 1500)
		n, err := c.Read(b)
		if err != nil {
			t.Errorf("%s: %d questions without an answer: %v", address, len(want), err)
			return
		}
		m := unpack(t, b[:n])
		if name, ok := want[m.Id]; !ok || len(m.Answer) != 1 || !strings.EqualFold(m.Answer[0].Header().Name, name) || m.Question[0].Name != name {
			t.Errorf("%s: the answer to %q:\n%v", address, name, m)
		}
		delete(want, m.Id)
	}
}

// runEach runs a server that reads datagrams one by one.
func runEach(t *testing.T, address string) string {
	t.Helper()
	udp, tcp := sockets(t, address)
	if err := tcp.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := dns.New(defaults(dns.Options{}, zones(t)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		if err := s.ReadEach(ctx, udp); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); udp.Close(); reading.Wait() })
	return udp.LocalAddr().String()
}
