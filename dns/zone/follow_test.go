package zone_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// followed is a zone in which everything that can be is derived.
func followed(t *testing.T, declared ...string) *zone.Zone {
	t.Helper()
	c := &config.Zone{Name: "example.test", TTL: time.Hour}
	for _, line := range declared {
		c.Records = append(c.Records, config.Name{Text: line})
	}
	var derived []zone.Record
	for _, line := range []string{
		"example.test. 60 NS ns1.example.test. ; this server", "ns1.example.test. 60 A 192.0.2.1 ; this server",
		"www.example.test. 60 A 192.0.2.1 ; site www.example.test", "www.example.test. 60 AAAA 2001:db8::1 ; site www.example.test",
		`www.example.test. 60 HTTPS 1 . alpn="h2" ipv4hint=192.0.2.1 ; site www.example.test`,
		"eu.example.test. 60 NS ns1.eu.example.test. ; zone eu", "ns1.eu.example.test. 60 A 192.0.2.1 ; zone eu",
	} {
		derived = append(derived, zone.Record{Line: line})
	}
	z, mistakes := zone.Build(zone.Options{Declared: c, Derived: derived})
	if z == nil || len(mistakes) > 0 {
		t.Fatalf("%+v", mistakes)
	}
	return z
}

// at lists the records of a name without their TTL.
func at(z *zone.Zone, name string) []string {
	var all []string
	for rr := range z.Records() {
		if h := rr.Header(); h.Name == name {
			all = append(all, dns.TypeToString[h.Rrtype]+" "+strings.TrimPrefix(rr.String(), h.String()))
		}
	}
	return all
}

func TestBuild_DeclaredWinsOverDerived(t *testing.T) {
	t.Parallel()
	for declared, want := range map[string][]string{
		"other A 192.0.2.9":     {"A 192.0.2.1", "AAAA 2001:db8::1", `HTTPS 1 . alpn="h2" ipv4hint="192.0.2.1"`},
		"www A 192.0.2.9":       {"A 192.0.2.9"},
		"www AAAA 2001:db8::9":  {"AAAA 2001:db8::9"},
		"www CNAME cdn.test.":   {"CNAME cdn.test."},
		`www HTTPS 1 . port=81`: {"A 192.0.2.1", "AAAA 2001:db8::1", `HTTPS 1 . port="81"`},
		`www TXT "beside"`:      {"A 192.0.2.1", `TXT "beside"`, "AAAA 2001:db8::1", `HTTPS 1 . alpn="h2" ipv4hint="192.0.2.1"`},
	} {
		if diff := cmp.Diff(want, at(followed(t, declared), "www.example.test.")); diff != "" {
			t.Errorf("%s: %s", declared, diff)
		}
	}
}

func TestBuild_ADerivedDelegationHasItsGlue(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"A 192.0.2.1"}, at(followed(t), "ns1.eu.example.test.")); diff != "" {
		t.Error(diff)
	}
}

func TestWith_AddressesTakeThePlaceOfDerivedOnesAlone(t *testing.T) {
	t.Parallel()
	stand := []netip.Addr{netip.MustParseAddr("192.0.2.99")}
	change := zone.Change{Name: "www.example.test", Addresses: &stand, TTL: 30, Why: "no upstream is well"}
	z := followed(t).With(change)
	if diff := cmp.Diff([]string{"A 192.0.2.99"}, at(z, "www.example.test.")); diff != "" {
		t.Error(diff)
	}
	var printed strings.Builder
	if err := z.Print(&printed); err != nil || !strings.Contains(printed.String(), "192.0.2.99 ; no upstream is well") {
		t.Errorf("%v\n%s", err, &printed)
	}
	none := []netip.Addr{}
	if got := at(z.With(zone.Change{Name: "www.example.test", Addresses: &none}), "www.example.test."); got != nil {
		t.Errorf("dropped, and still there: %v", got)
	}
	declared := followed(t, "www A 192.0.2.9")
	same := declared.With(change)
	if diff := cmp.Diff([]string{"A 192.0.2.9"}, at(same, "www.example.test.")); diff != "" {
		t.Error(diff)
	}
}

func TestBuild_RenamesZoneFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"example.test.zone": "$ORIGIN example.test.\n@ NS ns.example.test.\nns A 192.0.2.1\nwww CNAME ns.example.test.\n$INCLUDE more\n",
		"more":              "more.example.test. A 192.0.2.2\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := config.DNS{Renames: []config.Rename{{From: "example.test", To: "example.localhost"}}}
	z, mistakes := zone.Build(zone.Options{Declared: &config.Zone{Name: "example.localhost", File: filepath.Join(dir, "example.test.zone"), TTL: time.Hour}, Rename: d.RenamedLines})
	if z == nil {
		t.Fatalf("%+v", mistakes)
	}
	if diff := cmp.Diff([][]string{{"CNAME ns.example.localhost."}, {"A 192.0.2.2"}}, [][]string{at(z, "www.example.localhost."), at(z, "more.example.localhost.")}); diff != "" {
		t.Error(diff)
	}
}
