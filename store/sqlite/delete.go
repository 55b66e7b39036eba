package sqlite

import (
	"errors"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// delete removes a record, in one statement where nothing can hang on it. The condition is that of the permit; what goes
// is what the schema in force says.
func (t *tx) delete(p *policy.Permit) error {
	tb := t.s.table(p.Collection())
	if p.Never() {
		return t.explain(tb, p)
	}
	if err := t.settle(tb, p.ID(), p.ReadsCounts()); err != nil {
		return failed(tb.names.remove, err, t.conn.Late())
	}
	now := tb.now
	if now == nil {
		return missing(tb.c, p.ID())
	}
	if now.hangs() {
		record, err := t.matching(tb, p)
		if err != nil {
			return err
		}
		if record == nil {
			return t.explain(tb, p)
		}
		return t.cascade(now, p.ID())
	}
	b := &t.sql
	b.Reset()
	b.Raw("DELETE FROM ").Name(tb.c.Name).Raw(` AS r WHERE r."id" = `).Arg(roundtrip.Ref(p.ID()))
	appendVersion(b, p)
	andCondition(b, p)
	b.Raw(" RETURNING ").Raw(now.columns)
	var last []*roundtrip.Record
	found, err := t.first(func(st *raw.Stmt) { last = t.gone(now, st, last) })
	if err != nil {
		return failed(tb.names.remove, err, t.conn.Late())
	}
	if !found {
		return t.explain(tb, p)
	}
	return t.notifyGone(now, last)
}

// hangs reports whether more may go with a record of this collection.
func (tb *table) hangs() bool { return len(tb.c.Children) > 0 || tb.c.Accounts }

// gone notes all that follows from a record's end. It adds the record to those that notifications tell the end of, where
// there are any.
func (t *tx) gone(tb *table, row roundtrip.Row, last []*roundtrip.Record) []*roundtrip.Record {
	id := roundtrip.ID(row.Int(roundtrip.FieldID))
	t.count(tb.c, row, -1)
	t.removeFiles(tb, row, nil)
	t.changed(tb.c, id, roundtrip.Delete)
	t.tell(tb, roundtrip.Delete, row)
	t.withdraw(tb.c, id)
	if t.tells(tb.c, roundtrip.Delete) {
		last = append(last, roundtrip.CopyRow(tb.c, row))
	}
	return last
}

// deleteAll removes records whose end was decided already.
func (t *tx) deleteAll(tb *table, ids []roundtrip.ID) error {
	for part := range chunks(ids) {
		if tb.c.Accounts {
			if err := t.endAccounts(part); err != nil {
				return err
			}
		}
		b := &t.sql
		b.Reset()
		b.Raw("DELETE FROM ").Name(tb.c.Name).Raw(` WHERE "id" IN `)
		appendIDs(b, part)
		b.Raw(" RETURNING ").Raw(tb.columns)
		var last []*roundtrip.Record
		err := t.each(func(st *raw.Stmt) bool {
			last = t.gone(tb, st, last)
			return true
		})
		if e, ok := errors.AsType[*raw.Error](err); ok && e.Code == raw.CodeForeignKey {
			out := roundtrip.E(roundtrip.Unprocessable, "store.restricted", "Other records point to a record of %s that would go.", tb.c.Name)
			out.Op, out.Err = tb.names.remove, err
			return out
		}
		if err == nil {
			err = t.notifyGone(tb, last)
		}
		if err != nil {
			return failed(tb.names.remove, err, t.conn.Late())
		}
	}
	return nil
}

// endAccounts removes what accounts prove themselves with, and their inboxes.
func (t *tx) endAccounts(ids []roundtrip.ID) error {
	t.sql.Reset()
	t.sql.Raw("DELETE FROM _note_sources WHERE note IN (SELECT id FROM _notes WHERE account IN ")
	appendIDs(&t.sql, ids)
	t.sql.Raw(")")
	if _, err := t.first(nil); err != nil {
		return failed("accounts.delete", err, t.conn.Late())
	}
	for _, table := range []string{"_sessions", "_accounts", "_notes", "_inbox", "_push"} {
		t.sql.Reset()
		t.sql.Raw("DELETE FROM ").Raw(table).Raw(" WHERE account IN ")
		appendIDs(&t.sql, ids)
		if _, err := t.first(nil); err != nil {
			return failed("accounts.delete", err, t.conn.Late())
		}
	}
	for _, id := range ids {
		t.happen(inboxEvent{what: accountEnded, account: id})
	}
	return nil
}
