package nflog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"
)

// Packet is what the kernel tells of one packet.
type Packet struct {
	Head

	Prefix  string    // of the rule that logged it
	At      time.Time // when it came in; zero where the kernel does not say
	In, Out int       // numbers of the interfaces by which it came and was to leave, 0 for none
}

// The attributes of a packet, of linux/netfilter/nfnetlink_log.h.
const (
	attrTimestamp = 3
	attrIn        = 4
	attrOut       = 5
	attrPayload   = 9
	attrPrefix    = 10

	attrTypeMask = 0x3fff // above it are flags
	attrHead     = 4      // bytes of length and type
	genBytes     = 4      // of struct nfgenmsg, before the attributes
)

var errShort = errors.New("the netlink message is shorter than it says")

// Decode reads the body of a message of NFLOG: struct nfgenmsg, then attributes.
func Decode(b []byte) (Packet, error) {
	var p Packet
	if len(b) < genBytes {
		return p, errShort
	}
	var payload []byte
	for b = b[genBytes:]; len(b) >= attrHead; {
		n := int(binary.NativeEndian.Uint16(b))
		if n < attrHead || n > len(b) {
			return p, errShort
		}
		value := b[attrHead:n]
		switch binary.NativeEndian.Uint16(b[2:]) & attrTypeMask {
		case attrTimestamp:
			p.At = timestamp(value)
		case attrIn:
			p.In = number(value)
		case attrOut:
			p.Out = number(value)
		case attrPayload:
			payload = value
		case attrPrefix:
			text, _, _ := bytes.Cut(value, []byte{0})
			p.Prefix = string(text)
		}
		b = b[min((n+3)&^3, len(b)):] // values are filled up to four bytes
	}
	var err error
	p.Head, err = ParseHead(payload)
	return p, err
}

// timestamp reads seconds and microseconds since 1970.
func timestamp(b []byte) time.Time {
	if len(b) < 16 {
		return time.Time{}
	}
	seconds, micro := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	if seconds == 0 || seconds > 1<<40 || micro >= 1e6 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), int64(micro)*1000)
}

func number(b []byte) int {
	if len(b) < 4 {
		return 0
	}
	return int(binary.BigEndian.Uint32(b))
}
