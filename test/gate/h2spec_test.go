package gate_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// h2spec is installed by the Makefile. It has 145 cases of RFC 7540 and 7541, and their successors.
const h2spec = "../../.bin/h2spec-v2.2.1"

// TestGate_SpeaksHTTP2AsNetHTTP runs h2spec against the gate, and against net/http's own server on the same machine: no case
// may fail that passes there.
func TestGate_SpeaksHTTP2AsNetHTTP(t *testing.T) {
	t.Parallel()
	tool, err := filepath.Abs(h2spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool); err != nil {
		t.Fatalf("%v: run make tools", err)
	}
	g := start(t)
	peer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(g.text)
	}))
	peer.EnableHTTP2 = true
	peer.StartTLS()
	defer peer.Close()
	theirs, all := failures(t, tool, peer.URL)
	ours, _ := failures(t, tool, g.url)
	if all < 140 {
		t.Errorf("only %d cases were run", all)
	}
	t.Logf("of %d cases, net/http fails %q, and the gate %q", all, theirs, ours)
	for _, name := range ours {
		if !slices.Contains(theirs, name) && failsAgain(t, tool, g.url, name) {
			t.Errorf("%s fails, and passes with net/http", name)
		}
	}
}

// failsAgain reports whether a case fails each time that it is run. Some cases send frames of a stream that ends as soon as the
// answer is out, and ask for an error that only a stream has which still runs: who answers fast may win that race.
func failsAgain(t *testing.T, tool, to, name string) bool {
	t.Helper()
	section, _, _ := strings.Cut(name, ":")
	for range 5 {
		if again, all := failures(t, tool, to, section); all == 0 {
			t.Fatalf("h2spec knows no section %s", section)
		} else if !slices.Contains(again, name) {
			t.Logf("%s passes when it is run again", name)
			return false
		}
	}
	return true
}

// failures runs h2spec, or some sections of it, and returns the cases that failed, and how many there are.
func failures(t *testing.T, tool, to string, sections ...string) (failed []string, all int) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report.xml")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var out bytes.Buffer
	args := append([]string{"-t", "-k", "-o", "5", "-h", u.Hostname(), "-p", port, "-j", report}, sections...)
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // it reports failed cases by its status too
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	var suites struct {
		Suite []struct {
			Case []struct {
				Package string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	for _, s := range suites.Suite {
		for _, c := range s.Case {
			all++
			if c.Failure != nil || c.Error != nil {
				failed = append(failed, c.Package+": "+c.Name)
			}
		}
	}
	return failed, all
}
