package zone_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

func TestExplain_SaysWhy(t *testing.T) {
	t.Parallel()
	s := set(t, example(t), served(t))
	var all strings.Builder
	for _, question := range []string{
		"www.example.test A", "www.example.test. MX", "nope.example.test A", "b.ent.example.test A", "x.wild.example.test A", "x.wild.example.test MX",
		"exact.wild.example.test A", "x.exact.wild.example.test A", "ent.wild.example.test A", "chain1.example.test A", "alias.example.test MX", "dangling.example.test A",
		"ext.example.test A", "loop1.example.test A", "todeleg.example.test A", "a.dn.example.test A", strings.Repeat("a", 61) + ".dnlong.example.test A",
		"host.sub.example.test A", "sub.example.test DS", "example.com A", "www.example.test ANY", "a..b A", "gallery.test A", "gallery.test SOA",
		"x.preview.gallery.test A", "alias.example.test CNAME",
	} {
		name, typ, _ := strings.Cut(question, " ")
		e := s.Explain(name, dns.StringToType[typ])
		for line := range strings.SplitSeq(e.String(), "\n") {
			if len(line) > 80 && !strings.Contains(line, " SOA ") && !strings.Contains(line, strings.Repeat("a", 30)) {
				t.Errorf("%s: over 80 columns: %s", question, line)
			}
		}
		all.WriteString(e.String() + "\n" + strings.Repeat("─", 80) + "\n")
	}
	golden(t, "testdata/explained.txt", relative(t, all.String()))
	text, err := json.Marshal(s.Explain("x.wild.example.test", dns.TypeA), jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/explained.json", relative(t, string(text)+"\n"))
}

// The classic mistake of zone files: a name with the zone's own at its end, and no dot.
func TestExplain_SeesTheForgottenDot(t *testing.T) {
	t.Parallel()
	z, mistakes := zone.Build(zone.Options{Declared: declare("example.test", "@ NS ns1", "ns1 A 192.0.2.1", "www.example.test A 192.0.2.2", "@ MX 10 www.example.test")})
	var all []string
	for _, m := range mistakes {
		all = append(all, m.Message+" expected "+m.Expected)
	}
	text := strings.Join(all, "\n")
	if !strings.Contains(text, "this one is www.example.test.example.test expected www.example.test. with a dot at the end") {
		t.Errorf("the mistakes are %s", text)
	}
	why := set(t, z).Explain("www.example.test", dns.TypeA).Why
	if !strings.Contains(why, "But www.example.test.example.test is there") {
		t.Errorf("the explanation is %s", why)
	}
	if why := set(t, z).Explain("nope.example.test", dns.TypeA).Why; strings.Contains(why, "But") {
		t.Errorf("the explanation is %s", why)
	}
}
