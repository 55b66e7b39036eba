package message

import "encoding/binary"

// Flags of the header that an answer may set beside those of [Result].
const (
	flagResponse      = 0x8000
	flagAuthoritative = 0x0400
	flagTruncated     = 0x0200
	flagRD            = 0x0100
	flagRA            = 0x0080
	flagCD            = 0x0010
)

// PutHeader writes the header of the answer to q into the first 12 bytes of b. Its counts are those of r, plus one question
// where q has one. RD and CD are copied from the query (RFC 1035 section 4.1.1, RFC 4035 section 3.1.6), AD is never set.
func PutHeader(b []byte, q *Query, r Result, recursion bool) {
	flags := flagResponse | uint16(q.Opcode)<<11 | r.Rcode&15
	if r.Authoritative {
		flags |= flagAuthoritative
	}
	if r.Truncated {
		flags |= flagTruncated
	}
	if q.RD {
		flags |= flagRD
	}
	if recursion {
		flags |= flagRA
	}
	if q.CD {
		flags |= flagCD
	}
	var questions uint16
	if len(q.Question) > 0 {
		questions = 1
	}
	_ = b[HeaderLen-1]
	binary.BigEndian.PutUint16(b, q.ID)
	binary.BigEndian.PutUint16(b[2:], flags)
	binary.BigEndian.PutUint16(b[4:], questions)
	binary.BigEndian.PutUint16(b[6:], r.Answers)
	binary.BigEndian.PutUint16(b[8:], r.Authorities)
	binary.BigEndian.PutUint16(b[10:], r.Additionals)
}

// AppendQuestion appends room for the header and the question of q, as the zones want it.
func AppendQuestion(b []byte, q *Query) []byte {
	var header [HeaderLen]byte
	b = append(b, header[:]...)
	return append(b, q.Question...)
}

// OPT is the record of EDNS in an answer (RFC 6891 section 6.1).
type OPT struct {
	Size  uint16 // bytes that we take over UDP
	Rcode uint16 // its upper bits go here
	DO    bool

	Cookie   []byte // of the client and of the server, together; empty for none
	NSID     string // who we are (RFC 5001), "" for none
	Extended EDE
}

// EDE is an Extended DNS Error (RFC 8914): why the answer is as it is.
type EDE struct {
	Code uint16
	Text string // "" for no error at all
}

// Codes of Extended DNS Errors.
const (
	Other            uint16 = 0
	Prohibited       uint16 = 18
	NotAuthoritative uint16 = 20
	NotSupported     uint16 = 21
	NetworkError     uint16 = 23
	InvalidQueryType uint16 = 30
)

// Len returns how many bytes the option takes.
func (e EDE) Len() int {
	if e.Text == "" {
		return 0
	}
	return 6 + len(e.Text)
}

// Len returns how many bytes the record takes.
func (o *OPT) Len() int {
	n := 11 + o.Extended.Len()
	if len(o.Cookie) > 0 {
		n += 4 + len(o.Cookie)
	}
	if o.NSID != "" {
		n += 4 + len(o.NSID)
	}
	return n
}

// Append appends the record. Who appends it counts it in the header's additional records.
func (o *OPT) Append(b []byte) []byte {
	var flags uint16
	if o.DO {
		flags = 0x8000
	}
	b = append(b, 0, byte(TypeOPT>>8), byte(TypeOPT), byte(o.Size>>8), byte(o.Size), byte(o.Rcode>>4), 0, byte(flags>>8), byte(flags))
	length := o.Len() - 11
	b = append(b, byte(length>>8), byte(length))
	if n := len(o.Cookie); n > 0 {
		b = append(b, 0, optionCookie, byte(n>>8), byte(n))
		b = append(b, o.Cookie...)
	}
	if n := len(o.NSID); n > 0 {
		b = append(b, 0, optionNSID, byte(n>>8), byte(n))
		b = append(b, o.NSID...)
	}
	if e := o.Extended; e.Text != "" {
		n := 2 + len(e.Text)
		b = append(b, 0, 15, byte(n>>8), byte(n), byte(e.Code>>8), byte(e.Code))
		b = append(b, e.Text...)
	}
	return b
}
