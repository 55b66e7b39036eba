package zone_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

func print(t testing.TB, z *zone.Zone) string {
	t.Helper()
	var b strings.Builder
	if err := z.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// reread makes a zone of what was printed.
func reread(t testing.TB, name, text string) *zone.Zone {
	t.Helper()
	d := declare(name)
	d.File = filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(d.File, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return build(t, zone.Options{Declared: d})
}

func TestPrint_IsAZoneFile(t *testing.T) {
	t.Parallel()
	changed := served(t).With(zone.Change{Name: "_acme-challenge.gallery.test", TXT: []string{"token"}, TTL: 5, Why: "a challenge of the issuer"},
		zone.Change{Name: "www.gallery.test", Addresses: addresses("203.0.113.99"), TTL: 5})
	golden(t, "testdata/gallery.test.printed", print(t, changed))
	golden(t, "testdata/example.test.printed", print(t, example(t)))
	for _, z := range []*zone.Zone{served(t), example(t)} {
		again := reread(t, z.Name(), print(t, z))
		if again.Digest() != z.Digest() || again.Serial() != z.Serial() {
			t.Errorf("%s is another zone when it is read again:\n%s", z.Name(), print(t, again))
		}
	}
}

func TestRecords_BeginWithTheSOA(t *testing.T) {
	t.Parallel()
	z := example(t)
	count := 0
	for rr := range z.Records() {
		if soa := rr.Header().Rrtype == dns.TypeSOA; soa != (count == 0) {
			t.Errorf("record %d is %s", count, rr)
		}
		count++
	}
	if count != z.Count() || count < 130 {
		t.Errorf("%d records, and %d are counted", count, z.Count())
	}
	for range z.Records() { // who stops early is not called again
		break
	}
}

func FuzzBuild(f *testing.F) {
	text, err := os.ReadFile("testdata/example.test.zone")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), "www 300 A 192.0.2.1")
	for _, name := range []string{"conflicts", "syntax"} {
		if text, err = os.ReadFile("testdata/broken/" + name + ".zone"); err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "@ 1w TXT \"a;b\" ; comment")
	}
	f.Add("a 5 A 192.0.2.1\n\n\tTXT (\n\"x\" )\n@ NS ns.example.\n\\@.b A 192.0.2.2\n\\000\\001 A 192.0.2.1\nP PTR Some\\ Printer\\.x\n", "x TYPE65280 \\# 2 ABCD")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, file, line string) {
		if strings.Contains(file, "$GENERATE") && strings.Count(file, "\n") > 200 {
			t.Skip("many records are no other path")
		}
		d := declare("example.test", line)
		d.File = filepath.Join(dir, "fuzz.zone")
		if err := os.WriteFile(d.File, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		z, mistakes := zone.Build(zone.Options{Declared: d})
		if z == nil {
			if len(mistakes) == 0 {
				t.Error("neither a zone nor a mistake")
			}
			return
		}
		if again := reread(t, "example.test", print(t, z)); again.Digest() != z.Digest() {
			t.Errorf("printed and read again, it is another zone:\n%s", print(t, z))
		}
		s := set(t, z)
		for rr := range z.Records() {
			q := query(t, rr.Header().Name, rr.Header().Rrtype)
			if _, r := s.Answer(make([]byte, 12+len(q.Question)), q, 65535); r.Rcode != dns.RcodeSuccess {
				t.Errorf("%s: %+v", rr, r)
			}
		}
	})
}
