package app_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

// TestTypes_OfTheGalleryPage holds the types that the gallery's page is built with to its declaration.
func TestTypes_OfTheGalleryPage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := app.Types("../examples/gallery", process.Surroundings{Out: &out}); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("../examples/gallery/web/src/schema.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, out.Bytes()) {
		t.Error("examples/gallery/web/src/schema.ts is behind: write it anew with bin/roundtrip export types examples/gallery")
	}
}
