package flows

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// nest makes an attribute of others, filled up to four bytes.
func nest(kind uint16, parts ...[]byte) []byte {
	var value []byte
	for _, p := range parts {
		value = append(value, p...)
	}
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind|0x8000)
	b = append(b, value...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

func be16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// entry is a connection of TCP to 198.18.0.1:443.
func entry() []byte {
	client, server := []byte{198, 18, 0, 2}, []byte{198, 18, 0, 1}
	direction := func(kind uint16, from, to []byte, fromPort, toPort uint16) []byte {
		return nest(kind, nest(tupleIP, nest(ip4From, from), nest(ip4To, to)),
			nest(tupleProto, nest(protoNumber, []byte{6}), nest(protoFromPort, be16(fromPort)), nest(protoToPort, be16(toPort))))
	}
	b := []byte{2, 0, 0, 0}
	b = append(b, direction(attrOrig, client, server, 40000, 443)...)
	b = append(b, direction(attrReply, server, client, 443, 40000)...)
	b = append(b, nest(attrStatus, be32(0x18e))...)
	b = append(b, nest(attrTimeout, be32(431999))...)
	b = append(b, nest(attrMark, be32(0x20000))...)
	b = append(b, nest(attrCountersOrig, nest(1, be64(5)), nest(counterBytes, be64(1000)))...)
	b = append(b, nest(attrCountersReply, nest(1, be64(5)), nest(counterBytes, be64(234)))...)
	return append(b, nest(attrZone, be16(7))...)
}

func TestDecode_ReadsAnEntry(t *testing.T) {
	var f Flow // not parallel: it counts allocations
	b := entry()
	if err := f.decode(b); err != nil {
		t.Fatal(err)
	}
	client, server := netip.MustParseAddrPort("198.18.0.2:40000"), netip.MustParseAddrPort("198.18.0.1:443")
	want := Flow{
		Protocol: 6, From: client, To: server, ReplyFrom: server, ReplyTo: client, Mark: 0x20000, Answered: true,
		Left: 431999 * time.Second, Bytes: 1234, zone: 7,
	}
	if f != want {
		t.Errorf("got %+v", f)
	}
	if n := testing.AllocsPerRun(100, func() { _ = f.decode(b) }); n != 0 {
		t.Errorf("%v allocations an entry", n)
	}
	for state, over := range map[byte]bool{1: false, 3: false, 5: false, 7: true, 8: true} {
		if err := f.decode(append(entry(), nest(attrProtoInfo, nest(infoTCP, nest(tcpState, []byte{state})))...)); err != nil || f.Over != over {
			t.Errorf("state %d: over is %t, %v", state, f.Over, err)
		}
	}
	for _, bad := range [][]byte{nil, b[:4], b[:len(b)-3], b[:20]} {
		if err := f.decode(bad); err == nil {
			t.Errorf("%x is taken for %+v", bad, f)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(entry())
	six := []byte{10, 0, 0, 0}
	a := make([]byte, 16)
	f.Add(append(six, nest(attrOrig, nest(tupleIP, nest(ip6From, a), nest(ip6To, a)),
		nest(tupleProto, nest(protoNumber, []byte{58}), nest(icmpID+icmp6Plus, be16(9)), nest(icmpType+icmp6Plus, []byte{128})))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var flow Flow
		if flow.decode(b) == nil && (!flow.From.IsValid() || !flow.To.IsValid()) {
			t.Errorf("got %+v", flow)
		}
	})
}
