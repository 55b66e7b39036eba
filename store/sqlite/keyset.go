package sqlite

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// appendAfter appends the condition that holds for the records behind the given sort values. NULL stands before all
// values: first in an ascending order, last in a descending one.
func appendAfter(b *policy.SQL, c *roundtrip.Collection, order []policy.Order, after []roundtrip.Value) {
	if uniform(c, order) {
		appendRowValue(b, c, order, after)
		return
	}
	b.Raw("(")
	appendBound(b, c, order[0], after[0])
	b.Raw("(")
	for i := range order {
		if i > 0 {
			b.Raw(" OR ")
		}
		b.Raw("(")
		for j := range i {
			b.Column("r", c.Fields[order[j].Field].Name).Raw(" IS ").Arg(after[j]).Raw(" AND ")
		}
		appendBehind(b, c, order[i], after[i])
		b.Raw(")")
	}
	b.Raw("))")
}

// uniform reports whether all fields run in one direction and are never NULL, so that one comparison of row values does
// it, which SQLite answers from an index.
func uniform(c *roundtrip.Collection, order []policy.Order) bool {
	for _, o := range order {
		if o.Desc != order[0].Desc || c.Fields[o.Field].Optional() {
			return false
		}
	}
	return true
}

func appendRowValue(b *policy.SQL, c *roundtrip.Collection, order []policy.Order, after []roundtrip.Value) {
	b.Raw("(")
	for i, o := range order {
		if i > 0 {
			b.Raw(", ")
		}
		b.Column("r", c.Fields[o.Field].Name)
	}
	if order[0].Desc {
		b.Raw(") < (")
	} else {
		b.Raw(") > (")
	}
	for i := range order {
		if i > 0 {
			b.Raw(", ")
		}
		b.Arg(after[i])
	}
	b.Raw(")")
}

// appendBound appends what follows for the first field alone. It adds nothing to the meaning, but an index can use it,
// which it can't do with a chain of ORs.
func appendBound(b *policy.SQL, c *roundtrip.Collection, o policy.Order, v roundtrip.Value) {
	name := c.Fields[o.Field].Name
	switch {
	case v.IsNull() && o.Desc:
		b.Column("r", name).Raw(" IS NULL AND ")
	case v.IsNull():
	case !o.Desc:
		b.Column("r", name).Raw(" >= ").Arg(v).Raw(" AND ")
	case !c.Fields[o.Field].Optional():
		b.Column("r", name).Raw(" <= ").Arg(v).Raw(" AND ")
	}
}

// appendBehind appends that one field stands behind a value.
func appendBehind(b *policy.SQL, c *roundtrip.Collection, o policy.Order, v roundtrip.Value) {
	name := c.Fields[o.Field].Name
	switch {
	case v.IsNull() && o.Desc:
		b.Raw("0")
	case v.IsNull():
		b.Column("r", name).Raw(" IS NOT NULL")
	case !o.Desc:
		b.Column("r", name).Raw(" > ").Arg(v)
	default:
		b.Raw("(").Column("r", name).Raw(" < ").Arg(v).Raw(" OR ").Column("r", name).Raw(" IS NULL)")
	}
}
