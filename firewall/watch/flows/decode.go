package flows

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// The attributes of an entry, of linux/netfilter/nfnetlink_conntrack.h. All numbers in them are in network byte order.
const (
	attrOrig          = 1
	attrReply         = 2
	attrStatus        = 3
	attrProtoInfo     = 4
	attrTimeout       = 7
	attrMark          = 8
	attrCountersOrig  = 9
	attrCountersReply = 10
	attrZone          = 18

	tupleIP    = 1
	tupleProto = 2

	ip4From, ip4To, ip6From, ip6To = 1, 2, 3, 4

	protoNumber               = 1
	protoFromPort             = 2
	protoToPort               = 3
	icmpID, icmpType, icmpCod = 4, 5, 6
	icmp6Plus                 = 3 // what the three of ICMPv6 are more

	counterBytes = 2

	infoTCP, tcpState  = 1, 1
	timeWait, closedBy = 7, 8 // TCP_CONNTRACK_TIME_WAIT, TCP_CONNTRACK_CLOSE: a FIN each way, or a reset

	statusSeenReply = 1 << 1

	attrTypeMask = 0x3fff // above it are flags
	attrHead     = 4      // bytes of length and type
	genBytes     = 4      // of struct nfgenmsg, before the attributes
)

var errShort = errors.New("the netlink message is shorter than it says")

// attributes calls each with every attribute. It allocates nothing, for a table may have a million entries.
func attributes(b []byte, each func(kind uint16, value []byte)) error {
	for len(b) >= attrHead {
		n := int(binary.NativeEndian.Uint16(b))
		if n < attrHead || n > len(b) {
			return errShort
		}
		each(binary.NativeEndian.Uint16(b[2:])&attrTypeMask, b[attrHead:n])
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}

// decode reads one entry: struct nfgenmsg, then attributes.
func (f *Flow) decode(b []byte) error {
	if len(b) < genBytes {
		return errShort
	}
	*f = Flow{}
	var wrong error
	nested := func(value []byte, each func(uint16, []byte)) {
		if err := attributes(value, each); err != nil {
			wrong = err
		}
	}
	tuple := func(value []byte, from, to *netip.AddrPort) {
		var t tuple
		nested(value, func(kind uint16, value []byte) {
			switch kind {
			case tupleIP:
				nested(value, t.address)
			case tupleProto:
				nested(value, t.proto)
			}
		})
		*from, *to = netip.AddrPortFrom(t.from, t.fromPort), netip.AddrPortFrom(t.to, t.toPort)
		if f.Protocol == 0 { // the first of the two
			f.Protocol, f.Type, f.Code, f.id = t.protocol, t.icmpType, t.icmpCode, t.id
		}
	}
	count := func(kind uint16, value []byte) {
		if kind == counterBytes && len(value) >= 8 {
			f.Bytes += binary.BigEndian.Uint64(value)
		}
	}
	err := attributes(b[genBytes:], func(kind uint16, value []byte) {
		switch kind {
		case attrOrig:
			tuple(value, &f.From, &f.To)
		case attrReply:
			tuple(value, &f.ReplyFrom, &f.ReplyTo)
		case attrStatus:
			f.Answered = number(value)&statusSeenReply != 0
		case attrProtoInfo:
			nested(value, func(kind uint16, value []byte) {
				if kind == infoTCP {
					nested(value, f.state)
				}
			})
		case attrTimeout:
			f.Left = time.Duration(number(value)) * time.Second
		case attrMark:
			f.Mark = number(value)
		case attrCountersOrig, attrCountersReply:
			nested(value, count)
		case attrZone:
			f.zone = short(value)
		}
	})
	if err != nil || wrong != nil {
		return errShort
	}
	if !f.From.IsValid() || !f.To.IsValid() {
		return errors.New("the entry names no addresses")
	}
	return nil
}

// state reads how far a TCP connection is.
func (f *Flow) state(kind uint16, value []byte) {
	if kind == tcpState {
		f.Over = octet(value) == timeWait || octet(value) == closedBy
	}
}

// tuple is one direction of an entry.
type tuple struct {
	from, to           netip.Addr
	fromPort, toPort   uint16
	protocol           uint8
	icmpType, icmpCode uint8
	id                 uint16
}

func (t *tuple) address(kind uint16, value []byte) {
	a, ok := netip.AddrFromSlice(value)
	if !ok {
		return
	}
	switch kind {
	case ip4From, ip6From:
		t.from = a
	case ip4To, ip6To:
		t.to = a
	}
}

func (t *tuple) proto(kind uint16, value []byte) {
	switch kind {
	case protoNumber:
		t.protocol = octet(value)
	case protoFromPort:
		t.fromPort = short(value)
	case protoToPort:
		t.toPort = short(value)
	case icmpID, icmpID + icmp6Plus:
		t.id = short(value)
	case icmpType, icmpType + icmp6Plus:
		t.icmpType = octet(value)
	case icmpCod, icmpCod + icmp6Plus:
		t.icmpCode = octet(value)
	}
}

func octet(b []byte) uint8 {
	if len(b) < 1 {
		return 0
	}
	return b[0]
}

func short(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func number(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}
