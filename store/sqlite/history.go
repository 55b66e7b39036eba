package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// Preview is Plan without opening the store: a server may have it open meanwhile, and the plan of a change can be shown
// beside it.
func (s *Store) Preview(ctx context.Context, schema *roundtrip.Schema) (p *plan.Plan, err error) {
	conn, err := raw.Open(s.opts.Path, s.opts.StatementDeadline)
	if err != nil {
		return nil, failed("schema.history", err, false)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	conn.Guard(ctx)
	for _, sql := range []string{"PRAGMA query_only = 1", "BEGIN"} { // one snapshot; it ends with the connection
		if err := conn.Exec(sql); err != nil {
			return nil, failed("schema.history", err, conn.Late())
		}
	}
	p, err = (&reader{conn: conn}).plan(schema, s.opts.Now())
	if err != nil {
		return nil, failed("schema.history", err, conn.Late())
	}
	return p, nil
}

// plan compares a schema with the reader's snapshot, and looks in the records for what stands in the way.
func (r *reader) plan(schema *roundtrip.Schema, now time.Time) (*plan.Plan, error) {
	past, err := readHistory(r)
	if err != nil {
		return nil, err
	}
	p := plan.Make(past, schema, now)
	return p, r.examine(p)
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
	if err := readNumbers(r, h); err != nil {
		return nil, err
	}
	err = r.run(`SELECT name FROM sqlite_schema WHERE type = 'index' AND (name GLOB '_i[0-9]*' OR name GLOB '_u[0-9]*')`, func(st *raw.Stmt) {
		h.Indexes = append(h.Indexes, st.Text(0))
	})
	return h, err
}

// readNumbers reads the proto field numbers. A database from before they were kept gets them from its columns, the same
// ones each time, until its next change writes them.
func readNumbers(r *reader, h *plan.History) error {
	var kept bool // not where a program that is older has made the database, and this one only looks at it
	err := r.run("SELECT 1 FROM sqlite_schema WHERE name = '_numbers'", func(*raw.Stmt) { kept = true })
	if err != nil {
		return err
	}
	if !kept {
		h.Seed()
		return nil
	}
	err = r.run("SELECT message, number, collection, field, name FROM _numbers ORDER BY message, number", func(st *raw.Stmt) {
		h.Numbers = append(h.Numbers, plan.Number{
			Message: st.Text(0), Number: int32(st.Int(1)), Collection: int32(st.Int(2)), Field: int32(st.Int(3)), Name: st.Text(4),
		})
	})
	if err == nil && len(h.Numbers) == 0 {
		h.Seed()
	}
	return err
}
