package kernel

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

// Small words of nftables, and the sentences that a rule is made of. Each loads something into register 1 and compares it.

const (
	noFamily = 0
	ipv4     = unix.NFPROTO_IPV4
	ipv6     = unix.NFPROTO_IPV6
)

func native(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func network16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

func equal(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data} }

func verdict(kind expr.VerdictKind) expr.Any { return &expr.Verdict{Kind: kind} }

func meta(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, equal(value)}
}

func payload(base expr.PayloadBase, offset, size uint32) expr.Any {
	return &expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: size}
}

func masked(mask, xor []byte) expr.Any {
	return &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(len(mask)), Mask: mask, Xor: xor}
}

// device compares the name of the interface.
func device(key expr.MetaKey, name string) []expr.Any {
	return meta(key, append([]byte(name), make([]byte, 16-len(name))...))
}

func family(f byte) []expr.Any {
	if f == noFamily {
		return nil
	}
	return meta(expr.MetaKeyNFPROTO, []byte{f})
}

func protocol(p uint8) []expr.Any { return meta(expr.MetaKeyL4PROTO, []byte{p}) }

// state asks whether the connection is in one of the states.
func state(bits uint32) []expr.Any {
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1}, masked(native(bits), native(0)),
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: native(0)},
	}
}

// forwarded asks whether the packet is for somebody else: neither for an address of ours nor for everybody.
func forwarded() []expr.Any {
	return []expr.Any{&expr.Fib{Register: 1, ResultADDRTYPE: true, FlagDADDR: true}, equal(native(unix.RTN_UNICAST))}
}

// destinationPorts compares the port of the destination.
func destinationPorts(first, last uint16) []expr.Any {
	load := payload(expr.PayloadBaseTransportHeader, 2, 2)
	switch {
	case first == last:
		return []expr.Any{load, equal(network16(first))}
	case first == 0 && last == 0xffff:
		return nil
	}
	return []expr.Any{
		load, &expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: network16(first)}, &expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: network16(last)},
	}
}

// udpPorts compares both ports.
func udpPorts(from, to uint16) []expr.Any {
	return slices.Concat(protocol(firewall.UDP), []expr.Any{
		payload(expr.PayloadBaseTransportHeader, 0, 2), equal(network16(from)),
		payload(expr.PayloadBaseTransportHeader, 2, 2), equal(network16(to)),
	})
}

// icmp compares type and code; -1 is any.
func icmp(kind, code int16) []expr.Any {
	var list []expr.Any
	if kind >= 0 {
		list = append(list, payload(expr.PayloadBaseTransportHeader, 0, 1), equal([]byte{byte(kind)}))
	}
	if code >= 0 {
		list = append(list, payload(expr.PayloadBaseTransportHeader, 1, 1), equal([]byte{byte(code)}))
	}
	return list
}

// remote loads the address of the other end: the source of what arrives, the destination of what leaves.
func remote(six, out bool) expr.Any {
	switch {
	case six && out:
		return payload(expr.PayloadBaseNetworkHeader, 24, 16)
	case six:
		return payload(expr.PayloadBaseNetworkHeader, 8, 16)
	case out:
		return payload(expr.PayloadBaseNetworkHeader, 16, 4)
	}
	return payload(expr.PayloadBaseNetworkHeader, 12, 4)
}

// inNetwork compares the other end with one network.
func inNetwork(n netip.Prefix, out bool) []expr.Any {
	list := []expr.Any{remote(n.Addr().Is6(), out)}
	if bits := n.Addr().BitLen(); n.Bits() < bits {
		list = append(list, masked(net.CIDRMask(n.Bits(), bits), make([]byte, bits/8)))
	}
	return append(list, equal(n.Addr().AsSlice()))
}

// count is the counter with a name.
func count(name string) expr.Any { return &expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: name} }

// handUp gives a copy of the packet to who watches drops, within the bound that all such rules share.
func handUp(out bool, reason string) []expr.Any {
	return []expr.Any{
		&expr.Objref{Type: unix.NFT_OBJECT_LIMIT, Name: dropLimit},
		&expr.Log{Key: 1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_PREFIX, Group: firewall.LogGroup, Data: []byte(firewall.LogPrefix(out, reason))},
	}
}

// setMarks writes the number of a rule into the bits that are ours of the packet's and the connection's mark.
func setMarks(id uint16, mask uint32) []expr.Any {
	put := masked(native(^mask), native(firewall.Mark(id, mask)))
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeyMARK, Register: 1}, put, &expr.Ct{Key: expr.CtKeyMARK, Register: 1, SourceRegister: true},
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1}, put, &expr.Meta{Key: expr.MetaKeyMARK, Register: 1, SourceRegister: true},
	}
}

// canonical writes expressions so that what was asked for and what the kernel shows of it are the same text. What the kernel
// adds of its own is left out.
func canonical(list []expr.Any) string {
	var b strings.Builder
	for _, e := range list {
		switch e := e.(type) {
		case *expr.Log:
			fmt.Fprintf(&b, "log %d %q; ", e.Group, e.Data)
		case *expr.Lookup:
			fmt.Fprintf(&b, "lookup %s %t %t; ", e.SetName, e.Invert, e.IsDestRegSet)
		case *expr.Ct:
			fmt.Fprintf(&b, "ct %d; ", e.Key) // that it writes is not shown by the library; it always stands behind a bitwise of ours
		case *expr.Verdict:
			fmt.Fprintf(&b, "verdict %d %s; ", e.Kind, e.Chain)
		case *expr.Counter:
			b.WriteString("counter; ")
		default:
			fmt.Fprintf(&b, "%T %+v; ", e, e)
		}
	}
	return b.String()
}
