package nflog_test

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/firewall/watch/nflog"
)

const (
	// 198.18.0.2:40000 -> 198.18.0.1:5432, SYN, 60 bytes
	syn4 = "4500003c000040004006000" + "0c6120002c6120001" + "9c401538000000010000000" + "0a002faf000000000"
	// 2001:db8::2 -> 2001:db8::1, 48 bytes behind the head
	head6 = "600000000030"
	ends6 = "40" + "20010db8000000000000000000000002" + "20010db8000000000000000000000001"
	// UDP 40000 -> 53
	udp = "9c4000350010" + "0000"
)

func packet(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseHead_ReadsWhatAFirewallLooksAt(t *testing.T) {
	t.Parallel()
	a2, a1 := netip.MustParseAddr("198.18.0.2"), netip.MustParseAddr("198.18.0.1")
	b2, b1 := netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::1")
	hop := "1100" + "000000000000" // hop-by-hop, then UDP
	for _, test := range []struct {
		name, packet string
		want         nflog.Head
	}{
		{"IPv4 TCP", syn4, nflog.Head{From: a2, To: a1, Protocol: 6, FromPort: 40000, ToPort: 5432, Flags: 2, Length: 60}},
		{
			"IPv4 with options", "4600003c 00004000 40110000 c6120002 c6120001 01010101" + udp,
			nflog.Head{From: a2, To: a1, Protocol: 17, FromPort: 40000, ToPort: 53, Length: 60},
		},
		{"IPv4 ICMP", "4500001c 00000000 40010000 c6120002 c6120001 0304 0000", nflog.Head{From: a2, To: a1, Protocol: 1, Type: 3, Code: 4, Length: 28}},
		{"IPv4, a later fragment", "4500001c 00000010 40110000 c6120002 c6120001" + udp, nflog.Head{From: a2, To: a1, Protocol: 17, Length: 28, Fragment: true}},
		{"IPv4 TCP cut in the ports", "4500003c 00004000 40060000 c6120002 c6120001 9c40", nflog.Head{From: a2, To: a1, Protocol: 6, Length: 60, Cut: true}},
		{"IPv4 TCP cut before the flags", "4500003c 00004000 40060000 c6120002 c6120001 9c401538", nflog.Head{From: a2, To: a1, Protocol: 6, FromPort: 40000, ToPort: 5432, Length: 60, Cut: true}},
		{"IPv4 GRE", "4500003c 00004000 402f0000 c6120002 c6120001", nflog.Head{From: a2, To: a1, Protocol: 47, Length: 60}},
		{"IPv6 UDP", head6 + "11" + ends6 + udp, nflog.Head{From: b2, To: b1, Protocol: 17, FromPort: 40000, ToPort: 53, Length: 88}},
		{"IPv6 echo", head6 + "3a" + ends6 + "8000", nflog.Head{From: b2, To: b1, Protocol: 58, Type: 128, Length: 88}},
		{"IPv6 hop-by-hop", head6 + "00" + ends6 + hop + udp, nflog.Head{From: b2, To: b1, Protocol: 17, FromPort: 40000, ToPort: 53, Length: 88}},
		{
			"IPv6 destination options of 16 bytes", head6 + "3c" + ends6 + "1101" + strings.Repeat("0", 28) + udp,
			nflog.Head{From: b2, To: b1, Protocol: 17, FromPort: 40000, ToPort: 53, Length: 88},
		},
		{
			"IPv6 AH of 24 bytes", head6 + "33" + ends6 + "1104" + strings.Repeat("0", 44) + udp,
			nflog.Head{From: b2, To: b1, Protocol: 17, FromPort: 40000, ToPort: 53, Length: 88},
		},
		{
			"IPv6, the first fragment", head6 + "2c" + ends6 + "11ff 0001 00000001" + udp,
			nflog.Head{From: b2, To: b1, Protocol: 17, FromPort: 40000, ToPort: 53, Length: 88},
		},
		{"IPv6, a later fragment", head6 + "2c" + ends6 + "1100 0008 00000001" + udp, nflog.Head{From: b2, To: b1, Protocol: 17, Length: 88, Fragment: true}},
		{"IPv6 cut in an extension", head6 + "00" + ends6 + "1103 0000 00000000", nflog.Head{From: b2, To: b1, Protocol: 17, Length: 88, Cut: true}},
		{"IPv6 cut before an extension", head6 + "2b" + ends6 + "11", nflog.Head{From: b2, To: b1, Protocol: 43, Length: 88, Cut: true}},
		{"IPv6 with nothing in it", head6 + "3b" + ends6, nflog.Head{From: b2, To: b1, Protocol: 59, Length: 88}},
	} {
		got, err := nflog.ParseHead(packet(t, test.packet))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
	for _, bad := range []string{"", "45", "44" + syn4[2:], "50" + syn4[2:], head6 + "11" + ends6[:10], syn4[:38]} {
		if h, err := nflog.ParseHead(packet(t, bad)); err == nil {
			t.Errorf("%s is taken for %+v", bad, h)
		}
	}
}

// attribute is one attribute of a message, filled up to four bytes.
func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

func message(t testing.TB) []byte {
	t.Helper()
	b := []byte{2, 0, 0x14, 0xd5}
	b = append(b, attribute(10, []byte("rt:in:no_rule\x00"))...)
	b = append(b, attribute(4, []byte{0, 0, 0, 7})...)
	b = append(b, attribute(3, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 1_790_000_000), 250_000))...)
	b = append(b, attribute(99, []byte("not known"))...)
	return append(b, attribute(9, packet(t, syn4))...)
}

func TestDecode_ReadsTheMessage(t *testing.T) {
	t.Parallel()
	p, err := nflog.Decode(message(t))
	if err != nil {
		t.Fatal(err)
	}
	if p.Prefix != "rt:in:no_rule" || p.In != 7 || p.Out != 0 || p.ToPort != 5432 || !p.At.Equal(time.Unix(1_790_000_000, 250_000_000)) {
		t.Errorf("got %+v", p)
	}
}

func TestDecode_RefusesWhatIsBroken(t *testing.T) {
	t.Parallel()
	good := message(t)
	for _, test := range []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"no attributes", good[:4]},
		{"an attribute past the end", good[:len(good)-1-3]},
		{"an attribute shorter than its head", append(append([]byte{}, good[:4]...), 3, 0, 10, 0)},
		{"no packet", append(append([]byte{}, good[:4]...), attribute(10, []byte("rt:in:no_rule\x00"))...)},
	} {
		if p, err := nflog.Decode(test.b); err == nil {
			t.Errorf("%s is taken for %+v", test.name, p)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(message(f))
	f.Add(append([]byte{10, 0, 0, 0}, attribute(9, packet(f, head6+"00"+ends6+"1103"))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := nflog.Decode(b)
		if err != nil {
			return
		}
		if !p.From.IsValid() || !p.To.IsValid() || len(p.Prefix) > len(b) {
			t.Errorf("got %+v", p)
		}
		if (p.Fragment || p.Cut) && p.Flags != 0 {
			t.Errorf("flags of what is not there: %+v", p)
		}
	})
}
