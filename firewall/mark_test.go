package firewall_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMark_KeepsTheNumberOfTheRule(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id   uint16
		mask uint32
		mark uint32
		ok   bool
	}{
		{1, 0xff0000, 0x010000, true},
		{255, 0xff0000, 0xff0000, true},
		{256, 0xff0000, 0, false}, // no room
		{1, 0xff000000, 0x01000000, true},
		{300, 0xffff0000, 0x012c0000, true},
		{300, 0xff000000, 0, false}, // would be shifted out
		{65535, 0xffff, 0xffff, true},
		{0, 0xff0000, 0, false},
		{7, 0, 0, false}, // marks are off
	} {
		mark := firewall.Mark(test.id, test.mask)
		if mark != test.mark {
			t.Errorf("Mark(%d, %#x) is %#x, not %#x", test.id, test.mask, mark, test.mark)
		}
		id, ok := firewall.RuleOfMark(mark|^test.mask, test.mask) // others have set all of their bits
		if ok != test.ok || (ok && id != test.id) {
			t.Errorf("RuleOfMark(%#x, %#x) is %d, %t", mark, test.mask, id, ok)
		}
	}
	if got := firewall.MarkRoom(0xff0000); got != 255 {
		t.Errorf("a mask of 8 bits has room for %d", got)
	}
	if got := firewall.MarkRoom(0xffffff00); got != 65535 {
		t.Errorf("a mask of 24 bits has room for %d", got)
	}
}

func TestLogPrefix_ComesBack(t *testing.T) {
	t.Parallel()
	for _, out := range []bool{false, true} {
		for word, code := range map[string]string{firewall.LogNoRule: "firewall.no_rule", firewall.LogInvalid: "firewall.invalid_state"} {
			gotOut, reason, ok := firewall.ParseLogPrefix(firewall.LogPrefix(out, word))
			if !ok || gotOut != out || reason.Code() != code {
				t.Errorf("%s: %t %s %t", firewall.LogPrefix(out, word), gotOut, reason.Code(), ok)
			}
		}
	}
	for _, foreign := range []string{"", "rt", "rt:", "rt:in", "rt:in:", "rt:up:no_rule", "rt:in:other", "ufw block: "} {
		if out, reason, ok := firewall.ParseLogPrefix(foreign); ok || out || reason != trace.None {
			t.Errorf("%q is taken for ours", foreign)
		}
	}
}
