package sqlite

import (
	"iter"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// doomed are records of one collection that go, found in one step of the search.
type doomed struct {
	tb  *table
	ids []roundtrip.ID
}

// fall is one delete with all that goes with it. SQLite's own cascades are not used: they would move no counter, write no
// change row, and leave the bytes of files behind.
type fall struct {
	t     *tx
	order []doomed
	all   map[*roundtrip.Collection]map[roundtrip.ID]bool
}

// cascade deletes a record and what on_delete says of those that point to it, or fails with store.restricted.
func (t *tx) cascade(tb *table, id roundtrip.ID) error {
	t.op.long = true
	f := &fall{t: t, all: map[*roundtrip.Collection]map[roundtrip.ID]bool{}}
	f.add(tb, []roundtrip.ID{id})
	for i := 0; i < len(f.order); i++ { // grows as it goes
		if err := f.follow(f.order[i]); err != nil {
			return err
		}
	}
	for _, d := range f.order {
		if err := f.spare(d); err != nil {
			return err
		}
	}
	if len(f.order) == 1 {
		return t.deleteAll(tb, f.order[0].ids)
	}
	return f.remove()
}

// remove deletes everything that was found, the last found first. Records may point to each other in circles, so
// foreign keys are looked at when all of it is done.
func (f *fall) remove() error {
	if err := f.t.exec("PRAGMA defer_foreign_keys=ON"); err != nil {
		return failed("sqlite.cascade", err, true)
	}
	for i := len(f.order) - 1; i >= 0; i-- {
		if err := f.t.deleteAll(f.order[i].tb, f.order[i].ids); err != nil {
			f.t.undefer()
			return err
		}
	}
	f.t.undefer()
	return nil
}

// undefer looks at foreign keys with each statement again. Should it fail, the transaction is given up: the writes that
// follow could not be told which of their refs points nowhere.
func (t *tx) undefer() {
	if err := t.exec("PRAGMA defer_foreign_keys=OFF"); err != nil {
		t.broken = true
	}
}

// add dooms those of the records that are not doomed yet.
func (f *fall) add(tb *table, ids []roundtrip.ID) {
	seen := f.all[tb.c]
	if seen == nil {
		seen = map[roundtrip.ID]bool{}
		f.all[tb.c] = seen
	}
	var fresh []roundtrip.ID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			fresh = append(fresh, id)
		}
	}
	if len(fresh) > 0 {
		f.order = append(f.order, doomed{tb, fresh})
	}
}

// follow dooms the records that point to doomed ones and are to go with them.
func (f *fall) follow(d doomed) error {
	for _, child := range d.tb.c.Children {
		if child.From.Fields[child.Ref].OnDelete != roundtrip.Cascade {
			continue
		}
		ids, err := f.pointing(child, d.ids)
		if err != nil {
			return err
		}
		f.add(f.t.s.table(child.From), ids)
	}
	return nil
}

// spare deals with the records that point to doomed ones and stay: their ref becomes null, or they forbid the delete.
func (f *fall) spare(d doomed) error {
	for _, child := range d.tb.c.Children {
		field := child.From.Fields[child.Ref]
		if field.OnDelete == roundtrip.Cascade {
			continue
		}
		ids, err := f.pointing(child, d.ids)
		if err != nil {
			return err
		}
		var stay []roundtrip.ID
		for _, id := range ids {
			if !f.all[child.From][id] {
				stay = append(stay, id)
			}
		}
		if len(stay) == 0 {
			continue
		}
		if field.OnDelete == roundtrip.Restrict { // which and how many they are is not told: the caller may not be allowed to see them
			return roundtrip.E(roundtrip.Unprocessable, "store.restricted",
				"Records of %s point to it by %s. Delete those first.", child.From.Name, field.Name).
				With(roundtrip.Detail{Code: "restricted", Message: child.From.Name + "." + field.Name + " points here"})
		}
		if err := f.cut(f.t.s.table(child.From), field.Name, stay); err != nil {
			return err
		}
	}
	return nil
}

// pointing returns the records that point to any of the ids.
func (f *fall) pointing(child roundtrip.Child, ids []roundtrip.ID) ([]roundtrip.ID, error) {
	var found []roundtrip.ID
	for part := range chunks(ids) {
		b := &f.t.sql
		b.Reset()
		b.Raw(`SELECT "id" FROM `).Name(child.From.Name).Raw(" WHERE ").Name(child.From.Fields[child.Ref].Name).Raw(" IN ")
		appendIDs(b, part)
		err := f.t.each(func(st *raw.Stmt) bool {
			found = append(found, roundtrip.ID(st.Int(0)))
			return true
		})
		if err != nil {
			return nil, failed("sqlite.cascade", err, f.t.conn.Late())
		}
	}
	return found, nil
}

// cut sets a ref of records to null. That is a write of those records like any other.
func (f *fall) cut(tb *table, field string, ids []roundtrip.ID) error {
	for part := range chunks(ids) {
		b := &f.t.sql
		b.Reset()
		b.Raw("UPDATE ").Name(tb.c.Name).Raw(" SET ").Name(field).Raw(` = NULL, "etag" = "etag" + 1, "update_time" = `).
			Arg(roundtrip.Time(f.t.now)).Raw(` WHERE "id" IN `)
		appendIDs(b, part)
		b.Raw(" RETURNING ").Raw(tb.columns)
		err := f.t.each(func(st *raw.Stmt) bool {
			f.t.tell(tb, roundtrip.Update, st)
			return true
		})
		if err != nil {
			return failed("sqlite.cascade", err, f.t.conn.Late())
		}
		for _, id := range part {
			f.t.changed(tb.c, id, roundtrip.Update)
		}
	}
	return nil
}

// chunks cuts a list of ids into parts that one statement takes.
func chunks(ids []roundtrip.ID) iter.Seq[[]roundtrip.ID] {
	return func(yield func([]roundtrip.ID) bool) {
		for len(ids) > 0 {
			n := min(len(ids), loadMax)
			if !yield(ids[:n]) {
				return
			}
			ids = ids[n:]
		}
	}
}
