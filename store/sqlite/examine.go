package sqlite

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// duplicatesMax is how many values that are there twice are named.
const duplicatesMax = 3

// examine looks in the records for what a plan can't know: values in the way of a unique index, and how much a drop
// loses.
func (r *reader) examine(p *plan.Plan) error {
	defer r.conn.Limit(r.conn.Limit(migrateMax))
	for i := range p.Steps {
		step := &p.Steps[i]
		if u := step.Unique; u != nil && u.Table != "" {
			some, err := duplicates(r, u, u.Table, u.Columns)
			if err != nil {
				return err
			}
			if some != "" {
				step.Risk, step.Fix = plan.Blocked, some
			}
		}
		if step.Loss != nil {
			if err := r.measure(step); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure adds to a step that drops something how many records that touches.
func (r *reader) measure(step *plan.Step) error {
	sql := "SELECT count(*) FROM " + quoted(step.Loss.Table)
	what := "record"
	if step.Loss.Column != "" {
		sql += " WHERE " + quoted(step.Loss.Column) + " IS NOT NULL"
		what = "value"
	}
	return r.run(sql, func(st *raw.Stmt) {
		n := st.Int(0)
		if n != 1 {
			what += "s"
		}
		step.Text += fmt.Sprintf(", %d %s", n, what)
	})
}

func quoted(name string) string { return `"` + name + `"` }

// runner runs a fixed statement and gives its rows to fn: a reader, or the writer in its transaction.
type runner interface {
	run(sql string, fn func(*raw.Stmt), args ...roundtrip.Value) error
}

// duplicates says which values of a table stand in the way of a unique index over columns, "" if none do.
func duplicates(r runner, u *plan.Unique, table string, columns []string) (string, error) {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = "v" + strconv.Itoa(i)
	}
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(names, ", ") + ", count(*) FROM (SELECT ")
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c + " AS " + names[i])
	}
	b.WriteString(" FROM " + quoted(table) + ") WHERE " + strings.Join(names, " IS NOT NULL AND ") + " IS NOT NULL GROUP BY " +
		strings.Join(names, ", ") + " HAVING count(*) > 1 ORDER BY count(*) DESC, " + strings.Join(names, ", ") +
		" LIMIT " + strconv.Itoa(duplicatesMax))
	var some []string
	err := r.run(b.String(), func(st *raw.Stmt) {
		values := make([]string, len(columns))
		for i := range columns {
			values[i] = shown(st, i, u.Types[i])
		}
		some = append(some, fmt.Sprintf("%s (%d times)", strings.Join(values, " and "), st.Int(len(columns))))
	})
	if err != nil || len(some) == 0 {
		return "", err
	}
	return fmt.Sprintf("some records have the same %s, such as %s: change those first", strings.Join(u.Fields, " and "), strings.Join(some, ", ")), nil
}

// shown returns a value as the doors write it.
func shown(st *raw.Stmt, column int, t roundtrip.FieldType) string {
	switch t.Value() {
	case roundtrip.IDValue:
		return roundtrip.ID(st.Int(column)).String()
	case roundtrip.BoolValue:
		return strconv.FormatBool(st.Int(column) != 0)
	case roundtrip.TimeValue:
		return string(roundtrip.AppendTime(nil, st.Int(column)))
	case roundtrip.IntValue:
		return strconv.FormatInt(st.Int(column), 10)
	case roundtrip.FloatValue:
		return string(roundtrip.AppendFloat(nil, st.Float(column)))
	case roundtrip.TextValue, roundtrip.JSONValue, roundtrip.Null:
	}
	return strconv.Quote(st.Text(column))
}

// run is the writer's.
func (t *tx) run(sql string, fn func(*raw.Stmt), args ...roundtrip.Value) error {
	return (&reader{conn: t.conn}).run(sql, fn, args...)
}

// meets is the error of a unique index that met values which are there twice.
func (t *tx) meets(u *plan.Unique) error {
	columns := make([]string, len(u.Fields))
	for i, f := range u.Fields {
		columns[i] = quoted(f)
	}
	some, err := duplicates(t, u, u.Collection, columns)
	if err != nil {
		return failed("schema.apply", err, t.conn.Late())
	}
	return roundtrip.E(roundtrip.Conflict, "store.unique", "%s can't be made unique in %s: %s.", strings.Join(u.Fields, " and "), u.Collection, some)
}
