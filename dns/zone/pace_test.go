package zone_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// questions are one of each way that an answer is made.
func questions(t testing.TB) map[string]*message.Query {
	t.Helper()
	return map[string]*message.Query{
		"data":       query(t, "www.example.test.", dns.TypeA),
		"additional": query(t, "example.test.", dns.TypeMX),
		"nodata":     query(t, "www.example.test.", dns.TypeMX),
		"noname":     query(t, "nope.example.test.", dns.TypeA),
		"wildcard":   query(t, "a.b.c.wild.example.test.", dns.TypeA),
		"chain":      query(t, "chain1.example.test.", dns.TypeA),
		"redirect":   query(t, "a.dn.example.test.", dns.TypeA),
		"referral":   query(t, "x.manyglue.example.test.", dns.TypeA),
		"refused":    query(t, "www.example.com.", dns.TypeA),
		"truncated":  query(t, "big.example.test.", dns.TypeTXT),
	}
}

func TestAnswer_AllocatesNothing(t *testing.T) {
	plain := example(t)
	changed := plain.With(zone.Change{Name: "_acme-challenge.example.test", TXT: []string{"one"}, TTL: 1})
	for what, z := range map[string]*zone.Zone{"": plain, " with changes": changed} {
		s := set(t, z)
		b := make([]byte, 0, 4096)
		for name, q := range questions(t) {
			if n := testing.AllocsPerRun(100, func() { s.Answer(message.AppendQuestion(b, q), q, 1232) }); n != 0 {
				t.Errorf("%s%s: %v allocations", name, what, n)
			}
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	s := set(b, example(b))
	for name, q := range questions(b) {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				s.Answer(message.AppendQuestion(buf, q), q, 1232)
			}
		})
	}
}

// large writes a zone file with so many records: addresses, aliases, texts.
func large(t testing.TB, records int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "large.test.zone")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, "$TTL 300\n@ SOA ns1 hostmaster 1 3600 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n*.wild A 192.0.2.2\n")
	for i := range records {
		switch i % 10 {
		case 8:
			fmt.Fprintf(f, "alias%d CNAME host%d\n", i, i-1)
		case 9:
			fmt.Fprintf(f, "host%d TXT \"v=spf1 -all\"\n", i-2)
		default:
			fmt.Fprintf(f, "host%d A 10.%d.%d.%d\n", i, i>>16, i>>8&255, i&255)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBuild_IsSmallInMemory(t *testing.T) {
	z := declare("large.test")
	z.File = large(t, 100_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	built := build(t, zone.Options{Declared: z})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if built.Count() != 100_004 {
		t.Errorf("%d records", built.Count())
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 16<<20 {
		t.Errorf("100,000 records keep %d kB", kept>>10)
	} else {
		t.Logf("100,000 records keep %d kB; %d kB were asked of the system", kept>>10, (int64(after.HeapSys)-int64(before.HeapSys))>>10)
	}
	runtime.KeepAlive(built)
}

func BenchmarkBuild(b *testing.B) {
	z := declare("large.test")
	z.File = large(b, 100_000)
	for b.Loop() {
		build(b, zone.Options{Declared: z})
	}
}
