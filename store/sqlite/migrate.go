package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// migrateMax is how long one step of a plan may run: an index over many records takes its time.
const migrateMax = time.Hour

// Plan compares a schema with the database. It changes nothing but the numbers in the schema.
func (s *Store) Plan(ctx context.Context, schema *roundtrip.Schema) (*plan.Plan, error) {
	var past *plan.History
	err := s.read(ctx, "schema.history", func(r *reader) error {
		var err error
		past, err = readHistory(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return plan.Make(past, schema, s.opts.Now()), nil
}

// Apply runs the steps of a plan that Plan made for the same schema, in one transaction, and puts the schema in force:
// the permits of its collections are served from now on. It fails, changing nothing, if a step is not safe (Unprocessable,
// with the list of those steps), or if a unique index meets values that are there twice (Conflict).
func (s *Store) Apply(ctx context.Context, schema *roundtrip.Schema, p *plan.Plan) error {
	if err := p.Err(); err != nil {
		return err
	}
	p.History.Number(schema)
	err := s.submit(ctx, true, func(t *tx) error {
		if len(p.Steps) > 0 {
			if err := t.flush(); err != nil {
				return failed("schema.apply", err, t.conn.Late())
			}
			if err := t.migrate(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.tables.Store(s.tables.Load().with(schema))
	return nil
}

func readHistory(r *reader) (*plan.History, error) {
	h := &plan.History{}
	err := r.run("SELECT number, name, dropped FROM _collections ORDER BY number", func(st *raw.Stmt) {
		h.Collections = append(h.Collections, plan.Collection{Number: int32(st.Int(0)), Name: st.Text(1), Dropped: st.Int(2) != 0})
	})
	if err != nil {
		return nil, err
	}
	for i := range h.Collections {
		c := &h.Collections[i]
		err := r.run("SELECT number, name, dropped, type, required, target, counted FROM _fields WHERE collection = ? ORDER BY number", func(st *raw.Stmt) {
			t, _ := roundtrip.ParseFieldType(st.Text(3))
			c.Fields = append(c.Fields, plan.Field{
				Number: int32(st.Int(0)), Name: st.Text(1), Dropped: st.Int(2) != 0, Type: t,
				Required: st.Int(4) != 0, To: int32(st.Int(5)), Of: int32(st.Int(6)),
			})
		}, roundtrip.Int(int64(c.Number)))
		if err != nil {
			return nil, err
		}
		if c.Dropped {
			continue
		}
		c.Empty = true
		if err := r.run(`SELECT 1 FROM "`+c.Name+`" LIMIT 1`, func(*raw.Stmt) { c.Empty = false }); err != nil {
			return nil, err
		}
	}
	err = r.run(`SELECT name FROM sqlite_schema WHERE type = 'index' AND (name GLOB '_i[0-9]*' OR name GLOB '_u[0-9]*')`, func(st *raw.Stmt) {
		h.Indexes = append(h.Indexes, st.Text(0))
	})
	return h, err
}

// migrate runs the steps and writes the history.
func (t *tx) migrate(p *plan.Plan) error {
	defer t.conn.Limit(t.conn.Limit(migrateMax))
	texts := make([]string, len(p.Steps))
	for i, step := range p.Steps {
		texts[i] = step.Text
		for _, sql := range step.SQL {
			err := t.exec(sql)
			if e, ok := errors.AsType[*raw.Error](err); ok && e.Primary() == raw.CodeConstraint && step.Unique != nil {
				return t.duplicates(step.Unique)
			}
			if err != nil {
				return failed("schema.apply: "+step.Text, err, t.conn.Late())
			}
		}
	}
	if err := t.writeHistory(p.History, texts); err != nil {
		return failed("schema.history", err, t.conn.Late())
	}
	return nil
}

// duplicates says which values stand in the way of a unique index.
func (t *tx) duplicates(u *plan.Unique) error {
	var some []string
	b := &t.sql
	b.Reset()
	b.Raw("SELECT ")
	names := `"` + strings.Join(u.Fields, `", "`) + `"`
	b.Raw(names).Raw(", count(*) FROM ").Name(u.Collection)
	for i, f := range u.Fields {
		b.Raw([]string{" WHERE ", " AND "}[min(i, 1)]).Name(f).Raw(" IS NOT NULL")
	}
	b.Raw(" GROUP BY ").Raw(names).Raw(" HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT 3")
	err := t.each(func(st *raw.Stmt) bool {
		values := make([]string, len(u.Fields))
		for i := range u.Fields {
			values[i] = st.Text(i)
		}
		some = append(some, fmt.Sprintf("%q (%d times)", strings.Join(values, ", "), st.Int(len(u.Fields))))
		return true
	})
	if err != nil {
		return failed("schema.apply", err, t.conn.Late())
	}
	fields := strings.Join(u.Fields, " and ")
	return roundtrip.E(roundtrip.Conflict, "store.unique", "%s can't be made unique in %s: some records have the same values, such as %s. Change those first.",
		fields, u.Collection, strings.Join(some, ", "))
}

func (t *tx) writeHistory(h *plan.History, steps []string) error {
	for _, c := range h.Collections {
		if err := t.exec("INSERT OR REPLACE INTO _collections (number, name, dropped) VALUES (?, ?, ?)",
			roundtrip.Int(int64(c.Number)), roundtrip.Text(c.Name), roundtrip.Bool(c.Dropped)); err != nil {
			return err
		}
		for _, f := range c.Fields {
			if err := t.exec("INSERT OR REPLACE INTO _fields (collection, number, name, dropped, type, required, target, counted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				roundtrip.Int(int64(c.Number)), roundtrip.Int(int64(f.Number)), roundtrip.Text(f.Name), roundtrip.Bool(f.Dropped),
				roundtrip.Text(f.Type.String()), roundtrip.Bool(f.Required), roundtrip.Int(int64(f.To)), roundtrip.Int(int64(f.Of))); err != nil {
				return err
			}
		}
	}
	text, err := json.Marshal(steps)
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO _schema (at, steps) VALUES (?, ?)", roundtrip.Time(t.now), roundtrip.Text(string(text)))
}
