package zone_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// family is a zone, a zone inside it that we serve too, and a stranger.
func family(t testing.TB) *zone.Set {
	t.Helper()
	soa := " SOA ns.example. mail.example. 1 1 1 1 60"
	parent := declare("parent.test", "@"+soa, "@ NS ns.example.", "child NS ns.example.", "child DS 1 13 2 AA", "www CNAME www.child", "round CNAME round.other.test.", "a CNAME x.y.child", "moved DNAME child")
	child := declare("child.parent.test", "@"+soa, "@ NS ns.example.", "www CNAME www.other.test.", "up CNAME host.parent.test.", "*.y A 192.0.2.4", "host A 192.0.2.5", "far MX 10 host")
	other := declare("other.test", "@"+soa, "@ NS ns.example.", "www A 192.0.2.3", "round CNAME round.parent.test.", "x MX 10 www")
	return set(t, build(t, zone.Options{Declared: other}), build(t, zone.Options{Declared: child}), build(t, zone.Options{Declared: parent}))
}

func TestSet_AnswersOverAllZones(t *testing.T) {
	t.Parallel()
	s := family(t)
	for question, want := range map[string]string{
		"www.parent.test. A":   "NOERROR aa\nwww.parent.test. 3600 CNAME www.child.parent.test.\nwww.child.parent.test. 3600 CNAME www.other.test.\nwww.other.test. 3600 A 192.0.2.3",
		"a.parent.test. A":     "NOERROR aa\na.parent.test. 3600 CNAME x.y.child.parent.test.\nx.y.child.parent.test. 3600 A 192.0.2.4",
		"a.parent.test. MX":    "NOERROR aa\na.parent.test. 3600 CNAME x.y.child.parent.test.\n; authority\nchild.parent.test. 60 SOA ns.example. mail.example. 1 1 1 1 60",
		"round.parent.test. A": "NOERROR aa\nround.parent.test. 3600 CNAME round.other.test.\nround.other.test. 3600 CNAME round.parent.test.",
		"host.moved.parent.test. A": "NOERROR aa\nmoved.parent.test. 3600 DNAME child.parent.test.\nhost.moved.parent.test. 3600 CNAME host.child.parent.test.\n" +
			"host.child.parent.test. 3600 A 192.0.2.5",
		"up.child.parent.test. A":      "NXDOMAIN aa\nup.child.parent.test. 3600 CNAME host.parent.test.\n; authority\nparent.test. 60 SOA ns.example. mail.example. 1 1 1 1 60",
		"far.moved.parent.test. MX":    "NOERROR aa\nmoved.parent.test. 3600 DNAME child.parent.test.\nfar.moved.parent.test. 3600 CNAME far.child.parent.test.\nfar.child.parent.test. 3600 MX 10 host.child.parent.test.\n; additional\nhost.child.parent.test. 3600 A 192.0.2.5",
		"child.parent.test. NS":        "NOERROR aa\nchild.parent.test. 3600 NS ns.example.",
		"child.parent.test. DS":        "NOERROR aa\nchild.parent.test. 3600 DS 1 13 2 AA",
		"parent.test. DS":              "NOERROR aa\n; authority\nparent.test. 60 SOA ns.example. mail.example. 1 1 1 1 60",
		"nothing.child.parent.test. A": "NXDOMAIN aa\n; authority\nchild.parent.test. 60 SOA ns.example. mail.example. 1 1 1 1 60",
		"test. NS":                     "REFUSED",
	} {
		name, typ, _ := strings.Cut(question, " ")
		m, _, _ := ask(t, s, name, dns.StringToType[typ], 1232)
		if diff := cmp.Diff(want, whole(m)); diff != "" {
			t.Errorf("%s (- wanted, + got)\n%s", question, diff)
		}
	}
}

func TestSet_FindsTheClosestZone(t *testing.T) {
	t.Parallel()
	s := family(t)
	for name, want := range map[string]string{
		"parent.test.": "parent.test", "x.parent.test.": "parent.test", "child.parent.test.": "child.parent.test",
		"a.b.child.parent.test.": "child.parent.test", "xparent.test.": "", "test.": "", ".": "",
		strings.Repeat("a.", 100) + "parent.test.": "parent.test",
	} {
		got := ""
		if z := s.Find(query(t, name, dns.TypeA).Key); z != nil {
			got = z.Name()
		}
		if got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	var names []string
	for _, z := range s.Zones() {
		names = append(names, z.Name())
	}
	if diff := cmp.Diff([]string{"other.test", "parent.test", "child.parent.test"}, names); diff != "" {
		t.Error(diff)
	}
	if s.Zone("parent.test") == nil || s.Zone("test") != nil || s.Zone("a..b") != nil {
		t.Error("zones are not found by their names")
	}
}

func TestNewSet_RefusesAZoneTwice(t *testing.T) {
	t.Parallel()
	z := example(t)
	if _, err := zone.NewSet(z, z.WithSerial(3)); err == nil {
		t.Error("a zone is there twice")
	}
	empty, err := zone.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	if _, r, _ := ask(t, empty, "x.test.", dns.TypeA, 512); r.Rcode != dns.RcodeRefused {
		t.Errorf("%+v", r)
	}
}

func TestAnswer_BoundsChains(t *testing.T) {
	t.Parallel()
	lines := []string{"@ NS ns.example.", "end A 192.0.2.1"}
	for i := range 40 {
		lines = append(lines, fmt.Sprintf("a%d CNAME a%d", i, i+1))
	}
	lines = append(lines, "a40 A 192.0.2.1", "deeper DNAME x.deeper")
	s := set(t, build(t, zone.Options{Declared: declare("chain.test", lines...)}))
	if m, r, _ := ask(t, s, "a0.chain.test.", dns.TypeA, 65535); len(m.Answer) != 16 || r.Found != message.ChainLoop {
		t.Errorf("%d records, %+v", len(m.Answer), r)
	}
	if m, r, _ := ask(t, s, "a30.chain.test.", dns.TypeA, 65535); len(m.Answer) != 11 || r.Found != message.Chain {
		t.Errorf("%d records, %+v", len(m.Answer), r)
	}
	if m, r, _ := ask(t, s, "z.deeper.chain.test.", dns.TypeA, 65535); len(m.Answer) > 32 || r.Found != message.ChainLoop {
		t.Errorf("%d records, %+v", len(m.Answer), r)
	}
}

// TestAnswer_PacksLargeSets looks at sets whose pointers reach far.
func TestAnswer_PacksLargeSets(t *testing.T) {
	t.Parallel()
	lines := []string{"@ NS ns.example.", "alias CNAME many"}
	for i := range 1200 {
		lines = append(lines,
			fmt.Sprintf("many MX 10 host%d.of.a.long.name%d", i, i%7),
			fmt.Sprintf("sub NS ns%d.with.a.long.name.sub", i),
			fmt.Sprintf("ns%d.with.a.long.name.sub A 192.0.2.1", i))
	}
	s := set(t, build(t, zone.Options{Declared: declare("large.test", lines...)}))
	if m, _, _ := ask(t, s, "alias.large.test.", dns.TypeMX, 65535); len(m.Answer) != 1201 {
		t.Errorf("%d records", len(m.Answer))
	}
	m, r, _ := ask(t, s, "x.sub.large.test.", dns.TypeA, 65535)
	if len(m.Ns) != 1200 || len(m.Extra) != 1200 {
		t.Fatalf("%d records, %d addresses: %+v", len(m.Ns), len(m.Extra), r)
	}
	for _, rr := range m.Extra {
		if !strings.HasSuffix(rr.Header().Name, ".with.a.long.name.sub.large.test.") {
			t.Fatal(rr)
		}
	}
	if _, mistakes := zone.Build(zone.Options{Declared: declare("large.test", append(lines, many("big TXT "+strings.Repeat("x", 200)+"%d", 400)...)...)}); !strings.Contains(told(t, mistakes), "too many for one message") {
		t.Error("a set that fits no message is taken")
	}
}

func many(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}
