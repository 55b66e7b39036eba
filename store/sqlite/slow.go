package sqlite

import (
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	slowAfter  = 50 * time.Millisecond // how long a statement runs until its plan is worth a look
	plansMost  = 8                     // slow statements that wait for their plans; of further ones it is not looked for
	planOfNone = ""
)

// slow is a statement whose plan is wanted for the journey of who ran it.
type slow struct {
	sql    string
	params int
	note   trace.Late
}

// noteSlow has the plan of a slow statement left in the journey: SCAN says that an index is missing
// (https://sqlite.org/eqp.html). The request goes on meanwhile. It is called before the statement is released and the step ends.
func (r *reader) noteSlow(step trace.Step, st *raw.Stmt) {
	if r.journey == nil || r.conn.Ran() < slowAfter {
		return
	}
	w := slow{note: step.Later()}
	w.sql, w.params = st.SQL()
	select {
	case r.s.slow <- w:
	default:
		w.note.Note(planOfNone)
	}
}

// plans looks for the plans of slow statements, one at a time, until the store closes.
func (s *Store) plans() {
	for {
		select {
		case w := <-s.slow:
			w.note.Note(s.planOf(&w))
		case <-s.closing:
			for {
				select {
				case w := <-s.slow:
					w.note.Note(planOfNone)
				default:
					return
				}
			}
		}
	}
}

// planOf asks on a connection of its own, so that nobody waits for the reader. It is opened for this alone: slow statements ought
// to be rare, and an open connection costs memory.
func (s *Store) planOf(w *slow) string {
	conn, err := s.connect()
	if err != nil {
		return planOfNone
	}
	defer func() { _ = conn.Close() }() // it has only read
	var plan []string
	r := &reader{s: s, conn: conn}
	err = r.run("EXPLAIN QUERY PLAN "+w.sql, func(line *raw.Stmt) { plan = append(plan, line.Text(3)) }, make([]roundtrip.Value, w.params)...)
	if err != nil {
		return planOfNone
	}
	return strings.Join(plan, "; ")
}
