package nearest_test

import (
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

func TestNearest_FindsWhatWasMeant(t *testing.T) {
	t.Parallel()
	names := []string{"name", "sites", "collections", "create_time", "id", "caption", "required"}
	for word, want := range map[string]string{
		"naem":                    "name",
		"site":                    "sites",
		"colections":              "collections",
		"create-time":             "create_time",
		"ID":                      "id",
		"Caption":                 "caption",
		"requierd":                "required",
		"cap":                     "",
		"name":                    "",
		"zebra":                   "",
		"":                        "",
		strings.Repeat("x", 1000): "",
	} {
		if got := nearest.Of(word, names); got != want {
			t.Errorf("Of(%.20q) = %q, want %q", word, got, want)
		}
	}
}

func TestNearest_TakesNoNames(t *testing.T) {
	t.Parallel()
	if got := nearest.Of("word", nil); got != "" {
		t.Errorf("got %q", got)
	}
}
