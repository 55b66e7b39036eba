package sqlite

import (
	"errors"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// create asks the rule about the record as it will be stored, and then inserts it. Nobody writes in between: there is one
// writer. The order keeps secrets: only who may create the record learns that a value is taken or a ref leads nowhere.
func (t *tx) create(p *policy.Permit) (*roundtrip.Record, error) {
	tb := t.s.table(p.Collection())
	record := t.complete(tb, p.Input(), p.Time())
	if p.Never() {
		return nil, denied(p)
	}
	allowed, known := true, true
	if !p.Always() {
		allowed, known = p.Check(record)
	}
	if !known {
		var err error
		if allowed, err = t.ask(tb, p, record); err != nil {
			return nil, failed(tb.names.create, err, t.conn.Late())
		}
	}
	if !allowed {
		return nil, denied(p)
	}
	if err := t.insertNew(tb, record, p.Input().ID() == 0); err != nil {
		return nil, err
	}
	t.count(tb.c, record, +1)
	t.changed(tb.c, record.ID(), roundtrip.Create)
	t.tell(tb, roundtrip.Create, record)
	return record, t.notify(tb, roundtrip.Create, record)
}

// complete makes the record that will be stored of what the caller gave.
func (t *tx) complete(tb *table, input *roundtrip.Record, at time.Time) *roundtrip.Record {
	if at.IsZero() {
		at = t.now
	}
	r := roundtrip.NewRecord(tb.c)
	id := input.ID()
	if id == 0 {
		id = t.s.opts.IDs.Next()
	}
	r.Put(roundtrip.FieldID, roundtrip.Ref(id))
	r.Put(roundtrip.FieldCreateTime, roundtrip.Time(at))
	r.Put(roundtrip.FieldUpdateTime, roundtrip.Time(at))
	r.Put(roundtrip.FieldETag, roundtrip.Int(1))
	for i := roundtrip.FirstField; i < len(tb.c.Fields); i++ {
		f := tb.c.Fields[i]
		v := input.Values[i]
		switch {
		case f.Type == roundtrip.TypeCount:
			v = roundtrip.Int(0)
		case v.IsNull():
			continue
		case f.Type == roundtrip.TypeFloat && v.Kind() == roundtrip.IntValue:
			v = roundtrip.Float(v.Float())
		}
		r.Put(i, v)
	}
	return r
}

// insert writes a complete record. An id may be used again after its record is gone: what waits to be counted for the old
// record is written first, where it meets no record, so that the new one does not get it.
func (t *tx) insert(tb *table, record *roundtrip.Record) error {
	if err := t.settle(tb, record.ID(), false); err != nil {
		return failed(tb.names.create, err, t.conn.Late())
	}
	err := t.exec(tb.insert, record.Values...)
	if err == nil {
		return nil
	}
	return t.refused(tb, tb.names.create, err, record.Values, nil)
}

// refused explains a constraint that failed. For a foreign key it looks which of the refs points nowhere; set says which
// of the values were to be written, nil means all.
func (t *tx) refused(tb *table, op string, err error, values []roundtrip.Value, set []bool) error {
	e, ok := errors.AsType[*raw.Error](err)
	if !ok || e.Code != raw.CodeForeignKey {
		return constraint(op, tb.c, err)
	}
	out := roundtrip.E(roundtrip.Invalid, "store.no_such_record", "A reference points to no record.")
	out.Op, out.Err = op, err
	for i, f := range tb.c.Fields {
		if f.Type != roundtrip.TypeRef || values[i].IsNull() || set != nil && !set[i] || f.To == tb.c && values[i].ID() == values[roundtrip.FieldID].ID() {
			continue
		}
		n, err := readInt(t.conn, `SELECT count(*) FROM "`+f.To.Name+`" WHERE "id" = ?`, values[i])
		if err == nil && n == 0 {
			out.Public = "There is no record " + values[i].ID().String() + " in " + f.To.Name + "."
			_ = out.With(roundtrip.Detail{Pointer: "/" + f.Name, Code: "no_such_record", Message: "there is no such record in " + f.To.Name})
		}
	}
	return out
}

// ask puts the rule to the database, where it needs other records, about one that is not stored yet: its values stand in
// the place of the table. The counters that the record will move have not moved, so that `record.photo.likes < 5` admits
// five likes.
func (t *tx) ask(tb *table, p *policy.Permit, record *roundtrip.Record) (allowed bool, err error) {
	if err := t.settle(tb, record.ID(), p.ReadsCounts()); err != nil {
		return false, err
	}
	b := &t.sql
	b.Reset()
	b.Raw("SELECT 1 FROM (SELECT ")
	for i, f := range tb.c.Fields {
		if i > 0 {
			b.Raw(", ")
		}
		b.Arg(record.Values[i]).Raw(" AS ").Name(f.Name)
	}
	b.Raw(") AS r WHERE (")
	p.AppendCondition(b, policy.Scalar)
	b.Raw(")")
	return t.first(nil)
}
