package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/config"
)

var update = flag.Bool("update", false, "write the golden files anew; read each of them as a user would")

// golden compares got with a file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (- file, + now); look at it, then run go test ./config -update\n%s", path, diff)
	}
}

func TestConfig_ExplainsEveryMistake(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 45 {
		t.Fatalf("%d broken files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Parse(filepath.Base(file), source, func(name string) (string, bool) { return environment(name) })
			var problems *config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("the error is %v", err)
			}
			if strings.Contains(err.Error(), "hush-hush") || strings.Contains(err.Error(), "aHVzaC1odXNo") {
				t.Error("a secret is printed")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(err.Error()+"\n"))
		})
	}
}

func TestConfig_JSONSchemaIsOfTheTable(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/schema.json", config.JSONSchema())
}

func TestConfig_ReferenceIsOfTheTable(t *testing.T) {
	t.Parallel()
	golden(t, "../docs/reference.md", config.Reference())
}

func TestConfig_ReadsAMisspeltBlockAsWhatWasMeant(t *testing.T) {
	t.Parallel()
	const source = "name: app\nidentity: { acounts: users }\ncolections:\n  users: { fields: { handle: { tpye: text }, name: { type: txt } } }\n"
	c, err := config.Parse("roundtrip.yaml", []byte(source), func(string) (string, bool) { return "", false })
	var problems *config.Problems
	if !errors.As(err, &problems) || len(problems.List) != 4 {
		t.Fatalf("got %v", err)
	}
	if c.Identity.Accounts != "users" || len(c.Collections) != 1 || c.Collections[0].Fields[0].Type.Text != "text" {
		t.Errorf("got %+v %+v", c.Identity, c.Collections)
	}
	for _, problem := range problems.List[2:] {
		if !strings.HasPrefix(problem.Path+".", "colections.") && !strings.HasPrefix(problem.Path, "collections.users.fields.") {
			t.Errorf("%s is about %q", problem.Message, problem.Path)
		}
	}
}

// environment is that of the broken files. What it holds must never be printed.
func environment(name string) (string, bool) {
	switch name {
	case "SET":
		return "hush-hush", true
	case "SET_BASE64":
		return "aHVzaC1odXNo", true
	case "SET_LONG":
		return "hush-hush-and-longer", true
	}
	return "", false
}
