package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// A name server with several addresses answers from the one that was asked, over UDP and TCP and both families: dig and kdig
// take no answer from another one. What the site's names lead to is the edge, although another machine says so.
func TestNames_TheAddressThatWasAskedAnswers(t *testing.T) {
	l := open(t)
	m := l.Machine(lab.DNS)
	serve(t, m, lab.Declaration)
	for _, who := range []string{lab.Client, lab.Stranger} {
		for _, a := range m.Addresses {
			for _, tool := range []string{"dig", "kdig"} {
				for _, transport := range []string{"+notcp", "+tcp"} {
					name := fmt.Sprintf("%s on %s asks %s %s", tool, who, a, transport)
					text := run(t, l.Machine(who), 0, tool, "@"+a.String(), transport, "+norecurse", "+short", lab.Site, "A")
					if strings.TrimSpace(text) != "198.18.0.80" {
						t.Errorf("%s:\n%s", name, text)
					}
				}
			}
		}
	}
	for _, q := range []struct{ name, typ, want string }{
		{lab.Site, "AAAA", "2001:db8:5::80\n"},
		{"ns1.lab.test", "A", "198.18.0.53\n"},
		{"lab.test", "NS", "ns1.lab.test.\n"},
		{"any.wild.lab.test", "A", "198.18.0.80\n"},
		{"nobody.lab.test", "A", ""},
	} {
		if text := run(t, l.Machine(lab.Client), 0, "dig", "+norecurse", "+short", q.name, q.typ); text != q.want {
			t.Errorf("%s %s: %q, wanted %q", q.name, q.typ, text, q.want)
		}
	}
	has(t, "the HTTPS record", run(t, l.Machine(lab.Client), 0, "dig", "+norecurse", "+short", lab.Site, "HTTPS"), "1 . ", `alpn="h3,h2"`)
}

var perf = regexp.MustCompile(`(?m)^\s*Queries (sent|completed|lost):\s+(\d+)`)

// A name server is given one declaration after the other while it is asked all the time: each question is answered.
func TestNames_ReloadsLoseNoQuery(t *testing.T) {
	l := open(t)
	m, client := l.Machine(lab.DNS), l.Machine(lab.Client)
	declared := strings.Replace(lab.Declaration, "dns:\n", "dns:\n  rate_limit: off\n", 1) // all of them come from one network
	server := serve(t, m, declared)
	questions := filepath.Join(client.Folder, "questions")
	must(t, os.WriteFile(questions, []byte("www.lab.test A\nwww.lab.test AAAA\nx.wild.lab.test A\nnobody.lab.test A\nlab.test NS\n"), 0o600))
	load, err := client.Start("stdbuf", "-oL", "dnsperf", "-s", m.IPv4().String(), "-d", questions, "-l", "10", "-Q", "3000", "-c", "4", "-T", "1", "-t", "30")
	must(t, err)
	must(t, load.Await(t.Context(), "[Status] Sending queries", 1))
	reloads := 0
	for ; strings.Count(load.Log(), "Statistics:") == 0; reloads++ {
		changed := strings.Replace(declared, "- 'app1 A ", fmt.Sprintf("- 'n%d A 198.18.0.31'\n        - 'app1 A ", reloads), 1)
		must(t, m.Reload(t.Context(), server, changed))
		has(t, "the new record", run(t, client, 0, "dig", "+norecurse", "+short", fmt.Sprintf("n%d.lab.test", reloads)), "198.18.0.31")
	}
	must(t, load.Await(t.Context(), "Queries lost:", 1))
	figures := map[string]string{}
	for _, f := range perf.FindAllStringSubmatch(load.Log(), -1) {
		figures[f[1]] = f[2]
	}
	if figures["lost"] != "0" || figures["sent"] == "0" || figures["sent"] != figures["completed"] {
		t.Errorf("while %d declarations were read, queries were lost: %v\n%s", reloads, figures, load.Log())
	}
	if reloads < 3 {
		t.Errorf("only %d reloads happened", reloads)
	}
	t.Logf("%s queries answered over %d reloads", figures["completed"], reloads)
}
