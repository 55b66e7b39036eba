package policy

import (
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
)

// Dialect is the SQL of one engine.
type Dialect uint8

// The dialects.
const (
	SQLite Dialect = iota + 1
	Postgres
)

// Form is how a condition reaches fields of other collections.
type Form uint8

// The forms. The statement's own table always has the alias r.
const (
	Scalar Form = iota + 1 // by scalar subqueries: for statements on one record
	Joined                 // by the LEFT JOINs of Permit.AppendJoins: for lists
)

// SQL is a statement under construction: its text and its parameters. It is reused by resetting both slices.
type SQL struct {
	Dialect Dialect
	Text    []byte
	Args    []roundtrip.Value
}

// Reset empties the statement and keeps its memory.
func (b *SQL) Reset() { b.Text, b.Args = b.Text[:0], b.Args[:0] }

// Raw appends text as it is; it must never come from a caller.
func (b *SQL) Raw(text string) *SQL {
	b.Text = append(b.Text, text...)
	return b
}

// Name appends a quoted identifier.
func (b *SQL) Name(name string) *SQL {
	b.Text = append(b.Text, '"')
	b.Text = append(b.Text, name...) // declared names are [a-z][a-z0-9_]*: there is no quote to escape
	b.Text = append(b.Text, '"')
	return b
}

// Column appends alias."name".
func (b *SQL) Column(alias, name string) *SQL {
	b.Text = append(append(b.Text, alias...), '.')
	return b.Name(name)
}

// Arg appends a placeholder and its value.
func (b *SQL) Arg(v roundtrip.Value) *SQL {
	b.Args = append(b.Args, v)
	if b.Dialect == Postgres {
		b.Text = append(b.Text, '$')
		b.Text = strconv.AppendInt(b.Text, int64(len(b.Args)), 10)
		return b
	}
	b.Text = append(b.Text, '?')
	return b
}
