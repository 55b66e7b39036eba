// Package names_test asks the name server of the real program, as resolvers, dig and operators do.
package names_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// look is how often something is looked at that has to come.
const look = 20 * time.Millisecond

// ask asks the server over UDP or TCP.
func ask(t testing.TB, s *server.Server, network, name string, typ uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), typ)
	client := dns.Client{Net: network, Timeout: server.Patience}
	r, _, err := client.ExchangeContext(t.Context(), m, s.DNS)
	if err != nil {
		t.Fatalf("%s %s over %s: %v", name, dns.TypeToString[typ], network, err)
	}
	return r
}

// data returns the data of the records of an answer, sorted.
func data(m *dns.Msg) []string {
	all := []string{}
	for _, rr := range m.Answer {
		all = append(all, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(all)
	return all
}

// serialOf is the serial that a zone has now.
func serialOf(t testing.TB, s *server.Server, zone string) uint32 {
	t.Helper()
	r := ask(t, s, "udp", zone, dns.TypeSOA)
	if len(r.Answer) != 1 {
		t.Fatalf("SOA of %s: %v", zone, r)
	}
	return r.Answer[0].(*dns.SOA).Serial
}

// await waits until a name has the data.
func await(t testing.TB, s *server.Server, name string, typ uint16, want ...string) {
	t.Helper()
	var got []string
	for end := time.Now().Add(server.Patience); time.Now().Before(end); time.Sleep(look) {
		if got = data(ask(t, s, "udp", name, typ)); slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("%s %s is %v, not %v", name, dns.TypeToString[typ], got, want)
}

// declare writes another declaration and has the server read it.
func declare(t testing.TB, s *server.Server, yaml string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Folder, "roundtrip.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGHUP)
}

// command runs the program and returns what it prints, and its exit code.
func command(t testing.TB, args ...string) (string, int) {
	t.Helper()
	out, err := exec.Command(server.Binary(t), args...).CombinedOutput()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out), code
}
