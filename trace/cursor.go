package trace

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// Cursor is how far somebody has looked. The zero Cursor is before everything that comes from now on. It is of use for
// the recorder that gave it and no other; another one takes it for the zero Cursor.
type Cursor struct {
	run uint32 // of the recorder; 0: the zero Cursor
	at  [shardCount]uint64
}

// String returns the cursor as text without spaces, such as the id of a server-sent event.
func (c Cursor) String() string {
	if c.run == 0 {
		return ""
	}
	b := binary.BigEndian.AppendUint32(nil, c.run)
	for _, n := range c.at {
		b = binary.AppendUvarint(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads what String returned. Anything else is the zero Cursor.
func ParseCursor(text string) Cursor {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 4 {
		return Cursor{}
	}
	c := Cursor{run: binary.BigEndian.Uint32(b)}
	b = b[4:]
	for i := range c.at {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return Cursor{}
		}
		c.at[i], b = v, b[n:]
	}
	if len(b) > 0 {
		return Cursor{}
	}
	return c
}

// After returns copies of the journeys that ended since the cursor and that the filter takes, the oldest first, at most n;
// a cursor behind them; and how many ended in between and were pushed out before anybody looked, whatever they were. The
// zero Cursor gives none, and a cursor from which what comes next is seen.
func (r *Recorder) After(c Cursor, f Filter, n int) (list []Snapshot, next Cursor, missed int) {
	if r == nil || n <= 0 {
		return nil, c, 0
	}
	parts := make([]part, shardCount)
	fresh := c.run != r.run
	for i := range r.shards {
		if fresh {
			c.at[i] = r.shards[i].last()
		} else {
			parts[i] = r.shards[i].since(c.at[i], &f)
		}
	}
	c.run = r.run
	if fresh {
		return nil, c, 0
	}
	return cut(parts, c, n)
}

// part is what a shard has behind a cursor.
type part struct {
	seq   uint64   // the last that ended
	held  []uint64 // those that are still held, in any order
	found []found  // those of them that the filter takes
	taken int      // of found
}

type found struct {
	seq uint64
	s   Snapshot
}

func (s *shard) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// since copies what the filter takes of the journeys that ended after at.
func (s *shard) since(at uint64, f *Filter) (p part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.seq = s.seq
	if s.seq <= at {
		return p
	}
	for l := range s.lanes {
		s.lanes[l].each(func(j *Journey) bool {
			if j.seq <= at {
				return lane(l) == laneSpill
			}
			p.held = append(p.held, j.seq)
			if h := j.head(); f.Match(&h) {
				h.fill(j)
				p.found = append(p.found, found{seq: j.seq, s: h})
			}
			return true
		})
	}
	return p
}

// cut puts the parts together, takes the n oldest and leaves the others for the next time. What a part gives it gives in its own
// order, whatever the clock says: two that end at once may get their places the other way round, and what stands behind the
// cursor must be a whole.
func cut(parts []part, c Cursor, n int) (list []Snapshot, next Cursor, missed int) {
	for i := range parts {
		slices.SortFunc(parts[i].found, func(a, b found) int { return cmp.Compare(a.seq, b.seq) })
	}
	for len(list) < n {
		var first *part
		for i := range parts {
			if p := &parts[i]; p.taken < len(p.found) && (first == nil || p.head().end().Before(first.head().end())) {
				first = p
			}
		}
		if first == nil {
			break
		}
		list = append(list, *first.head())
		first.taken++
	}
	next = c
	for i := range parts {
		p := &parts[i]
		next.at[i] = max(c.at[i], p.seq)
		if p.taken < len(p.found) {
			next.at[i] = p.found[p.taken].seq - 1
		}
		missed += int(next.at[i] - c.at[i])
		for _, seq := range p.held {
			if seq <= next.at[i] {
				missed--
			}
		}
	}
	return list, next, missed
}

// head is the first of those that are not taken yet.
func (p *part) head() *Snapshot { return &p.found[p.taken].s }
