package live

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip"
)

// A window that ends where somebody came is not sent to them. If its records are read later, one of them may be gone by then
// that they were shown: it must stay known until the window with its end.
func TestKnown_WhoCameAtAPositionIsNotToldUpToIt(t *testing.T) {
	t.Parallel()
	const id = roundtrip.ID(7)
	var k known
	k.came(id, 100)
	k.drop(id, 100)
	if !k.has(id) {
		t.Error("who came at 100 holds the record, and is never told that it is gone")
	}
	k.drop(id, 103)
	if k.has(id) {
		t.Error("everybody was told, and the record is still known")
	}
}
