package publicnet_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/internal/publicnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGuard_Public(t *testing.T) {
	t.Parallel()
	g := publicnet.NewGuard()
	for text, want := range map[string]bool{
		"93.184.215.14": true, "1.1.1.1": true, "172.32.0.1": true, "100.128.0.1": true, "2606:4700:4700::1111": true, "::ffff:1.1.1.1": true,
		"127.0.0.1": false, "127.255.255.254": false, "::1": false, "0.0.0.0": false, "::": false, "0.1.2.3": false,
		"10.0.0.1": false, "10.255.255.255": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "2606:4700:4700::1111%eth0": false,
		"fc00::1": false, "fd00:ec2::254": false, "100.64.0.1": false, "100.127.255.255": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
		"2001:0:1::1": false, "192.0.0.1": false, "198.18.0.1": false, "203.0.113.9": false, "224.0.0.1": false, "ff02::1": false,
		"255.255.255.255": false, "240.0.0.1": false, "2001:db8::1": false, "fec0::1": false,
	} {
		if got := g.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) = %t", text, got)
		}
	}
}

// resolver answers every name with one address.
func resolver(t *testing.T, a netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(answer(buffer[:n], a), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer is a DNS message (RFC 1035 section 4) that answers a question for addresses with one, if it is of the kind that was
// asked for.
func answer(question []byte, a netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	kind := question[end+2]
	out := append([]byte(nil), question[:end+5]...)
	out[2], out[3] = 0x81, 0x80                        // an answer, recursion was available
	copy(out[6:12], []byte{0, 0, 0, 0, 0, 0})          // no records so far
	if kind == 1 && a.Is4() || kind == 28 && a.Is6() { // A, AAAA
		out[7] = 1
		out = append(out, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 1, 0, byte(len(a.AsSlice())))
		out = append(out, a.AsSlice()...)
	}
	return out
}

func TestClient_LeadsNowherePrivate(t *testing.T) {
	t.Parallel()
	reached := false
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(private.Close)
	_, port, err := net.SplitHostPort(private.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		url      string
		resolver *net.Resolver
		numbers  bool
	}{
		"loopback":                {url: "http://127.0.0.1:" + port},
		"all of loopback":         {url: "http://127.9.9.9:" + port},
		"this host":               {url: "http://0.0.0.0:" + port},
		"IPv6 loopback":           {url: "http://[::1]:" + port},
		"IPv4 in IPv6":            {url: "http://[::ffff:127.0.0.1]:" + port},
		"decimal host":            {url: "http://2130706433:" + port, resolver: resolver(t, netip.MustParseAddr("127.0.0.1")), numbers: true},
		"hexadecimal host":        {url: "http://0x7f000001:" + port, resolver: resolver(t, netip.MustParseAddr("127.0.0.1"))},
		"short host":              {url: "http://127.1:" + port, resolver: resolver(t, netip.MustParseAddr("127.0.0.1")), numbers: true},
		"private network":         {url: "http://10.0.0.1:" + port},
		"metadata of a cloud":     {url: "http://169.254.169.254/latest/meta-data/"},
		"a name on loopback":      {url: "http://innocent.example:" + port, resolver: resolver(t, netip.MustParseAddr("127.0.0.1"))},
		"a name on IPv6 loopback": {url: "http://innocent.example:" + port, resolver: resolver(t, netip.MustParseAddr("::1"))},
		"a name in a network":     {url: "http://innocent.example:" + port, resolver: resolver(t, netip.MustParseAddr("192.168.0.7"))},
	} {
		t.Run(name, func(t *testing.T) {
			client := publicnet.Client(publicnet.Options{Timeout: 20 * time.Second, Resolver: tt.resolver})
			defer client.CloseIdleConnections()
			resp, err := client.Get(tt.url)
			if err == nil {
				_ = resp.Body.Close()
				t.Fatal("it was reached")
			}
			var noName *net.DNSError // Go resolves no name that is all digits at its end
			if !errors.Is(err, publicnet.ErrPrivate) && (!tt.numbers || !errors.As(err, &noName) || !noName.IsNotFound) {
				t.Fatalf("the error is %v", err)
			}
		})
	}
	if reached {
		t.Fatal("a private server was reached")
	}
}

func TestClient_FollowsNoRedirect(t *testing.T) {
	t.Parallel()
	reached := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inside.Close)
	outside := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	t.Cleanup(outside.Close)
	client := publicnet.Client(publicnet.Options{AllowPrivate: true, Timeout: 20 * time.Second})
	defer client.CloseIdleConnections()
	resp, err := client.Get(outside.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || reached {
		t.Fatalf("status %d, reached %t", resp.StatusCode, reached)
	}
}
