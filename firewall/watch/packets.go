package watch

import (
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// packetsMax is how many of the last dropped packets are remembered with both of their ports: enough for who looks for one of
// its own a moment later.
const packetsMax = 256

// Packet is one that the kernel dropped on its way in.
type Packet struct {
	From, To netip.AddrPort
	Protocol uint8
	Reason   trace.Reason
	At       time.Time
}

// packets is a ring of the last ones.
type packets struct {
	ring [packetsMax]Packet
	next int
}

func (p *packets) add(one Packet) {
	p.ring[p.next] = one
	p.next = (p.next + 1) % packetsMax
}

// Packets returns those of the last dropped packets that came in since then, the oldest first. Only a part of what is dropped
// is told by the kernel: firewall.drops.rate.
func (w *Watch) Packets(since time.Time) []Packet {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Packet
	for i := range packetsMax {
		p := w.packets.ring[(w.packets.next+i)%packetsMax]
		if p.From.IsValid() && !p.At.Before(since) {
			all = append(all, p)
		}
	}
	return all
}
