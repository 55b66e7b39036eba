package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

const (
	migrateMax  = time.Hour   // how long a plan may run: an index over many records takes its time
	migrateWait = time.Minute // how long it waits for writes to be done
)

// Plan compares a schema with the database. It changes nothing but the numbers in the schema.
func (s *Store) Plan(ctx context.Context, schema *roundtrip.Schema) (*plan.Plan, error) {
	var p *plan.Plan
	err := s.read(ctx, "schema.history", func(r *reader) error {
		var err error
		p, err = r.plan(schema, s.opts.Now())
		return err
	})
	return p, err
}

// Apply runs the steps of a plan that Plan made for the same schema, in one transaction, and puts the schema in force:
// the permits of its collections are served from now on. It fails, changing nothing, if a step is neither safe nor allowed
// (Unprocessable, with the list of those steps), or if a unique index meets values that came twice since Plan (Conflict).
func (s *Store) Apply(ctx context.Context, schema *roundtrip.Schema, p *plan.Plan) error {
	if err := p.Err(); err != nil {
		return err
	}
	p.History.Number(schema)
	err := s.await(&op{
		ctx: ctx, multi: true, alone: true, wait: migrateWait, budget: migrateMax, done: make(chan struct{}),
		run: func(t *tx) error {
			if len(p.Steps) > 0 {
				if err := t.migrate(p); err != nil {
					return err
				}
			}
			next, err := s.tables.Load().with(schema)
			if err != nil {
				return err
			}
			t.next = next
			return failed("inbox.kinds", t.adoptKinds(next), t.conn.Late())
		},
	})
	if err != nil {
		return err
	}
	for _, step := range p.Steps {
		if step.Loss != nil {
			s.log.Warn("dropped, as --allow-data-loss said", "name", step.Loss.Name, "step", step.Text)
		}
	}
	return nil
}

// migrate runs the steps and writes the history.
func (t *tx) migrate(p *plan.Plan) error {
	defer t.conn.Limit(t.conn.Limit(migrateMax))
	texts := make([]string, len(p.Steps))
	if err := t.lose(p); err != nil {
		return err
	}
	for i, step := range p.Steps {
		texts[i] = step.Text
		for _, sql := range step.SQL {
			err := t.exec(sql)
			if e, ok := errors.AsType[*raw.Error](err); ok && e.Primary() == raw.CodeConstraint && step.Unique != nil {
				return t.meets(step.Unique)
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
	for _, n := range h.Numbers {
		if err := t.exec("INSERT OR REPLACE INTO _numbers (message, number, collection, field, name) VALUES (?, ?, ?, ?, ?)",
			roundtrip.Text(n.Message), roundtrip.Int(int64(n.Number)), roundtrip.Int(int64(n.Collection)), roundtrip.Int(int64(n.Field)),
			roundtrip.Text(n.Name)); err != nil {
			return err
		}
	}
	text, err := json.Marshal(steps)
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO _schema (at, steps) VALUES (?, ?)", roundtrip.Time(t.now), roundtrip.Text(string(text)))
}
