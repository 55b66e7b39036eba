package app_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

// check runs `roundtrip check` on a machine with these addresses.
func check(t *testing.T, yaml string, machine ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "roundtrip.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := app.Check(t.Context(), file, process.Surroundings{
		Out: &out, Err: &out, Now: time.Now, Rand: strings.NewReader(strings.Repeat("x", 1<<10)), Getenv: func(string) (string, bool) { return "", false },
		Addresses: func() (list []netip.Addr, _ error) {
			for _, a := range machine {
				list = append(list, netip.MustParseAddr(a))
			}
			return list, nil
		},
	})
	return out.String(), err
}

func TestCheck_WarnsWhereNobodyCouldAsk(t *testing.T) {
	t.Parallel()
	const zone = "name: a\ndns: { zones: { example.com: {} } }\n"
	const groups = "firewall: { groups: { web: [{ allow: [tcp/443%s], from: [anywhere] }] }, attach: { edge: [web] } }\n"
	for name, test := range map[string]struct {
		yaml    string
		machine []string
		says    []string
		not     string
	}{
		"a public address":          {yaml: zone, machine: []string{"203.0.113.7"}, not: "warning"},
		"private ones alone":        {yaml: zone, machine: []string{"127.0.0.1", "10.0.0.7"}, says: []string{"10.0.0.7", "dns.addresses"}},
		"private, and a local zone": {yaml: strings.Replace(zone, "example.com", "example.internal", 1), machine: []string{"10.0.0.7"}, not: "warning"},
		"no network":                {yaml: zone, says: []string{"dns.addresses"}},
		"a rule for both":           {yaml: zone + strings.Replace(groups, "%s", ", tcp/53, udp/53", 1), machine: []string{"203.0.113.7"}, not: "ask the name server"},
		"a rule for neither":        {yaml: zone + strings.Replace(groups, "%s", "", 1), machine: []string{"203.0.113.7"}, says: []string{"by udp/53 and tcp/53"}},
		"other machines answer":     {yaml: strings.Replace(zone, "{}", "{ nameservers: [ns.example.com], records: ['ns A 203.0.113.53'] }", 1) + strings.Replace(groups, "%s", "", 1), machine: []string{"203.0.113.7"}, not: "ask the name server"},
	} {
		out, err := check(t, test.yaml, test.machine...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, says := range test.says {
			if !strings.Contains(out, says) {
				t.Errorf("%s: the check does not say %q:\n%s", name, says, out)
			}
		}
		if test.not != "" && strings.Contains(out, test.not) {
			t.Errorf("%s: the check says %q:\n%s", name, test.not, out)
		}
	}
}

// All mistakes of all zones come at once, those in files with their lines.
func TestCheck_TellsEveryMistakeOfEveryZone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "b.zone"), []byte("@ NS ns.elsewhere.test.\nx CNAME a\nx A 192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := check(t, "name: a\ndns:\n  addresses: [192.0.2.1]\n  zones:\n    a.test: { records: ['@ CNAME b.test.'] }\n    b.test: { file: "+filepath.Join(dir, "b.zone")+" }\n")
	if err == nil {
		t.Fatal("no mistakes")
	}
	for _, says := range []string{"roundtrip.yaml:5:", "b.zone:", "x CNAME a"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("it does not say %q:\n%v", says, err)
		}
	}
}

// What is to be looked at in a zone file is shown with its line there, not with that of the declaration.
func TestCheck_ShowsTheLineOfAZoneFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "shop.test.zone")
	if err := os.WriteFile(file, []byte("ns1 A 192.0.2.1\n@ NS ns1\n@ MX 10 mial\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := check(t, "name: shop\ndns:\n  addresses: [192.0.2.1]\n  zones:\n    shop.test: { file: '"+file+"' }\n")
	if err != nil || !strings.Contains(out, "shop.test.zone:3:1: warning: the MX record of shop.test leads to mial.shop.test") || !strings.Contains(out, "3 | @ MX 10 mial\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
