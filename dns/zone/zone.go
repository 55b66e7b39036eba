// Package zone is what a name server knows: zones, built once from what was declared and derived, packed for the wire, and
// never changed afterwards. A change makes a new one.
package zone

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Record is one line of a zone file that follows from something else than records: a site that is declared, a listener that
// runs.
type Record struct {
	Line string        // as in a zone file: name (absolute with a dot at its end, else below the zone), TTL, type, data; what it follows from may stand behind a ;
	Pos  roundtrip.Pos // of what it follows from
}

// Options is what a zone is built of.
type Options struct {
	Declared *config.Zone
	Derived  []Record // declared records stand in their place: see [Build]
	Serial   uint32   // of the SOA; one that a declared SOA has is used where it is higher (RFC 1982), or where this is 0

	Rename func(text string) string // what becomes of the text of zone files before it is read, line by line; nil: nothing
}

// Mistake is one thing that is wrong with what a zone is built of.
type Mistake struct {
	Pos      roundtrip.Pos // in the declaration or in a zone file
	Message  string        // what is wrong
	Expected string        // what would be right, "" where the message says it
	Source   string        // the line at Pos, where it stands in a zone file
	Warning  bool          // the zone works, but hardly as it was meant
}
