package zone

import (
	"errors"
	"io"
	"iter"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// Zone is one zone, ready to be served.
type Zone struct {
	name   string
	serial uint32
	digest [32]byte
}

// Set is the zones that a server answers for.
type Set struct{ zones []*Zone }

// Explanation says how a name is answered, and why so.
type Explanation struct {
	Zone string `json:"zone,omitempty"`
}

// Build makes a zone. It reports every mistake; the zone is nil if one of them is more than a warning.
func Build(o Options) (*Zone, []Mistake) {
	return &Zone{name: o.Declared.Name, serial: o.Serial}, nil
}

// Name returns the name of the zone: small letters, without a dot at the end.
func (z *Zone) Name() string { return z.name }

// Serial returns the serial of the SOA.
func (z *Zone) Serial() uint32 { return z.serial }

// Digest returns a digest of all records but the serial of the SOA.
func (z *Zone) Digest() [32]byte { return z.digest }

// WithSerial returns the zone with another serial.
func (z *Zone) WithSerial(serial uint32) *Zone {
	other := *z
	other.serial = serial
	return &other
}

// With returns the zone with a change, which takes the place of the one before at the same name. A change of nothing but a
// name takes that back.
func (z *Zone) With(Change) *Zone { return z }

// Records returns every record, the SOA first.
func (z *Zone) Records() iter.Seq[dns.RR] { return func(func(dns.RR) bool) {} }

// Print writes the zone as a zone file.
func (z *Zone) Print(io.Writer) error { return errors.ErrUnsupported }

// NewSet makes a set.
func NewSet(zones ...*Zone) (*Set, error) { return &Set{zones: zones}, nil }

// Zones returns the zones of the set.
func (s *Set) Zones() []*Zone { return s.zones }

// Find returns the closest zone around a name (small letters, as on the wire), or nil.
func (s *Set) Find([]byte) *Zone { return nil }

// Answer appends the sections of the answer to b, which holds a header and the question.
func (s *Set) Answer(b []byte, _ *message.Query, _ int) ([]byte, message.Result) {
	return b, message.Result{}
}

// Explain says how a name is answered, and why so.
func (s *Set) Explain(string, uint16) Explanation { return Explanation{} }

// String returns the explanation for a terminal.
func (e Explanation) String() string { return e.Zone }
