package firewall

import "math/bits"

// Mark is the number of a rule in the bits that are ours of a packet's or connection's mark: what the kernel stamps on what
// the rule admits. The other bits are 0. A number that the mask has no room for gives 0, which names no rule.
func Mark(id uint16, mask uint32) uint32 {
	if m := uint32(id) << bits.TrailingZeros32(mask); m&mask == m && m>>bits.TrailingZeros32(mask) == uint32(id) {
		return m
	}
	return 0
}

// RuleOfMark is the number of the rule that a mark names; ok is false where it names none.
func RuleOfMark(mark, mask uint32) (id uint16, ok bool) {
	if mask == 0 {
		return 0, false
	}
	n := mark & mask >> bits.TrailingZeros32(mask)
	return uint16(n), n != 0 && n <= 0xffff
}

// MarkRoom is the greatest number of a rule that the mask has room for.
func MarkRoom(mask uint32) int {
	if mask == 0 {
		return 0
	}
	return int(min(mask>>bits.TrailingZeros32(mask), 0xffff))
}
