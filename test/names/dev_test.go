package names_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// dev runs `roundtrip dev` until the test ends, and returns what it says until it is ready.
func dev(t *testing.T, at, folder string) string {
	t.Helper()
	cmd := exec.Command(server.Binary(t), "dev", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0", "--dns", at, folder)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "stop") {
			break
		}
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		for lines.Scan() { // so that it can write
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("Ctrl-C: %v", err)
		}
	})
	return said.String()
}

func TestDev_ServesTheNamesOfThisMachine(t *testing.T) {
	t.Parallel()
	said := dev(t, "127.0.0.1:0", server.Declare(t, shop))
	_, rest, ok := strings.Cut(said, "(dig @127.0.0.1 -p ")
	if !ok {
		t.Fatalf("dev does not say where it serves DNS:\n%s", said)
	}
	port, _, _ := strings.Cut(rest, " ")
	s := &server.Server{DNS: "127.0.0.1:" + port}
	for name, want := range map[string]string{
		"shop.localhost": "127.0.0.1", "any.preview.shop.localhost": "127.0.0.1", "mail.shop.localhost": "203.0.113.25",
	} {
		if got := data(ask(t, s, "udp", name, dns.TypeA)); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v, not %s", name, got, want)
		}
	}
	if got := data(ask(t, s, "udp", "shop.localhost", dns.TypeMX)); len(got) != 1 || got[0] != "10 mail.shop.localhost." {
		t.Errorf("MX is %v", got)
	}
	if r := ask(t, s, "udp", "another.localhost", dns.TypeA); !r.RecursionAvailable || len(data(r)) != 1 || data(r)[0] != "127.0.0.1" {
		t.Errorf("a name that is not ours: %v", r)
	}
}

// A port that another program has costs a developer the name server, and nothing else.
func TestDev_RunsWithoutItsPort(t *testing.T) {
	t.Parallel()
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	said := dev(t, taken.LocalAddr().String(), server.Declare(t, shop))
	if !strings.Contains(said, "DNS is not served") || !strings.Contains(said, "open") || strings.Contains(said, "(dig ") {
		t.Errorf("dev says:\n%s", said)
	}
}
