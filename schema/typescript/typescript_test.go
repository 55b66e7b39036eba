package typescript_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/typescript"
)

var update = flag.Bool("update", false, "write the golden files anew; read each of them as a user would")

func TestModule_SaysWhatTheDeclarationSays(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse(filepath.Base(file), source, func(string) (string, bool) { return "", false })
			if err != nil {
				t.Fatal(err)
			}
			s, err := schema.Build(c)
			if err != nil {
				t.Fatal(err)
			}
			got := typescript.Module(s.Schema, typescript.Names{Login: c.Identity.Login})
			golden := strings.TrimSuffix(file, ".yaml") + ".ts"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s differs (- file, + now); look at it, then run go test ./schema/typescript -update\n%s", golden, diff)
			}
		})
	}
}
