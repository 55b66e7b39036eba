// Package message is the DNS on the wire (RFC 1035 section 4): a question is read by hand, without an allocation, and what
// answers are made of is appended. It knows no zones.
package message

import "net/netip"

// NameMax is how many bytes a name has on the wire at most, the root's included (RFC 1035 section 3.1).
const NameMax = 255

// LabelsMax is how many labels a name has at most, the root's not counted.
const LabelsMax = 127

// HeaderLen is the length of the header.
const HeaderLen = 12

// Query is one message that asks, read. It is filled anew for each message and points into the packet.
type Query struct {
	ID     uint16
	Opcode uint8
	RD, CD bool // recursion desired, checking disabled

	Question []byte // name, type and class as they came, to be sent back byte for byte; empty where there was none
	Name     []byte // the name of the question as it came, the root's empty label included
	Type     uint16
	Class    uint16

	Key    []byte           // Name in small letters; it lies in key
	Labels int              // how many labels Name has, the root's not counted: www.example.test. has 3
	Starts [LabelsMax]uint8 // where in Name each label begins, the leftmost first

	EDNS EDNS
	TSIG bool // the message is signed (RFC 8945): only the slow path can answer it

	Client netip.AddrPort
	TCP    bool

	key [NameMax]byte
}

// EDNS is what the OPT record of a query says (RFC 6891).
type EDNS struct {
	Present bool
	Version uint8
	DO      bool
	Size    uint16 // bytes that the client takes over UDP; below 512 means 512
	NSID    bool   // it asks who we are (RFC 5001)
	Cookie  []byte // of the client, and of the server where it has one (RFC 7873); nil for none
}

// Result is what was made of a query.
type Result struct {
	Rcode         uint16 // RFC 6895; above 15 only with EDNS
	Authoritative bool
	Truncated     bool // over UDP: ask over TCP

	Answers, Authorities, Additionals uint16 // records of each section

	Found Found
	// How the name was looked for, as numbers of labels of the question's name; only evidence.
	ZoneLabels, EncloserLabels uint8
	Wildcard                   bool
}

// Found is how a zone came to its answer.
type Found uint8

// What a zone can find.
const (
	Refused    Found = iota // no zone of ours has the name
	Data                    // records of the type
	NoData                  // the name is there, and has no such records
	Empty                   // the name is there only because of names below it
	NoName                  // the name is not there
	Chain                   // a CNAME or DNAME led to the end that Rcode tells
	ChainOut                // a CNAME led out of our zones: who asks goes on by itself
	ChainLoop               // a CNAME led back to where it came from
	Delegation              // the name lies below a delegation
	TooLong                 // a DNAME led to a name that is too long
	Minimal                 // ANY: one RRset of those that there are (RFC 8482)
)
