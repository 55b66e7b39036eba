package zone_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

var update = flag.Bool("update", false, "write the golden files anew; read each of them as a user would")

// golden compares got with a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (- file, + now); look at it, then run go test ./dns/zone -update\n%s", path, diff)
	}
}

// told writes mistakes as a user reads them.
func told(t *testing.T, mistakes []zone.Mistake) string {
	t.Helper()
	var b strings.Builder
	for _, m := range mistakes {
		what := ""
		if m.Warning {
			what = "warning: "
		}
		fmt.Fprintf(&b, "%s: %s%s\n", m.Pos, what, m.Message)
		if m.Source != "" {
			fmt.Fprintf(&b, "    | %s\n    | %s^\n", strings.ReplaceAll(m.Source, "\t", " "), strings.Repeat(" ", m.Pos.Column-1))
		}
		if m.Expected != "" {
			fmt.Fprintf(&b, "    expected %s\n", m.Expected)
		}
	}
	return relative(t, b.String())
}

// relative makes paths those below testdata.
func relative(t *testing.T, text string) string {
	t.Helper()
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text, here+string(filepath.Separator), "")
}

func TestBuild_ExplainsEveryMistake(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"conflicts", "syntax"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, err := filepath.Abs("testdata/broken/" + name + ".zone")
			if err != nil {
				t.Fatal(err)
			}
			d := declare("example.test")
			d.File = path
			z, mistakes := zone.Build(zone.Options{Declared: d})
			if z != nil {
				t.Error("a zone was made of it")
			}
			golden(t, "testdata/broken/"+name+".txt", told(t, mistakes))
		})
	}
}

func TestBuild_ExplainsMistakesInDeclaredLines(t *testing.T) {
	t.Parallel()
	d := declare(
		"example.test",
		"www A 192.0.2.1.1", "  indented A 192.0.2.x", "$TTL 5", "", "one A 192.0.2.1\ntwo A 192.0.2.2", `quote TXT "`, "www NS",
		"www A 192.0.2.1", "www CNAME example.net.", "example.net. A 192.0.2.1", "mail.example.test MX 10 mail.example.net",
	)
	d.Nameservers = []config.Name{{Pos: d.Records[0].Pos, Text: "ns1.example.test"}}
	_, mistakes := zone.Build(zone.Options{Declared: d, Derived: []zone.Record{{Line: "www.example.test. 300 A nonsense ; site www", Pos: d.Pos}}})
	golden(t, "testdata/broken/lines.txt", told(t, mistakes))
}

func TestBuild_SaysThatTheFileIsNotThere(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/nowhere/example.zone", filepath.Dir(os.Args[0]), filepath.Join(t.TempDir(), "gone.zone")} {
		d := declare("example.test")
		d.File = path
		z, mistakes := zone.Build(zone.Options{Declared: d})
		if z != nil || len(mistakes) == 0 || mistakes[0].Pos.Line != 3 || !strings.Contains(mistakes[0].Message, "can't be read") {
			t.Errorf("%s: %+v", path, mistakes)
		}
	}
}
