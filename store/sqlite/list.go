package sqlite

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// List gives one page in order. It asks for one record more than the page holds, to know whether there is a next one.
func (r *reader) List(p *policy.Permit, fn func(roundtrip.Row) error) (store.Page, error) {
	page := store.Page{Total: -1}
	q := p.Query()
	if p.Never() {
		if q.Count {
			page.Total = 0
		}
		return page, nil
	}
	t := r.s.table(p.Collection())
	if q.Count {
		if err := r.total(t, p, &page); err != nil {
			return page, err
		}
	}
	b := &r.sql
	b.Reset()
	b.Raw(t.selects)
	appendMatch(b, p)
	if q.After != nil {
		b.Raw(" AND ")
		appendAfter(b, t.c, q.Order, q.After)
	}
	appendOrder(b, t.c, q.Order)
	b.Raw(" LIMIT ").Arg(roundtrip.Int(int64(q.Size) + 1))
	n := 0
	var last []roundtrip.Value
	err := r.queryFor(p, t.names.list, func(st *raw.Stmt) (bool, error) {
		n++
		if n > q.Size {
			page.Next = last
			return false, nil
		}
		if n == q.Size {
			last = sortValues(t.c, q.Order, st)
		}
		return true, fn(st)
	})
	return page, err
}

// total counts all records that match, in a statement of its own over the same snapshot.
func (r *reader) total(t *table, p *policy.Permit, page *store.Page) error {
	b := &r.sql
	b.Reset()
	b.Raw(`SELECT count(*) FROM `).Name(t.c.Name).Raw(" AS r")
	appendMatch(b, p)
	return r.queryFor(p, t.names.count, func(st *raw.Stmt) (bool, error) {
		page.Total = st.Int(0)
		return false, nil
	})
}

// appendMatch appends the joins and the WHERE of a list, up to where more conditions may follow with AND.
func appendMatch(b *policy.SQL, p *policy.Permit) {
	if p.Always() {
		b.Raw(" WHERE 1")
		return
	}
	p.AppendJoins(b)
	b.Raw(" WHERE (")
	p.AppendCondition(b, policy.Joined)
	b.Raw(")")
}

func appendOrder(b *policy.SQL, c *roundtrip.Collection, order []policy.Order) {
	b.Raw(" ORDER BY ")
	for i, o := range order {
		if i > 0 {
			b.Raw(", ")
		}
		b.Column("r", c.Fields[o.Field].Name)
		if o.Desc {
			b.Raw(" DESC")
		}
	}
}

func sortValues(c *roundtrip.Collection, order []policy.Order, row roundtrip.Row) []roundtrip.Value {
	values := make([]roundtrip.Value, len(order))
	for i, o := range order {
		values[i] = roundtrip.RowValue(row, o.Field, c.Fields[o.Field].Type.Value())
	}
	return values
}
