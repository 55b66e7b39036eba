package zone

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// Zone is one zone, ready to be served. It never changes; what changes it returns another one, which shares most of it.
type Zone struct {
	*packed
	name    string
	serial  uint32
	sum     [32]byte
	changes []Change // in the order of their names
	over    *overlay // what they come to; nil without any
}

// Name returns the name of the zone: small letters, without a dot at the end.
func (z *Zone) Name() string { return z.name }

// Serial returns the serial of the SOA.
func (z *Zone) Serial() uint32 { return z.serial }

// Digest returns a digest of all records but the serial of the SOA.
func (z *Zone) Digest() [32]byte { return z.sum }

// Written returns the serial of a SOA that was declared or stands in the zone file. It reports false where the SOA is made from
// the zone's keys.
func (z *Zone) Written() (uint32, bool) { return z.written, z.hasWritten }

// WithSerial returns the zone with another serial.
func (z *Zone) WithSerial(serial uint32) *Zone {
	other := *z
	other.serial = serial
	return &other
}

// Set is the zones that a server answers for. It never changes.
type Set struct {
	zones  []*Zone // in the order of their names
	byName map[string]*Zone
	labels int // of the zone with most of them
	seed   maphash.Seed
}

// NewSet makes a set. The error says which zone is there twice.
func NewSet(zones ...*Zone) (*Set, error) {
	s := &Set{zones: slices.Clone(zones), byName: make(map[string]*Zone, len(zones)), seed: maphash.MakeSeed()}
	slices.SortFunc(s.zones, func(a, b *Zone) int { return slices.Compare(appendOrder(nil, a.apex), appendOrder(nil, b.apex)) })
	for _, z := range zones {
		if s.byName[string(z.apex)] != nil {
			return nil, fmt.Errorf("the zone %s is there twice", z.name)
		}
		s.byName[string(z.apex)] = z
		s.labels = max(s.labels, z.apexLabels)
	}
	return s, nil
}

// Zones returns the zones in the order of their names: a zone before those inside it.
func (s *Set) Zones() []*Zone { return slices.Clone(s.zones) }

// Zone returns the zone of a name (small letters, without a dot at its end), or nil.
func (s *Set) Zone(name string) *Zone {
	key, ok := wireName(name)
	if !ok {
		return nil
	}
	return s.byName[string(key)]
}

// Find returns the closest zone around a name, or nil for none. key is the name as on the wire, in small letters.
func (s *Set) Find(key []byte) *Zone {
	var at [message.LabelsMax]uint8
	n := starts(key, at[:])
	return s.find(key, at[:n], 0)
}

// find returns the closest zone around a name from its label from on.
func (s *Set) find(key []byte, at []uint8, from int) *Zone {
	for i := max(from, len(at)-s.labels); i < len(at); i++ {
		if z := s.byName[string(key[at[i]:])]; z != nil {
			return z
		}
	}
	return nil
}

// closest is the zone that answers for a name and a type: DS records of a zone's own name are with its parent (RFC 4035 section
// 3.1.4.1), where that is ours too.
func (s *Set) closest(key []byte, at []uint8, typ uint16) *Zone {
	z := s.find(key, at, 0)
	if z != nil && typ == dns.TypeDS && len(at) == z.apexLabels {
		if above := s.find(key, at, 1); above != nil {
			return above
		}
	}
	return z
}
