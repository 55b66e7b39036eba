package zone_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/internal/walk"
)

// randomName makes a name of few labels, so that names meet.
func randomName(r *rand.Rand, zone string) string {
	if r.IntN(12) == 0 {
		return zone
	}
	labels := []string{"a", "b", "c", "*", "d"}
	name := zone
	for range 1 + r.IntN(3) {
		name = labels[r.IntN(len(labels))] + "." + name
	}
	return name
}

// randomLine makes a record.
func randomLine(r *rand.Rand, zones []string, zone string) string {
	target := func() string {
		if r.IntN(8) == 0 {
			return "elsewhere.example."
		}
		return randomName(r, zones[r.IntN(len(zones))])
	}
	owner := randomName(r, zone)
	switch r.IntN(12) {
	case 0, 1:
		return owner + " 300 CNAME " + target()
	case 2:
		if r.IntN(2) == 0 {
			return owner + " 300 DNAME " + target()
		}
		return owner + " 300 MX 10 " + target()
	case 3:
		return owner + " 300 NS " + target()
	case 4:
		return owner + " 300 DS 1 13 2 AA"
	case 5:
		return owner + " 300 TXT text"
	case 6, 7:
		return fmt.Sprintf("%s 300 AAAA 2001:db8::%x", owner, r.IntN(4))
	case 8:
		return fmt.Sprintf("%s 300 SRV 1 1 80 %s", owner, target())
	}
	return fmt.Sprintf("%s 300 A 192.0.2.%d", owner, r.IntN(4))
}

// randomZone makes a zone of random records: those that are refused are left out, as their mistakes say where they stand.
func randomZone(t *testing.T, r *rand.Rand, zones []string, name string) (*zone.Zone, []dns.RR) {
	t.Helper()
	lines := []string{name + " 600 SOA ns.example. mail.example. 7 1 1 1 60", name + " 300 NS ns.example."}
	for range 4 + r.IntN(24) {
		lines = append(lines, randomLine(r, zones, name))
	}
	for range 40 {
		z, mistakes := zone.Build(zone.Options{Declared: declare(strings.TrimSuffix(name, "."), lines...)})
		if z != nil {
			var rrs []dns.RR
			for _, line := range lines {
				rr, err := dns.NewRR(line)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(rrs, func(o dns.RR) bool { return dns.IsDuplicate(o, rr) }) {
					rrs = append(rrs, rr)
				}
			}
			return z, rrs
		}
		wrong := map[int]bool{}
		for _, m := range mistakes {
			if !m.Warning {
				wrong[m.Pos.Line-10] = true
			}
		}
		var kept []string
		for i, line := range lines {
			if !wrong[i] {
				kept = append(kept, line)
			}
		}
		if len(kept) == len(lines) || wrong[0] || wrong[1] {
			t.Fatalf("mistakes without a line: %+v", mistakes)
		}
		lines = kept
	}
	t.Fatal("the mistakes never end")
	return nil, nil
}

// trial compares answers from random zones with those of the reference.
func trial(t *testing.T, seed uint64, questions int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	names := []string{"z.test.", "a.z.test.", "o.test."}
	ref := &reference{zones: map[string][]dns.RR{}}
	var zones []*zone.Zone
	for _, name := range names {
		z, rrs := randomZone(t, r, names, name)
		zones, ref.zones[name] = append(zones, z), rrs
	}
	s := set(t, zones...)
	types := []uint16{dns.TypeA, dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeMX, dns.TypeNS, dns.TypeDS, dns.TypeTXT, dns.TypeSRV, dns.TypeSOA, dns.TypeANY}
	for range questions {
		name, typ := randomName(r, names[r.IntN(len(names))]), types[r.IntN(len(types))]
		m, _, _ := ask(t, s, name, typ, 65535)
		want := ref.resolve(name, typ)
		got := said{rcode: m.Rcode, aa: m.Authoritative, answer: sorted(m.Answer), authority: sorted(m.Ns)}
		if typ == dns.TypeANY && len(want.answer) == 1 && want.answer[0] == "any" {
			got.answer = want.answer
			if len(m.Answer) == 0 {
				got.answer = nil
			}
		}
		if len(m.Ns) > 0 && m.Ns[0].Header().Rrtype == dns.TypeNS {
			got.glue = sorted(m.Extra)
		}
		slices.Sort(want.answer)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(said{})); diff != "" {
			var all []string
			for _, rrs := range ref.zones {
				all = append(all, lines(rrs))
			}
			t.Fatalf("seed %d: %s %s (- reference, + answer)\n%s\nzones\n%s", seed, name, dns.Type(typ), diff, strings.Join(all, "\n\n"))
		}
	}
}

func sorted(rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs {
		out = append(out, strings.ToLower(rr.String()))
	}
	slices.Sort(out)
	return out
}

func TestAnswer_AgreesWithTheReference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(walk.Steps(100)) {
		trial(t, seed, 100)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { trial(t, seed, 200) })
}

// TestWith_IsAsIfDeclared holds that a zone with changes answers as one in which the same records are declared.
func TestWith_IsAsIfDeclared(t *testing.T) {
	t.Parallel()
	compared, seeds := 0, walk.Steps(60)
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 6))
		names := []string{"z.test."}
		plain, rrs := randomZone(t, r, names, names[0])
		var declaredLines []string
		for _, rr := range rrs {
			declaredLines = append(declaredLines, rr.String())
		}
		changed := plain
		for i := range 1 + r.IntN(4) {
			name, value := randomName(r, names[0]), fmt.Sprintf("value%d", i)
			more := append(slices.Clone(declaredLines), name+" 300 TXT "+value)
			if z, _ := zone.Build(zone.Options{Declared: declare("z.test", more...)}); z == nil || plain.With(zone.Change{Name: strings.TrimSuffix(name, "."), TXT: []string{value}}).Digest() == plain.Digest() {
				continue // at an alias, or below a delegation
			}
			declaredLines = more
			values := []string{value}
			for _, line := range declaredLines[len(rrs) : len(declaredLines)-1] { // a change takes the place of the one before at its name
				if before, ok := strings.CutPrefix(line, name+" 300 TXT "); ok {
					values = append(values, before)
				}
			}
			changed = changed.With(zone.Change{Name: strings.TrimSuffix(name, "."), TXT: values, TTL: 300})
		}
		want := build(t, zone.Options{Declared: declare("z.test", declaredLines...)})
		if diff := cmp.Diff(bare(print(t, want)), bare(print(t, changed))); diff != "" {
			t.Fatalf("seed %d: (- declared, + changed)\n%s", seed, diff)
		}
		a, b := set(t, want), set(t, changed)
		for range 100 {
			name, typ := randomName(r, names[0]), []uint16{dns.TypeA, dns.TypeTXT, dns.TypeMX, dns.TypeCNAME, dns.TypeNS, dns.TypeANY}[r.IntN(6)]
			m, result, _ := ask(t, a, name, typ, 65535)
			n, other, _ := ask(t, b, name, typ, 65535)
			if diff := cmp.Diff(whole(m), whole(n)); diff != "" || result != other {
				t.Fatalf("seed %d: %s %s (- declared, + changed)\n%s%+v\n%+v\n%s", seed, name, dns.Type(typ), diff, result, other, print(t, changed))
			}
			compared++
		}
	}
	if compared < 84*seeds {
		t.Errorf("only %d answers were compared", compared)
	}
}

// bare leaves the comments of a printed zone out.
func bare(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, " ; ")
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}
