package examples_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/examples"
)

func TestExamples_HoldTheTemplates(t *testing.T) {
	t.Parallel()
	for _, name := range examples.Names() {
		files, err := examples.Template(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(files, "roundtrip.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema=./roundtrip.schema.json\n") {
			t.Errorf("%s does not name its schema in the first line", name)
		}
		if ignored, err := fs.ReadFile(files, ".gitignore"); err != nil || !strings.Contains("\n"+string(ignored), "\n/data/\n") {
			t.Errorf("%s lets git take the data folder, where private keys lie: %v", name, err)
		}
		if _, err := fs.Stat(files, "data"); err == nil {
			t.Errorf("%s holds the data of a run", name)
		}
	}
}

func TestExamples_SayWhatThereIs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"galery": "gallery, empty, proxy", "../empty": "no template"} {
		if _, err := examples.Template(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
