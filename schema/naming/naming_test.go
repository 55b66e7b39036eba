package naming_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/schema/naming"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"photos":      {"photo", "Photos"},
		"like_counts": {"like_count", "LikeCounts"},
		"stories":     {"story", "Stories"},
		"dishes":      {"dish", "Dishes"},
		"watches":     {"watch", "Watches"},
		"boxes":       {"box", "Boxes"},
		"glasses":     {"glass", "Glasses"},
		"news":        {"news", "News"},
		"series":      {"series", "Series"},
		"people":      {"person", "People"},
		"children":    {"child", "Children"},
		"address":     {"address", "Address"},
		"status":      {"status", "Status"},
		"analysis":    {"analysis", "Analysis"},
		"s":           {"s", "S"},
		"post":        {"post", "Post"},
		"a__b_":       {"a__b_", "AB"},
		"x_1":         {"x_1", "X1"},
	} {
		if got := naming.Singular(name); got != want[0] {
			t.Errorf("one of %s is %q, not %q", name, got, want[0])
		}
		if got := naming.Pascal(name); got != want[1] {
			t.Errorf("%s in capitals is %q, not %q", name, got, want[1])
		}
	}
}
