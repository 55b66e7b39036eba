package sqlite

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// counter names one count field of one record.
type counter struct {
	holder *roundtrip.Collection
	field  int
	id     roundtrip.ID
}

// sums are the changes of counters that the group's writes made and the database does not hold yet. A post that gets a
// hundred likes in one group is written once.
type sums struct {
	kept map[counter]sum // of ops that are done
	own  map[counter]sum // of the op that runs
	save map[counter]sum // what kept was before the running op wrote it to the database; nil if it did not
}

// sum is by how much a counter changes, and who changes it.
type sum struct {
	n  int64
	by cause
}

func newSums() sums { return sums{kept: map[counter]sum{}, own: map[counter]sum{}} }

// move adds to a counter for the op that runs.
func (t *tx) move(k counter, by int64) {
	s := t.sums.own[k]
	s.n += by
	s.by.add(t.by())
	t.sums.own[k] = s
}

// settleOwn adds what the op that runs has moved to the rest.
func (s *sums) settleOwn() {
	for k, own := range s.own {
		kept := s.kept[k]
		kept.n += own.n
		kept.by.add(own.by)
		s.kept[k] = kept
	}
	clear(s.own)
}

func (s *sums) reset() {
	clear(s.kept)
	clear(s.own)
	s.save = nil
}

func (s *sums) empty() bool { return len(s.kept) == 0 && len(s.own) == 0 }

// keepOwn ends an op that succeeded.
func (s *sums) keepOwn() {
	s.settleOwn()
	s.save = nil
}

// dropOwn ends an op that failed and had written nothing.
func (s *sums) dropOwn() {
	clear(s.own)
	s.save = nil
}

// rollback ends an op whose savepoint is undone: sums that were written inside it wait again.
func (s *sums) rollback() {
	if s.save != nil {
		s.kept = s.save
	}
	s.dropOwn()
}

// count notes that a record came (+1) or went (-1): each ref of it that is counted somewhere.
func (t *tx) count(c *roundtrip.Collection, row roundtrip.Row, by int64) {
	for _, k := range t.s.table(c).counters {
		if !row.Null(k.ref) {
			t.move(counter{k.holder, k.field, roundtrip.ID(row.Int(k.ref))}, by)
		}
	}
}

// recount notes that the counted refs of a record moved.
func (t *tx) recount(c *roundtrip.Collection, before, after roundtrip.Row) {
	for _, k := range t.s.table(c).counters {
		if before.Null(k.ref) == after.Null(k.ref) && (before.Null(k.ref) || before.Int(k.ref) == after.Int(k.ref)) {
			continue
		}
		if !before.Null(k.ref) {
			t.move(counter{k.holder, k.field, roundtrip.ID(before.Int(k.ref))}, -1)
		}
		if !after.Null(k.ref) {
			t.move(counter{k.holder, k.field, roundtrip.ID(after.Int(k.ref))}, 1)
		}
	}
}

// settle writes waiting sums if the statement that comes next would see counters of the record: it returns them, or its
// condition reads counters of any record.
func (t *tx) settle(tb *table, id roundtrip.ID, reads bool) error {
	if t.sums.empty() {
		return nil
	}
	waits := reads
	if now := tb.now; now != nil {
		for _, f := range now.counts {
			k := counter{now.c, f, id}
			_, kept := t.sums.kept[k]
			_, own := t.sums.own[k]
			waits = waits || kept || own
		}
	}
	if !waits {
		return nil
	}
	return t.flush()
}

// flush writes all waiting sums, in the order of their records.
func (t *tx) flush() error {
	if t.sums.empty() {
		return nil
	}
	if t.deep && t.sums.save == nil {
		t.sums.save = maps.Clone(t.sums.kept)
	}
	t.sums.settleOwn()
	for _, k := range slices.SortedFunc(maps.Keys(t.sums.kept), counter.compare) {
		s := t.sums.kept[k]
		if s.n == 0 {
			continue
		}
		name := k.holder.Fields[k.field].Name
		t.sql.Reset()
		t.sql.Raw("UPDATE ").Name(k.holder.Name).Raw(" SET ").Name(name).Raw(" = ").Name(name).Raw(" + ").Arg(roundtrip.Int(s.n)).
			Raw(` WHERE "id" = `).Arg(roundtrip.Ref(k.id))
		if _, err := t.first(nil); err != nil {
			return err
		}
		if t.conn.Changes() > 0 {
			t.counted = append(t.counted, tally{spot{k.holder, k.id}, s.by})
		}
	}
	clear(t.sums.kept)
	return nil
}

func (k counter) compare(other counter) int {
	return cmp.Or(strings.Compare(k.holder.Name, other.holder.Name), cmp.Compare(k.id, other.id), cmp.Compare(k.field, other.field))
}
