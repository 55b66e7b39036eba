package watch

import (
	"cmp"
	"container/list"
	"net/netip"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// dropsMax is how many different drops are remembered.
const dropsMax = 4096

// Drop is packets that were dropped for the same reason, of the same kind, on their way to or from the same address.
type Drop struct {
	Flow        firewall.Flow
	Reason      trace.Reason
	Evidence    trace.Evidence // Reported by the kernel, or Seen in this process
	Local       netip.Addr     // our end of the last one; invalid where it is not known
	Interface   string         // by which the last one came, "" where it is not known
	Packets     uint64         // that were told of: the kernel counts all, and tells of as many as drops.rate says
	First, Last time.Time
	Turn        uint64 // grows with each change of any of them

	told time.Time // when the last journey of it was kept
}

// dropKey is what makes two drops the same.
type dropKey struct {
	reason trace.Reason
	flow   firewall.Flow
}

// fold is the table of drops. A flood from ever new addresses must not wash out the one who tries again and again, such as
// somebody's own laptop: those that came once make place first, and what came twice is kept as long as there are others.
type fold struct {
	once, often *list.List // of *entry, the newest in front
	by          map[dropKey]*list.Element
	turn        uint64
	forgotten   uint64 // packets of drops that had to make place
}

type entry struct {
	Drop

	key   dropKey
	again bool // it is in often
}

func newFold() *fold {
	return &fold{once: list.New(), often: list.New(), by: map[dropKey]*list.Element{}}
}

// add counts packets of one drop. It returns the entry, which is valid until the next call.
func (f *fold) add(k dropKey, packets uint64, now time.Time) *Drop {
	f.turn++
	at, known := f.by[k]
	if known {
		at = f.promote(at)
	} else {
		f.makePlace()
		at = f.once.PushFront(&entry{key: k, Drop: Drop{Flow: k.flow, Reason: k.reason, First: now}})
		f.by[k] = at
	}
	d := &at.Value.(*entry).Drop
	d.Packets += packets
	d.Last, d.Turn = now, f.turn
	return d
}

// promote puts what came again in front of those that did. Half of the table is theirs; beyond it, the oldest of them is
// treated like one that came once.
func (f *fold) promote(at *list.Element) *list.Element {
	e := at.Value.(*entry)
	if e.again {
		f.often.MoveToFront(at)
		return at
	}
	f.once.Remove(at)
	e.again = true
	at = f.often.PushFront(e)
	f.by[e.key] = at
	if f.often.Len() > dropsMax/2 {
		old := f.often.Remove(f.often.Back()).(*entry)
		old.again = false
		f.by[old.key] = f.once.PushFront(old)
	}
	return at
}

func (f *fold) makePlace() {
	if len(f.by) < dropsMax {
		return
	}
	last := f.once.Back() // there is one, since often has half of the table
	e := f.once.Remove(last).(*entry)
	delete(f.by, e.key)
	f.forgotten += e.Packets
}

// since returns copies of the drops that changed after a turn, newest first, at most n.
func (f *fold) since(turn uint64, n int) []Drop {
	var all []Drop
	for _, l := range []*list.List{f.once, f.often} {
		for at := l.Front(); at != nil; at = at.Next() {
			if d := &at.Value.(*entry).Drop; d.Turn > turn {
				all = append(all, *d)
			}
		}
	}
	slices.SortFunc(all, func(a, b Drop) int { return cmp.Compare(b.Turn, a.Turn) })
	return all[:min(n, len(all))]
}
