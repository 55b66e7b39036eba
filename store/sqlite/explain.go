package sqlite

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// explain says why an update or delete found no record to change: it is not there or may not be seen (these two look the
// same), the rule does not hold, it has another version, or a sum would leave its bounds.
func (t *tx) explain(tb *table, p *policy.Permit) error {
	var etag int64
	found, err := t.probe(tb, p, p.See(), func(st *raw.Stmt) { etag = st.Int(0) })
	if err != nil {
		return err
	}
	if !found {
		return missing(tb.c, p.ID())
	}
	holds, err := t.probe(tb, p, p, func(*raw.Stmt) {})
	if err != nil {
		return err
	}
	if !holds {
		return denied(p)
	}
	if v := p.Call().IfMatch; v != 0 && v != etag {
		return roundtrip.E(roundtrip.Stale, "store.stale",
			"The record has changed since you read it: you have version %d, it is at %d. Read it again, then repeat the write.", v, etag)
	}
	return outOfBounds(tb, p)
}

// probe looks for the record of p under the condition of another permit; nil is no condition.
func (t *tx) probe(tb *table, p, under *policy.Permit, fn func(*raw.Stmt)) (bool, error) {
	if under != nil && under.Never() {
		return false, nil
	}
	if under != nil {
		if err := t.settle(tb, p.ID(), under.ReadsCounts()); err != nil {
			return false, failed(tb.names.get, err, t.conn.Late())
		}
	}
	t.sql.Reset()
	t.sql.Raw(`SELECT r."etag" FROM `).Name(tb.c.Name).Raw(` AS r WHERE r."id" = `).Arg(roundtrip.Ref(p.ID()))
	if under != nil {
		andCondition(&t.sql, under)
	}
	found, err := t.first(fn)
	return found, failed(tb.names.get, err, t.conn.Late())
}

func outOfBounds(tb *table, p *policy.Permit) error {
	e := roundtrip.E(roundtrip.Invalid, "schema.invalid", "The sum would leave the bounds of its field.")
	for _, a := range p.Call().Adds {
		f := tb.c.Fields[a.Field]
		if low, high := bounds(f); low.IsNull() && high.IsNull() {
			continue
		}
		_ = e.With(roundtrip.Detail{Pointer: "/" + f.Name, Code: "out_of_range", Message: "with this addition " + f.Name + " would leave its bounds"})
	}
	return e
}
