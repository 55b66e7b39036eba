package sqlite

import (
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// Aggregate gives the groups in the order of their values, Query.Size of them at most: more are an error.
func (r *reader) Aggregate(p *policy.Permit, fn func(roundtrip.Row) error) error {
	t := r.s.table(p.Collection())
	q := p.Query()
	b := &r.sql
	b.Reset()
	b.Raw("SELECT ")
	for i, f := range q.Groups {
		if i > 0 {
			b.Raw(", ")
		}
		b.Column("r", t.c.Fields[f].Name)
	}
	for i, a := range q.Aggregates {
		if i > 0 || len(q.Groups) > 0 {
			b.Raw(", ")
		}
		appendAggregate(b, t.c, a)
	}
	b.Raw(" FROM ").Name(t.c.Name).Raw(" AS r")
	if p.Never() {
		b.Raw(" WHERE 0") // without groups there is one row all the same: the count of nothing is 0
	} else {
		appendMatch(b, p)
	}
	appendGroups(b, t.c, q)
	n := 0
	return r.queryFor(p, t.names.aggregate, func(st *raw.Stmt) (bool, error) {
		if n++; n > q.Size {
			return false, roundtrip.E(roundtrip.Invalid, "request.filter", "There are more than %d groups: add a filter.", q.Size).
				With(roundtrip.Detail{Parameter: "group_by", Code: "too_many", Message: "at most " + strconv.Itoa(q.Size) + " groups are answered"})
		}
		return true, fn(st)
	})
}

func appendAggregate(b *policy.SQL, c *roundtrip.Collection, a policy.Aggregate) {
	switch a.Func {
	case policy.CountAll:
		b.Raw("count(*)")
		return
	case policy.Sum:
		b.Raw("sum(")
	case policy.Avg:
		b.Raw("avg(")
	case policy.Min:
		b.Raw("min(")
	case policy.Max:
		b.Raw("max(")
	}
	b.Column("r", c.Fields[a.Field].Name).Raw(")")
}

func appendGroups(b *policy.SQL, c *roundtrip.Collection, q *policy.Query) {
	groups := q.Groups
	for i, f := range groups {
		if i == 0 {
			b.Raw(" GROUP BY ")
		} else {
			b.Raw(", ")
		}
		b.Column("r", c.Fields[f].Name)
	}
	for i, f := range groups {
		if i == 0 {
			b.Raw(" ORDER BY ")
		} else {
			b.Raw(", ")
		}
		b.Column("r", c.Fields[f].Name)
	}
	b.Raw(" LIMIT ").Arg(roundtrip.Int(int64(q.Size) + 1))
}
