package trace

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"
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

// backlogMost is about how many journeys somebody who follows them all is behind at most. Who is further behind is told how many
// were left out, and goes on with newer ones: what is looked through for those who watch must not grow with what comes in.
const backlogMost = 1000

// After returns copies of the journeys that ended since the cursor and that the filter takes, the oldest first, at most n;
// a cursor behind them; and how many ended in between and were left out, or pushed out before anybody looked, whatever they were.
// None is left out that a filter takes, as long as it is held; without a filter it may be, beyond the last thousand. The zero
// Cursor gives none, and a cursor from which what comes next is seen.
func (r *Recorder) After(c Cursor, f Filter, n int) (list []Snapshot, next Cursor, missed int) {
	if r == nil || n <= 0 {
		return nil, c, 0
	}
	parts := make([]part, shardCount)
	all := f.all()
	fresh := c.run != r.run
	for i := range r.shards {
		if fresh {
			c.at[i] = r.shards[i].last()
		} else {
			parts[i] = r.shards[i].since(i, c.at[i], &f, all)
		}
	}
	c.run = r.run
	if fresh {
		return nil, c, 0
	}
	picked, next, missed := cut(parts, c, n)
	for _, p := range picked { // only now, since those that are not picked are many
		if s, held := r.shards[p.shard].copyOf(p); held {
			list = append(list, s)
		} else {
			missed++
		}
	}
	return list, next, missed
}

// part is what a shard has behind a cursor.
type part struct {
	seq   uint64   // the last that ended
	held  []uint64 // those that are still held, in any order
	found []found  // those of them that the filter takes
	taken int      // of found
}

// found says where a journey is held.
type found struct {
	shard int
	lane  lane
	slot  int
	seq   uint64
	end   time.Time
}

func (s *shard) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// since finds what the filter takes of the journeys that ended after at. all says that it takes each.
func (s *shard) since(number int, at uint64, f *Filter, all bool) (p part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.seq = s.seq
	if s.seq <= at {
		return p
	}
	if all {
		at = max(at, s.seq-min(s.seq, backlogMost/shardCount))
	}
	for l := range s.lanes {
		s.lanes[l].walk(func(slot int, j *Journey) bool {
			if j.seq <= at {
				return lane(l) == laneSpill
			}
			p.held = append(p.held, j.seq)
			if all || f.takes(j) {
				p.found = append(p.found, found{shard: number, lane: lane(l), slot: slot, seq: j.seq, end: j.Start.Add(j.Took)})
			}
			return true
		})
	}
	return p
}

// copyOf copies what was found, unless it was pushed out since.
func (s *shard) copyOf(f found) (copied Snapshot, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.lanes[f.lane].slots[f.slot]
	if j == nil || j.seq != f.seq {
		return Snapshot{}, false
	}
	return j.snapshot(), true
}

// cut puts the parts together, takes the n oldest and leaves the others for the next time. What a part gives it gives in its own
// order, whatever the clock says: two that end at once may get their places the other way round, and what stands behind the
// cursor must be a whole.
func cut(parts []part, c Cursor, n int) (list []found, next Cursor, missed int) {
	for i := range parts {
		slices.SortFunc(parts[i].found, func(a, b found) int { return cmp.Compare(a.seq, b.seq) })
	}
	for len(list) < n {
		var first *part
		for i := range parts {
			if p := &parts[i]; p.taken < len(p.found) && (first == nil || p.head().end.Before(first.head().end)) {
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
func (p *part) head() *found { return &p.found[p.taken] }
