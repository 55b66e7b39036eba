package policy_test

import (
	"database/sql"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/roundtrip-dev/roundtrip"
)

// world is a small database, in memory for the oracle and in SQLite for the engine. Many of its values are null and many
// of its refs lead nowhere.
type world struct {
	things, users, teams *roundtrip.Collection
	schema               *roundtrip.Schema
	rows                 map[*roundtrip.Collection]map[roundtrip.ID]*roundtrip.Record
	db                   *sql.DB
}

const (
	thingsRead = "!record.b || record.r == auth.id || record.n == 3"
	usersRead  = "record.c || record.t.n != 2 && has(record.s)"
	teamsRead  = `record.n != auth.score || "staff" in auth.roles`
)

func (w *world) declare() {
	var none roundtrip.Pos
	w.things = roundtrip.NewCollection("things", none)
	w.users = roundtrip.NewCollection("users", none)
	w.teams = roundtrip.NewCollection("teams", none)
	w.users.Accounts = true
	add := func(c *roundtrip.Collection, name string, t roundtrip.FieldType, to *roundtrip.Collection) {
		c.Add(&roundtrip.Field{Name: name, Type: t, To: to})
	}
	for _, c := range []*roundtrip.Collection{w.things, w.users, w.teams} {
		add(c, "n", roundtrip.TypeInt, nil)
		add(c, "s", roundtrip.TypeText, nil)
	}
	for _, c := range []*roundtrip.Collection{w.things, w.users} {
		add(c, "b", roundtrip.TypeBool, nil)
		add(c, "c", roundtrip.TypeBool, nil)
		add(c, "x", roundtrip.TypeFloat, nil)
		add(c, "w", roundtrip.TypeTime, nil)
	}
	add(w.things, "m", roundtrip.TypeInt, nil)
	add(w.things, "y", roundtrip.TypeFloat, nil)
	add(w.things, "z", roundtrip.TypeText, nil)
	add(w.things, "j", roundtrip.TypeJSON, nil)
	add(w.things, "r", roundtrip.TypeRef, w.users)
	add(w.things, "q", roundtrip.TypeRef, w.things)
	add(w.users, "t", roundtrip.TypeRef, w.teams)
	add(w.users, "score", roundtrip.TypeInt, nil)
	add(w.teams, "lead", roundtrip.TypeRef, w.users)
	for _, c := range []*roundtrip.Collection{w.users, w.teams} { // those that create makes
		c.Indexes = []roundtrip.Index{{Fields: []int{roundtrip.FirstField}}, {Fields: []int{roundtrip.FirstField + 1}}}
	}
	w.users.Rules[roundtrip.Get] = roundtrip.Rule{Source: usersRead}
	w.teams.Rules[roundtrip.Get] = roundtrip.Rule{Source: teamsRead}
	w.things.Rules[roundtrip.Get] = roundtrip.Rule{Source: thingsRead}
	w.schema = roundtrip.NewSchema("world", w.things, w.users, w.teams)
	w.schema.Roles = texts()
}

// withRule returns the same world in which things have another read rule.
func (w *world) withRule(source string) *roundtrip.Schema {
	things := *w.things
	things.Rules = map[roundtrip.Action]roundtrip.Rule{roundtrip.Get: {Source: source}}
	fields := append([]*roundtrip.Field(nil), things.Fields...)
	for i, f := range fields {
		if f.To == w.things {
			g := *f
			g.To = &things
			fields[i] = &g
		}
	}
	things.Fields = fields
	s := roundtrip.NewSchema("world", &things, w.users, w.teams)
	s.Roles = texts()
	return s
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	t.Helper()
	w := &world{rows: map[*roundtrip.Collection]map[roundtrip.ID]*roundtrip.Record{}}
	w.declare()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "world.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	w.db = db
	w.exec(t, "PRAGMA synchronous=OFF")
	for _, c := range w.schema.Collections {
		w.create(t, c)
	}
	for i := range 60 {
		w.insert(t, r, w.things, roundtrip.ID(i+1), i%3 == 0)
	}
	for i := range 8 {
		w.insert(t, r, w.users, roundtrip.ID(i+1), false)
	}
	for i := range 5 {
		w.insert(t, r, w.teams, roundtrip.ID(i+1), false)
	}
	return w
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := w.db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (w *world) create(t *testing.T, c *roundtrip.Collection) {
	t.Helper()
	columns := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		form := "TEXT"
		switch f.Type.Value() {
		case roundtrip.FloatValue:
			form = "REAL"
		case roundtrip.BoolValue, roundtrip.IntValue, roundtrip.TimeValue, roundtrip.IDValue:
			form = "INTEGER"
		case roundtrip.TextValue, roundtrip.JSONValue, roundtrip.Null:
		}
		if f.Name == "id" {
			form += " PRIMARY KEY"
		}
		columns[i] = `"` + f.Name + `" ` + form
	}
	w.exec(t, `CREATE TABLE "`+c.Name+`" (`+strings.Join(columns, ", ")+`) STRICT`)
	for _, name := range []string{"n", "s", "x", "w", "r"} {
		if _, ok := c.Lookup(name); ok {
			w.exec(t, `CREATE INDEX "`+c.Name+`_`+name+`" ON "`+c.Name+`" ("`+name+`")`)
		}
	}
	w.rows[c] = map[roundtrip.ID]*roundtrip.Record{}
}

// insert writes a random row; a complete one has no nulls.
func (w *world) insert(t *testing.T, r *rand.Rand, c *roundtrip.Collection, id roundtrip.ID, complete bool) {
	t.Helper()
	rec := roundtrip.NewRecord(c)
	args := make([]any, len(c.Fields))
	marks := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		v := randomValue(r, f)
		if !complete && i >= roundtrip.FirstField && r.IntN(3) == 0 {
			v = roundtrip.Value{}
		}
		if i == roundtrip.FieldID {
			v = roundtrip.Ref(id)
		}
		rec.Put(i, v)
		args[i], marks[i] = driverValue(v), "?"
	}
	w.exec(t, `INSERT INTO "`+c.Name+`" VALUES (`+strings.Join(marks, ", ")+`)`, args...)
	w.rows[c][id] = rec
}

func driverValue(v roundtrip.Value) any {
	switch v.Kind() {
	case roundtrip.Null:
		return nil
	case roundtrip.FloatValue:
		return v.Float()
	case roundtrip.TextValue, roundtrip.JSONValue:
		return v.Text()
	case roundtrip.BoolValue, roundtrip.IntValue, roundtrip.TimeValue, roundtrip.IDValue:
	}
	return v.Int()
}

func ints() []int64 {
	return []int64{-1, 0, 1, 2, 2, 3, 3, 5, math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1, -(1<<53 + 1)}
}

func floats() []float64 {
	return []float64{-1, 0, 0.5, 1, 2, 2.5, 3, 1 << 53, 1<<53 + 2, 1e19, -1e19, 1 << 63, -(1 << 63), 5e-324}
}

func texts() []string {
	return []string{"", "a", "ab", "abc", "b", "A", "é", "éa", "aé", "日本", "本", "\U0010ffff", "a\U0010ffff", "a\ud7ff", "a\ue000", "a\ufffc", "'", `"`, "%", "staff", "x'--"}
}

func baseTime() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func randomValue(r *rand.Rand, f *roundtrip.Field) roundtrip.Value {
	switch f.Type.Value() {
	case roundtrip.BoolValue:
		return roundtrip.Bool(r.IntN(2) == 0)
	case roundtrip.IntValue:
		return roundtrip.Int(pick(r, ints()))
	case roundtrip.FloatValue:
		return roundtrip.Float(pick(r, floats()))
	case roundtrip.TimeValue:
		return roundtrip.Time(baseTime().Add(time.Duration(r.IntN(5)-2) * time.Hour))
	case roundtrip.IDValue:
		return roundtrip.Ref(roundtrip.ID(r.IntN(10) + 1)) // 9 and 10 are nowhere
	case roundtrip.JSONValue:
		return roundtrip.JSON("{}")
	case roundtrip.TextValue, roundtrip.Null:
	}
	return roundtrip.Text(pick(r, texts()))
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
