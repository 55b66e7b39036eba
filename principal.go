package roundtrip

import (
	"net/netip"
	"time"
)

// Principal is who makes a call: a stranger (the zero Principal), an account, an operator, or a job of our own.
type Principal struct {
	ID      ID      // the account; 0 for strangers, which rules see as null
	Account *Record // the account's own record, nil for strangers
	Roles   []string
	Session ID     // the session that proved it, or 0
	Job     string // for a job of our own: the written reason; it is recorded in the journey

	// Operator is who watches over this server, signed in to its console; nil for everybody else. No account has one: it
	// is set by package app alone, which has it from the console's own session (internal/laws looks).
	Operator *Operator
}

// Operator is an operator as policy sees one. The zero Operator may do nothing.
type Operator struct {
	Name string
	Data bool // may read and change the records of all collections, whatever their rules say
}

// Stranger reports whether nobody is known.
func (p *Principal) Stranger() bool { return p == nil || p.ID == 0 && p.Operator == nil }

// Credential is what an account proves itself with. It lies apart from the account's record, so that no query of the API
// can reach it.
type Credential struct {
	Account  ID
	Password string // encoded argon2id hash (PHC string format), "" where the account has none
	Roles    []string
}

// Session is one signed-in device. Only the SHA-256 of its token is kept.
type Session struct {
	ID       ID
	Account  ID
	Hash     [32]byte // SHA-256 of the token's random bytes
	Created  time.Time
	LastUsed time.Time // written at most once a minute
	Expires  time.Time // slides with use, up to the absolute end
	Ends     time.Time // absolute end
	Name     string    // the device, from the User-Agent, for the list of sessions
	Addr     netip.Addr
}
