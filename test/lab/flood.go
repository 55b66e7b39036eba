package lab

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Flood sends so many SYNs a second to a port from the machine, each from another port, until ctx ends. It returns how many
// the kernel took. They are sound ones, so that what drops them is a rule and not a checksum.
func (m *Machine) Flood(ctx context.Context, to netip.AddrPort, rate int) (sent int, err error) {
	var raw *rawSocket
	err = m.Inside(func() (err error) {
		raw, err = openRaw(to.Addr())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("flood from %s: %w", m.Name, err)
	}
	defer raw.close()
	const tick = 2 * time.Millisecond
	start, packet := time.Now(), syn(to.Port())
	for pace := time.NewTicker(tick); ; {
		for due := int(time.Since(start).Seconds() * float64(rate)); sent < due; sent++ {
			port := uint16(1024 + sent%64000)
			stamp(packet, m.IPv4(), to.Addr(), port, uint32(sent))
			if err := raw.send(packet); err != nil {
				return sent, fmt.Errorf("flood from %s: %w", m.Name, err)
			}
		}
		select {
		case <-ctx.Done():
			return sent, nil
		case <-pace.C:
		}
	}
}

const protocolTCP = 6

// syn is a TCP segment that asks for a connection (RFC 9293 section 3.1), without ports of the sender and sums.
func syn(port uint16) []byte {
	b := make([]byte, 20)
	binary.BigEndian.PutUint16(b[2:], port)
	b[12], b[13] = 5<<4, 0x02 // five words of header; SYN
	binary.BigEndian.PutUint16(b[14:], 64240)
	return b
}

// stamp makes a segment one of another connection, and its checksum right.
func stamp(b []byte, from, to netip.Addr, port uint16, sequence uint32) {
	binary.BigEndian.PutUint16(b[0:], port)
	binary.BigEndian.PutUint32(b[4:], sequence)
	b[16], b[17] = 0, 0
	sum := uint32(protocolTCP) + uint32(len(b))
	add := func(b []byte) {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(b[i])<<8 | uint32(b[i+1])
		}
	}
	source, target := from.As4(), to.As4()
	add(source[:])
	add(target[:])
	add(b)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[16:], ^uint16(sum))
}
