package wire

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func TestStrikes_RefuseWhoFloodsAgainAndAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var s strikes
	bad, same, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("192.0.2.1")
	for n := range strikesMax {
		if s.refused(bad, now) {
			t.Fatalf("refused after %d floods", n)
		}
		s.strike(bad, now)
		s.strike(netip.MustParseAddr("127.0.0.1"), now)
	}
	if !s.refused(bad, now) || !s.refused(same, now) {
		t.Error("not refused, it and its network")
	}
	if s.refused(other, now) || s.refused(netip.MustParseAddr("127.0.0.1"), now) {
		t.Error("somebody else is refused")
	}
	if later := now.Add(strikesTime + 1); s.refused(bad, later) {
		t.Error("still refused")
	}
	for n := range uint32(2 * strikesAddrs) {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0a000000+n)
		s.strike(netip.AddrFrom4(a), now)
		if len(s.of) > strikesAddrs {
			t.Fatalf("%d addresses are remembered", len(s.of))
		}
	}
}
