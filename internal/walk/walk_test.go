package walk_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/internal/walk"
)

func TestSteps_AreNeverNone(t *testing.T) {
	t.Parallel()
	for _, whole := range []int{1, 6, 8, 4200} {
		if got := walk.Steps(whole); got < 1 || got < whole/8 || got > whole {
			t.Errorf("of %d steps %d are made", whole, got)
		}
	}
}
