package sqlite

import (
	"context"
	"errors"

	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// ReadHistory reads how the database stands without opening the store: a server may have it open meanwhile, and the plan
// of a change can be shown beside it. A file without our tables has an empty history.
func (s *Store) ReadHistory(ctx context.Context) (h *plan.History, err error) {
	conn, err := raw.Open(s.opts.Path, s.opts.StatementDeadline)
	if err != nil {
		return nil, failed("schema.history", err, false)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	conn.Guard(ctx)
	if err := conn.Exec("PRAGMA query_only = 1"); err != nil {
		return nil, failed("schema.history", err, conn.Late())
	}
	h, err = readHistory(&reader{conn: conn})
	if err != nil {
		return nil, failed("schema.history", err, conn.Late())
	}
	return h, nil
}
