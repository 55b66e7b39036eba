package message

// Fault is what is wrong with a message; [Sound] is nothing.
type Fault uint8

// The faults of a message that asks.
const (
	Sound         Fault = iota
	Short               // no whole header
	Response            // an answer: whoever answers answers lets two servers talk for ever
	UnknownOpcode       // neither QUERY, NOTIFY nor UPDATE
	QuestionCount       // not exactly one question (RFC 9619)
	BadName             // of the question: a label over 63 bytes, a name over 255, a pointer
	CutQuestion         // it ends within the question
	CutRecord           // a record is missing or ends past the end, or its name is none
	Trailing            // something stands behind the last record
	MisplacedOPT        // not among the additional records, or its owner is not the root
	SecondOPT           // at most one (RFC 6891 section 6.1.1)
	CutOption           // an option ends past the end of the OPT record
	CookieLength        // neither 8 nor 16 to 40 bytes (RFC 7873 section 5.2.2)
	MisplacedTSIG       // not the last record (RFC 8945 section 5.1)
	BadVersion          // of EDNS, above 0
)

// Silent reports whether the message gets no answer at all.
func (f Fault) Silent() bool { return f == Short || f == Response }

// Rcode returns what the message is answered with (RFC 6895 section 2.3).
func (f Fault) Rcode() uint16 {
	switch f {
	case Sound:
		return NoError
	case UnknownOpcode:
		return NotImplemented
	case BadVersion:
		return BadVersionOrSig
	default:
		return FormatError
	}
}

// String says in words what is wrong, for who reads an answer or a journey.
func (f Fault) String() string {
	words := [...]string{
		"nothing is wrong", "no whole header", "an answer, not a question", "an opcode that is not served", "not exactly one question",
		"the name is malformed", "the question is cut off", "a record is missing or malformed", "bytes behind the last record",
		"OPT at a wrong place", "two OPT records", "an EDNS option is cut off", "a cookie of a wrong length", "TSIG is not the last record",
		"EDNS version 0 only",
	}
	if int(f) < len(words) {
		return words[f]
	}
	return "unknown"
}

// Response codes (RFC 6895 section 2.3).
const (
	NoError         uint16 = 0
	FormatError     uint16 = 1
	ServerFailure   uint16 = 2
	NameError       uint16 = 3 // NXDOMAIN
	NotImplemented  uint16 = 4
	NotAllowed      uint16 = 5  // REFUSED
	NameTooLong     uint16 = 6  // YXDOMAIN: what a DNAME led to
	NotAuth         uint16 = 9  // not the server of that zone, or not that key
	BadVersionOrSig uint16 = 16 // BADVERS in an answer with OPT, BADSIG in TSIG
	BadCookie       uint16 = 23
)

// Opcodes that are answered (RFC 6895 section 2.2).
const (
	OpQuery  uint8 = 0
	OpNotify uint8 = 4
	OpUpdate uint8 = 5
)

// Classes (RFC 6895 section 3.2).
const (
	ClassIN  uint16 = 1
	ClassCH  uint16 = 3
	ClassAny uint16 = 255
)

// Types that a server must know by number; all others are looked up as they are.
const (
	TypeA     uint16 = 1
	TypeSOA   uint16 = 6
	TypeAAAA  uint16 = 28
	TypeOPT   uint16 = 41
	TypeTSIG  uint16 = 250
	TypeIXFR  uint16 = 251
	TypeAXFR  uint16 = 252
	TypeMAILB uint16 = 253
	TypeMAILA uint16 = 254
	TypeANY   uint16 = 255
)
