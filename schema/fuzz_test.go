package schema_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
)

// FuzzSchema_Build builds also what config understood of a broken declaration, as `roundtrip check` does.
func FuzzSchema_Build(f *testing.F) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../examples/gallery/roundtrip.yaml") {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		c, _ := config.Parse("roundtrip.yaml", source, noEnv)
		if c == nil {
			return
		}
		s, err := schema.Build(c)
		var problems *config.Problems
		if err != nil && (s != nil || !errors.As(err, &problems)) {
			t.Fatalf("the error is %#v", err)
		}
	})
}
