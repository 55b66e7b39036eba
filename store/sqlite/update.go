package sqlite

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// update writes the named fields in one statement that has the rule, the version and the bounds of additions in its WHERE.
func (t *tx) update(p *policy.Permit) (*roundtrip.Record, error) {
	tb := t.s.table(p.Collection())
	if p.Never() {
		return nil, t.explain(tb, p)
	}
	if err := t.settle(tb, p.ID(), p.ReadsCounts()); err != nil {
		return nil, failed(tb.names.update, err, t.conn.Late())
	}
	if err := t.same(tb, p); err != nil {
		return nil, err
	}
	set := settable(tb.c, p.Input())
	if set == nil && len(p.Call().Adds) == 0 {
		return t.untouched(tb, p)
	}
	before, err := t.before(tb, p.ID(), set)
	if err != nil {
		return nil, err
	}
	t.appendUpdate(tb, p, set)
	var after *roundtrip.Record
	found, err := t.first(func(st *raw.Stmt) { after = roundtrip.CopyRow(tb.c, st) })
	if err != nil {
		if e, ok := errors.AsType[*raw.Error](err); ok && e.Primary() == raw.CodeConstraint {
			return nil, t.refused(tb, tb.names.update, err, inputValues(tb, p), set)
		}
		return nil, failed(tb.names.update, err, t.conn.Late())
	}
	if !found {
		return nil, t.explain(tb, p)
	}
	if before != nil {
		t.recount(tb.c, before, after)
		t.removeFiles(tb, before, after)
	}
	t.changed(tb.c, p.ID(), roundtrip.Update)
	t.tell(tb, roundtrip.Update, after)
	return after, t.notify(tb, roundtrip.Update, after)
}

// settable returns which fields an update writes, nil for none. System and count fields are never among them.
func settable(c *roundtrip.Collection, input *roundtrip.Record) []bool {
	if input == nil {
		return nil
	}
	var set []bool
	for i := roundtrip.FirstField; i < len(c.Fields); i++ {
		if input.Set[i] && c.Fields[i].Type != roundtrip.TypeCount {
			if set == nil {
				set = make([]bool, len(c.Fields))
			}
			set[i] = true
		}
	}
	return set
}

func inputValues(tb *table, p *policy.Permit) []roundtrip.Value {
	if p.Input() == nil {
		return make([]roundtrip.Value, len(tb.c.Fields))
	}
	return p.Input().Values
}

// appendUpdate writes the UPDATE into t.sql.
func (t *tx) appendUpdate(tb *table, p *policy.Permit, set []bool) {
	at := p.Time()
	if at.IsZero() {
		at = t.now
	}
	b := &t.sql
	b.Reset()
	b.Raw("UPDATE ").Name(tb.c.Name).Raw(` AS r SET "update_time" = `).Arg(roundtrip.Time(at)).Raw(`, "etag" = "etag" + 1`)
	for i := range set {
		if set[i] {
			b.Raw(", ").Name(tb.c.Fields[i].Name).Raw(" = ").Arg(p.Input().Values[i])
		}
	}
	for _, a := range p.Call().Adds {
		b.Raw(", ").Name(tb.c.Fields[a.Field].Name).Raw(" = ")
		appendSum(b, tb.c, a)
	}
	b.Raw(` WHERE r."id" = `).Arg(roundtrip.Ref(p.ID()))
	appendVersion(b, p)
	for _, a := range p.Call().Adds {
		appendBounds(b, tb.c, a)
	}
	andCondition(b, p)
	b.Raw(" RETURNING ").Raw(tb.columns)
}

// appendSum appends field + by; a field without a value counts as 0. SQLite turns an integer sum over 64 bits into a
// float, which the STRICT table then refuses.
func appendSum(b *policy.SQL, c *roundtrip.Collection, a roundtrip.Add) {
	b.Raw("coalesce(").Column("r", c.Fields[a.Field].Name).Raw(", 0) + ").Arg(a.By)
}

// appendBounds keeps an addition within the bounds of its field.
func appendBounds(b *policy.SQL, c *roundtrip.Collection, a roundtrip.Add) {
	low, high := bounds(c.Fields[a.Field])
	if !low.IsNull() {
		b.Raw(" AND ")
		appendSum(b, c, a)
		b.Raw(" >= ").Arg(low)
	}
	if !high.IsNull() {
		b.Raw(" AND ")
		appendSum(b, c, a)
		b.Raw(" <= ").Arg(high)
	}
}

// bounds returns the least and the greatest sum that a field may have, null for none. A float always has some: a sum beyond
// them would be an infinity, which JSON can't say.
func bounds(f *roundtrip.Field) (low, high roundtrip.Value) {
	if f.Type == roundtrip.TypeFloat {
		low, high = roundtrip.Float(-math.MaxFloat64), roundtrip.Float(math.MaxFloat64)
	}
	if f.Min != nil {
		low = roundtrip.Float(*f.Min)
	}
	if f.Max != nil {
		high = roundtrip.Float(*f.Max)
	}
	if f.MinInt != nil {
		low = roundtrip.Int(*f.MinInt)
	}
	if f.MaxInt != nil {
		high = roundtrip.Int(*f.MaxInt)
	}
	return low, high
}

// appendVersion appends If-Match.
func appendVersion(b *policy.SQL, p *policy.Permit) {
	if v := p.Call().IfMatch; v != 0 {
		b.Raw(` AND r."etag" = `).Arg(roundtrip.Int(v))
	}
}

// untouched answers an update that names no field: the record as it is, if the rule holds.
func (t *tx) untouched(tb *table, p *policy.Permit) (*roundtrip.Record, error) {
	record, err := t.matching(tb, p)
	if err == nil && record == nil {
		err = t.explain(tb, p)
	}
	return record, err
}

// matching reads the record of an update or delete if rule and version hold, else nil.
func (t *tx) matching(tb *table, p *policy.Permit) (*roundtrip.Record, error) {
	b := &t.sql
	b.Reset()
	b.Raw(tb.selects).Raw(` WHERE r."id" = `).Arg(roundtrip.Ref(p.ID()))
	appendVersion(b, p)
	andCondition(b, p)
	var record *roundtrip.Record
	_, err := t.first(func(st *raw.Stmt) { record = roundtrip.CopyRow(tb.c, st) })
	return record, failed(tb.names.get, err, t.conn.Late())
}

// same refuses an update that gives another value to what can't be changed. Who may not write does not learn the values, nor does
// who may write and not read: to them each is another one, so that nobody finds out by guessing.
func (t *tx) same(tb *table, p *policy.Permit) error {
	if len(p.Call().Same) == 0 {
		return nil
	}
	record, err := t.untouched(tb, p)
	if err != nil {
		return err
	}
	shown := true
	if see := p.See(); see != nil && !see.Always() {
		if shown, err = t.probe(tb, p, see, func(*raw.Stmt) {}); err != nil {
			return err
		}
	}
	var wrong []roundtrip.Detail
	for _, s := range p.Call().Same {
		f := tb.c.Fields[s.Field]
		switch {
		case f.Type == roundtrip.TypeFile:
			if !shown || !sameFile(record.Values[s.Field], s.Value) {
				wrong = append(wrong, roundtrip.Detail{Pointer: "/" + f.Name, Code: "wrong_value", Message: f.Name + " is no file that you see there; send its content, or leave it out"})
			}
		case !shown || !record.Values[s.Field].Equal(s.Value):
			wrong = append(wrong, roundtrip.Detail{Pointer: "/" + f.Name, Code: "immutable", Message: f.Name + " can be set at creation only; leave it out"})
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return roundtrip.E(roundtrip.Invalid, "schema.invalid", "%s", wrong[0].Message).With(wrong...)
}

// sameFile reports whether a stored file is the one that was named.
func sameFile(stored, given roundtrip.Value) bool {
	var is, want roundtrip.File
	if stored.IsNull() || json.Unmarshal([]byte(stored.Text()), &is) != nil || json.Unmarshal([]byte(given.Text()), &want) != nil {
		return false
	}
	return is.ID == want.ID && (want.Name == "" || is.Name == want.Name)
}

// before reads the record as it is, if the update changes what others hang on: counted refs and files.
func (t *tx) before(tb *table, id roundtrip.ID, set []bool) (*roundtrip.Record, error) {
	needed := false
	for i := range set {
		if set[i] && tb.c.Fields[i].Type == roundtrip.TypeFile {
			needed = true
		}
	}
	for _, k := range tb.counters {
		if set != nil && set[k.ref] {
			needed = true
		}
	}
	if !needed {
		return nil, nil
	}
	t.sql.Reset()
	t.sql.Raw(tb.selects).Raw(` WHERE r."id" = `).Arg(roundtrip.Ref(id))
	var record *roundtrip.Record
	_, err := t.first(func(st *raw.Stmt) { record = roundtrip.CopyRow(tb.c, st) })
	return record, failed(tb.names.get, err, t.conn.Late())
}
