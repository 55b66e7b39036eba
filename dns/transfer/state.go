package transfer

import (
	"net/netip"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// copiesMax bounds how many (zone, address) pairs are remembered of those who copied.
const copiesMax = 4096

// holder is an address that has a zone.
type holder struct {
	zone string
	addr netip.Addr
}

// Held is what a secondary was seen to have.
type Held struct {
	Serial  uint32    `json:"serial"`
	At      time.Time `json:"at"` // when it was seen
	Key     string    `json:"key,omitempty"`
	Records int64     `json:"records,omitempty"` // of the last whole transfer
	Bytes   int64     `json:"bytes,omitempty"`
}

// Copy is one secondary of one zone.
type Copy struct {
	Zone string         `json:"zone"`
	Peer netip.AddrPort `json:"peer"` // port 0: not declared by address, so it is told nothing

	// What it was seen to have by its own transfers; nil for nothing since the server started. Secondaries that share an address
	// are one to us.
	Held *Held `json:"held,omitempty"`

	Notified uint32    `json:"notified,omitempty"` // the last serial that it was told of and that it confirmed to have heard; 0 for none
	At       time.Time `json:"notified_at,omitzero"`
	Attempts int       `json:"attempts,omitempty"` // to tell it of the present serial
	Problem  string    `json:"problem,omitempty"`  // why it has not heard of the present serial yet
}

// holds notes that who asks has this version of the zone: it said so, or has just taken it.
func (r *request) holds(z *zone.Zone, taken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := holder{r.name, host(r.x.Client)}
	h, known := r.copies[k]
	if !known && len(r.copies) >= copiesMax {
		oldest := k
		for one, held := range r.copies {
			if oldest == k || held.At.Before(r.copies[oldest].At) {
				oldest = one
			}
		}
		delete(r.copies, oldest)
	}
	h.Serial, h.At, h.Key = z.Serial(), r.Now(), r.key
	if taken {
		h.Records, h.Bytes = r.records, r.bytes
	}
	r.copies[k] = h
}

// State returns what is known of all secondaries: those that are declared in their order, and after them others that copied.
func (s *Service) State() []Copy {
	d := s.Declared()
	if d == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Copy
	listed := map[holder]bool{}
	for _, z := range d.Zones {
		if z.Transfer == nil {
			continue
		}
		for _, p := range z.Transfer.To {
			k := holder{z.Name, host(p.Addr)}
			c := Copy{Zone: z.Name, Peer: p.Addr, Held: s.held(k)}
			if t := s.told[target{z.Name, p.Addr}]; t != nil {
				c.Notified, c.At, c.Attempts, c.Problem = t.heard, t.at, t.attempts, t.problem
			}
			listed[k] = true
			all = append(all, c)
		}
		var others []Copy
		for k := range s.copies {
			if k.zone == z.Name && !listed[k] {
				others = append(others, Copy{Zone: z.Name, Peer: netip.AddrPortFrom(k.addr, 0), Held: s.held(k)})
			}
		}
		slices.SortFunc(others, func(a, b Copy) int { return a.Peer.Addr().Compare(b.Peer.Addr()) })
		all = append(all, others...)
	}
	return all
}

func (s *Service) held(k holder) *Held {
	h, ok := s.copies[k]
	if !ok {
		return nil
	}
	return &h
}
