package sqlite

import (
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// slowAfter is how long a statement runs until its plan is worth a look.
const slowAfter = 50 * time.Millisecond

// noteSlow leaves the plan of a slow statement in the journey: SCAN says that an index is missing
// (https://sqlite.org/eqp.html). It is called before the statement is released.
func (r *reader) noteSlow(step trace.Step, st *raw.Stmt) {
	if r.journey == nil || r.conn.Ran() < slowAfter {
		return
	}
	var plan []string
	sql, params := st.SQL()
	err := r.run("EXPLAIN QUERY PLAN "+sql, func(line *raw.Stmt) { plan = append(plan, line.Text(3)) }, make([]roundtrip.Value, params)...)
	if err == nil {
		step.Note(strings.Join(plan, "; "))
	}
}
