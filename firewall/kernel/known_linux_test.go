package kernel_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

// Connections that are older than the kernel's interest in connections are no new ones: not that of which the other end
// speaks first after the groups came, nor the one that no rule would let in again.
func TestApply_CutsNoConnectionThatIsOlder(t *testing.T) {
	for _, at := range []struct{ name, here, there string }{
		{"IPv4", "198.18.1.1", "198.18.1.2"},
		{"IPv6", "2001:db8:1::1", "2001:db8:1::2"},
	} {
		t.Run(at.name, func(t *testing.T) {
			k, other := table(t, space(t)), newMachine(t)
			wire(t, other, 1)
			echo(t, net.JoinHostPort(at.here, "9000"))
			came := dialed(t, other, net.JoinHostPort(at.here, "9000"))
			var listener net.Listener
			var err error
			other.do(func() { listener, err = net.Listen("tcp", net.JoinHostPort(at.there, "5432")) })
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			went, err := net.DialTimeout("tcp", listener.Addr().String(), patience)
			if err != nil {
				t.Fatal(err)
			}
			defer went.Close()
			far, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()

			apply(t, k, policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 80))))
			if _, err := io.WriteString(far, "news"); err != nil {
				t.Fatal(err)
			}
			_ = went.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.ReadFull(went, make([]byte, 4)); err != nil {
				t.Errorf("a connection that this machine made was cut: %v", err)
			}
			if err := say(came, "still here"); err != nil {
				t.Errorf("a connection that had come in was cut: %v", err)
			}
			if n := drops(t, k); n != 0 {
				t.Errorf("%d packets were dropped", n)
			}
			dropped(t, k, other, net.JoinHostPort(at.here, "9000"))
		})
	}
}
