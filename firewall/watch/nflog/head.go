package nflog

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Head is the beginning of an IP packet, as far as a firewall looks at it.
type Head struct {
	From, To         netip.Addr
	Protocol         uint8  // IANA number; of IPv6 that behind the extension headers
	FromPort, ToPort uint16 // tcp, udp, udplite, dccp and sctp, else 0
	Type, Code       uint8  // icmp and icmpv6, else 0
	Flags            uint8  // TCP: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32
	Length           int    // bytes of the whole packet, as it says itself
	Fragment         bool   // a later part of a packet: ports, type and flags are not in it
	Cut              bool   // the copy ended before ports, type or flags
}

// IANA protocol numbers.
const (
	protoICMP    = 1
	protoTCP     = 6
	protoUDP     = 17
	protoDCCP    = 33
	protoICMPv6  = 58
	protoSCTP    = 132
	protoUDPLite = 136

	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extAuth        = 51
	extDestination = 60
	extMobility    = 135
	extHIP         = 139
	extShim6       = 140
)

var errNoIP = errors.New("the packet is no IP packet")

// ParseHead reads the beginning of an IPv4 (RFC 791) or IPv6 (RFC 8200) packet, of which b may be the first part only.
func ParseHead(b []byte) (Head, error) {
	if len(b) == 0 {
		return Head{}, errNoIP
	}
	switch b[0] >> 4 {
	case 4:
		return parse4(b)
	case 6:
		return parse6(b)
	}
	return Head{}, errNoIP
}

func parse4(b []byte) (Head, error) {
	const fixed = 20
	if len(b) < fixed {
		return Head{}, errNoIP
	}
	n := int(b[0]&15) * 4
	if n < fixed {
		return Head{}, errNoIP
	}
	h := Head{
		From: netip.AddrFrom4([4]byte(b[12:])), To: netip.AddrFrom4([4]byte(b[16:])),
		Protocol: b[9], Length: int(binary.BigEndian.Uint16(b[2:])),
	}
	if binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		h.Fragment = true
		return h, nil
	}
	h.transport(b[min(n, len(b)):])
	return h, nil
}

func parse6(b []byte) (Head, error) {
	const fixed = 40
	if len(b) < fixed {
		return Head{}, errNoIP
	}
	h := Head{
		From: netip.AddrFrom16([16]byte(b[8:])), To: netip.AddrFrom16([16]byte(b[24:])),
		Protocol: b[6], Length: fixed + int(binary.BigEndian.Uint16(b[4:])),
	}
	rest := h.extensions(b[fixed:])
	if !h.Fragment && !h.Cut {
		h.transport(rest)
	}
	return h, nil
}

// extensions goes over the extension headers of IPv6 to what they carry. Each is at least eight bytes long, so that the
// copy bounds how many there are.
func (h *Head) extensions(b []byte) []byte {
	for {
		unit, first := 8, 8 // bytes of a unit of length, and before the first unit
		switch h.Protocol {
		case extHopByHop, extRouting, extDestination, extMobility, extHIP, extShim6:
		case extFragment:
			unit = 0
		case extAuth:
			unit = 4 // RFC 4302: in words, less two
		default:
			return b
		}
		if len(b) < first {
			h.Cut = true
			return nil
		}
		if h.Protocol == extFragment && binary.BigEndian.Uint16(b[2:])>>3 != 0 {
			h.Protocol, h.Fragment = b[0], true
			return nil
		}
		n := first + int(b[1])*unit
		h.Protocol = b[0]
		if n > len(b) {
			h.Cut = true
			return nil
		}
		b = b[n:]
	}
}

// transport reads ports, type and flags.
func (h *Head) transport(b []byte) {
	switch h.Protocol {
	case protoICMP, protoICMPv6:
		if h.Cut = len(b) < 2; !h.Cut {
			h.Type, h.Code = b[0], b[1]
		}
	case protoTCP, protoUDP, protoUDPLite, protoDCCP, protoSCTP:
		if h.Cut = len(b) < 4; h.Cut {
			return
		}
		h.FromPort, h.ToPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		if h.Protocol != protoTCP {
			return
		}
		if h.Cut = len(b) < 14; !h.Cut {
			h.Flags = b[13] & 0x3f
		}
	}
}
