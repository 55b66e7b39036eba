package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// quote quotes an identifier. Declared names hold no quote.
func quote(name string) string { return `"` + name + `"` }

// column returns the definition of a field's column. Refs carry a foreign key without an action: what on_delete declares
// is done by the store, which must count, record and clean up for every record that goes; the key is its safety net.
func column(f *roundtrip.Field) string {
	def := quote(f.Name) + " " + affinity(f.Type)
	switch {
	case f.Type == roundtrip.TypeID:
		return def + " PRIMARY KEY"
	case f.Type == roundtrip.TypeCount:
		return def + " NOT NULL DEFAULT 0"
	case !f.Optional():
		def += " NOT NULL"
	}
	if f.Type == roundtrip.TypeRef {
		def += " REFERENCES " + quote(f.To.Name) + `("id")`
	}
	return def
}

// affinity returns the STRICT type of a column (https://sqlite.org/stricttables.html).
func affinity(t roundtrip.FieldType) string {
	switch t.Value() {
	case roundtrip.FloatValue:
		return "REAL"
	case roundtrip.BoolValue, roundtrip.IntValue, roundtrip.TimeValue, roundtrip.IDValue:
		return "INTEGER"
	case roundtrip.TextValue, roundtrip.JSONValue, roundtrip.Null:
	}
	return "TEXT"
}

func createTable(c *roundtrip.Collection) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + quote(c.Name) + " (")
	for i, f := range c.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(column(f))
	}
	b.WriteString(") STRICT")
	return b.String()
}

// addColumn returns the statement for a field that is new. Existing records get the default; micros stands for now.
func addColumn(c *roundtrip.Collection, f *roundtrip.Field, micros int64) string {
	def := column(f)
	switch f.Default.Source {
	case roundtrip.DefaultConstant:
		if !f.Default.Value.IsNull() {
			def += " DEFAULT " + literal(f, f.Default.Value)
		}
	case roundtrip.DefaultNow:
		def += fmt.Sprintf(" DEFAULT %d", micros)
	case roundtrip.NoDefault, roundtrip.DefaultAuthID:
	}
	return "ALTER TABLE " + quote(c.Name) + " ADD COLUMN " + def
}

// optional returns the statements that take NOT NULL off a field's column: a new column takes its values over, then its
// name. That keeps foreign keys looked at, which writing the table anew would have to switch off for all of them.
func optional(c *roundtrip.Collection, f *roundtrip.Field, indexes []string) []string {
	spare := *f
	spare.Name = "_" + f.Name // no declared name starts like this
	table := quote(c.Name)
	sql := dropIndexes(indexes)
	sql = append(sql,
		"ALTER TABLE "+table+" ADD COLUMN "+column(&spare),
		fmt.Sprintf("UPDATE %s SET %s = %s", table, quote(spare.Name), quote(f.Name)),
		fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", table, quote(f.Name)),
		fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", table, quote(spare.Name), quote(f.Name)))
	return sql
}

func dropIndexes(names []string) []string {
	sql := make([]string, len(names))
	for i, name := range names {
		sql[i] = "DROP INDEX IF EXISTS " + quote(name)
	}
	return sql
}

// indexesOn returns those of the indexes that cover a field. Their names say so: _u3_16_17 is the unique one over fields 16
// and 17 of collection 3. field 0 stands for all fields.
func indexesOn(names []string, collection, field int32) []string {
	var on []string
	for _, name := range names {
		numbers := strings.Split(strings.TrimLeft(name, "_iu"), "_")
		if numbers[0] == fmt.Sprint(collection) && (field == 0 || slices.Contains(numbers[1:], fmt.Sprint(field))) {
			on = append(on, name)
		}
	}
	return on
}

// literal writes a value as SQL. It serves defaults of the declaration only; values of callers are always bound.
func literal(f *roundtrip.Field, v roundtrip.Value) string {
	switch v.Kind() {
	case roundtrip.BoolValue, roundtrip.IntValue, roundtrip.TimeValue, roundtrip.IDValue:
		if f.Type == roundtrip.TypeFloat {
			return string(roundtrip.AppendFloat(nil, v.Float()))
		}
		return fmt.Sprintf("%d", v.Int())
	case roundtrip.FloatValue:
		return string(roundtrip.AppendFloat(nil, v.Float()))
	case roundtrip.TextValue, roundtrip.JSONValue:
		return "'" + strings.ReplaceAll(v.Text(), "'", "''") + "'"
	case roundtrip.Null:
	}
	return "NULL"
}

// recount returns the statement that counts a count field anew for all records.
func recount(c *roundtrip.Collection, f *roundtrip.Field) string {
	return fmt.Sprintf(`UPDATE %s SET %s = (SELECT count(*) FROM %s AS k WHERE k.%s = %[1]s."id")`,
		quote(c.Name), quote(f.Name), quote(f.To.Name), quote(f.To.Fields[f.Of].Name))
}

// index is one index that a declaration asks for. Its name is made of numbers, so that renames leave it alone.
type index struct {
	name   string
	unique bool
	on     *roundtrip.Collection
	fields []int
	pos    roundtrip.Pos
}

func (x index) create() string {
	kind := "INDEX"
	if x.unique {
		kind = "UNIQUE INDEX"
	}
	names := make([]string, len(x.fields))
	for i, f := range x.fields {
		names[i] = quote(x.on.Fields[f].Name)
	}
	return fmt.Sprintf("CREATE %s %s ON %s (%s)", kind, quote(x.name), quote(x.on.Name), strings.Join(names, ", "))
}

func (x index) names() []string {
	names := make([]string, len(x.fields))
	for i, f := range x.fields {
		names[i] = x.on.Fields[f].Name
	}
	return names
}

// indexes returns what a collection needs: unique fields and groups, declared indexes (with id at their end, which makes
// them serve pages), and one for each ref, because deletes ask who points to a record. Numbers must be set.
func indexes(c *roundtrip.Collection) []index {
	var all []index
	add := func(unique bool, fields []int, pos roundtrip.Pos) {
		x := index{unique: unique, on: c, fields: fields, pos: pos, name: fmt.Sprintf("_i%d", c.Number)}
		if unique {
			x.name = fmt.Sprintf("_u%d", c.Number)
		}
		for _, f := range fields {
			x.name += fmt.Sprintf("_%d", c.Fields[f].Column)
		}
		for _, other := range all {
			if other.name == x.name {
				return
			}
		}
		all = append(all, x)
	}
	for i, f := range c.Fields {
		if f.Unique {
			add(true, []int{i}, f.Pos)
		}
	}
	for _, x := range c.Indexes {
		fields := append([]int(nil), x.Fields...)
		if !x.Unique && fields[len(fields)-1] != roundtrip.FieldID {
			fields = append(fields, roundtrip.FieldID)
		}
		add(x.Unique, fields, x.Pos)
	}
	for i, f := range c.Fields {
		if f.Type == roundtrip.TypeRef && !starts(all, i) {
			add(false, []int{i, roundtrip.FieldID}, f.Pos)
		}
	}
	return all
}

func starts(all []index, field int) bool {
	for _, x := range all {
		if x.fields[0] == field {
			return true
		}
	}
	return false
}
