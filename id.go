package roundtrip

import (
	"math/rand/v2"
	"sync"
	"time"
)

// ID names one record. It is a positive int64 that sorts by the time at which it was made: 41 bits of milliseconds
// since [IDEpoch], 10 bits of node, 12 bits of sequence. Zero is no record. At the doors it is 13 characters of
// Crockford's base32 in lower case, because JavaScript can't hold 64 bits.
type ID int64

// IDEpoch is the first millisecond of an [ID], 2024-01-01T00:00:00Z in Unix milliseconds; 41 bits last until 2093.
const IDEpoch int64 = 1704067200000

// IDLen is the length of an ID's text.
const IDLen = 13

// IDForm says in words what the text of an ID is, to complete a sentence such as "an id is …".
const IDForm = "13 characters of 0-9 and a-z without i, l, o and u, the first one 0 to 7, such as 01hv3w8k2q4c7"

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// AppendTo appends the text form.
func (id ID) AppendTo(b []byte) []byte {
	u := uint64(id)
	for shift := 60; shift >= 0; shift -= 5 {
		b = append(b, crockford[u>>shift&31])
	}
	return b
}

// String returns the text form, or "" for no record.
func (id ID) String() string {
	if id == 0 {
		return ""
	}
	var b [IDLen]byte
	return string(id.AppendTo(b[:0]))
}

// Time returns the millisecond at which the ID was made; for an ID that a client chose it means nothing.
func (id ID) Time() time.Time { return time.UnixMilli(int64(id)>>22 + IDEpoch).UTC() }

// ParseID reads the text form. Upper case and Crockford's look-alikes (o for 0, i and l for 1) are taken too. It
// reports false for anything that is not the text of a positive int64.
func ParseID[T string | []byte](s T) (ID, bool) {
	if len(s) != IDLen {
		return 0, false
	}
	var u uint64
	for i := range IDLen {
		v := crockfordValue(s[i])
		if v < 0 {
			return 0, false
		}
		if i == 0 && v > 7 { // 13 digits hold 65 bits; the first may bring 3 of them: 2^63-1 at the most
			return 0, false
		}
		u = u<<5 | uint64(v)
	}
	return ID(u), u != 0
}

func crockfordValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'Z':
		c += 'a' - 'A'
	}
	switch {
	case c == 'o':
		return 0
	case c == 'i' || c == 'l':
		return 1
	case c >= 'a' && c <= 'h':
		return int(c-'a') + 10
	case c == 'j' || c == 'k':
		return int(c-'j') + 18
	case c == 'm' || c == 'n':
		return int(c-'m') + 20
	case c >= 'p' && c <= 't':
		return int(c-'p') + 22
	case c >= 'v' && c <= 'z':
		return int(c-'v') + 27
	}
	return -1
}

// IDs makes [ID]s for one node. It is safe for use by many goroutines and never gives the same ID twice, also when the
// clock steps back: it then counts on from the last millisecond it used.
//
// Clients may choose the ids of their records, so the ids that come must not be foreseen: who takes them beforehand would
// stop everybody's creates. The sequence of each millisecond therefore begins at random, and a store that meets a taken id
// tries others ([IDs.Skip]). For the same reason nothing is read at the start: should the clock have stepped back while
// the server was down, a new id is hardly ever one of before, and where it is, the store tries another.
type IDs struct {
	now  func() time.Time
	node int64

	mu   sync.Mutex // guards last
	last int64      // milliseconds<<12 | sequence
}

// sequences is how many ids one millisecond has. Should they run out, the next millisecond's are taken.
const sequences = 1 << 12

// NewIDs returns a maker of IDs. node is 0 to 1023 and must differ between the machines of one database.
func NewIDs(node int, now func() time.Time) *IDs {
	return &IDs{now: now, node: int64(node & 1023)}
}

// Next returns a new ID.
func (g *IDs) Next() ID {
	ms := g.now().UnixMilli() - IDEpoch
	g.mu.Lock()
	defer g.mu.Unlock()
	if ms > g.last/sequences {
		g.last = ms*sequences + random()
	} else {
		g.last++
	}
	return ID(g.last/sequences<<22 | g.node<<12 | g.last%sequences)
}

// Skip passes over some ids at random, at most a millisecond's worth of them: the next ones are taken, perhaps on
// purpose.
func (g *IDs) Skip() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last += random()
}

// random returns a sequence number that nobody foresees: the generator of math/rand/v2 is ChaCha8 with a seed from the
// system.
func random() int64 { return rand.Int64N(sequences) } //nolint:gosec // see above; an id is no secret
