package policy_test

import (
	"database/sql"
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/walk"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// The seed of the standing test. It is printed; give it back to see the same expressions again.
var seedFlag = flag.Uint64("policy.seed", 0, "seed of the random expressions, 0 for a new one")

// randomExpressions is how many each test makes; under the race detector fewer.
func randomExpressions() int { return walk.Steps(4200) }

// random returns a source of expressions, and its seed.
func random(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (repeat with -policy.seed=%d)", seed, seed)
	return rand.New(rand.NewPCG(seed, 1)), seed
}

// TestPolicy_AllJudgesAgree makes random expressions and asks three judges over rows full of nulls and dangling refs:
// the closures, SQLite in both forms and about a record that is not stored yet, and an oracle written apart from the engine. TestPolicy_AgreesWithCEL is a fourth.
func TestPolicy_AllJudgesAgree(t *testing.T) {
	t.Parallel()
	r, seed := random(t)
	w := newWorld(t, r)
	fixed, err := policy.New(w.schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	callers := []*roundtrip.Principal{
		{},
		{ID: 1, Account: w.rows[w.users][1], Roles: []string{"staff", "a"}},
		{ID: 2, Account: w.rows[w.users][2]},
		{ID: 3, Account: w.rows[w.users][3], Roles: []string{"ab"}},
	}
	known, trues := 0, 0
	for i := range randomExpressions() {
		m := &maker{r: r, w: w, filter: i%2 == 1}
		x := m.condition(1 + r.IntN(4))
		if len(x.source) > 4000 {
			continue
		}
		c := trial{t: t, w: w, term: x, who: pick(r, callers), filter: m.filter}
		c.decide(fixed)
		c.compare()
		known += c.known
		trues += c.trues
		if t.Failed() {
			t.Fatalf("seed %d, expression %d", seed, i)
		}
	}
	if known == 0 || trues == 0 {
		t.Errorf("the test has lost its teeth: %d rows known in memory, %d yes", known, trues)
	}
	t.Logf("%d expressions; %d rows judged in memory, %d yes", randomExpressions(), known, trues)
}

// cursor is a row that is no record, as the store gives them.
type cursor struct{ roundtrip.Row }

// trial is one expression before its judges.
type trial struct {
	t      *testing.T
	w      *world
	term   term
	who    *roundtrip.Principal
	filter bool
	permit *policy.Permit
	known  int
	trues  int
	fresh  *sql.Stmt // the statement of askFresh, and its text
	text   string
}

func (c *trial) decide(fixed *policy.Engine) *policy.Engine {
	c.t.Helper()
	e, things := fixed, c.w.things
	call := &roundtrip.Call{Action: roundtrip.List, Time: baseTime()}
	if c.filter {
		call.Query.Filter = c.term.source
	} else {
		schema := c.w.withRule(c.term.source)
		things = schema.Lookup("things")
		var err error
		if e, err = policy.New(schema, make([]byte, 32)); err != nil {
			c.t.Fatalf("%s\n%v", c.term.source, err)
		}
	}
	call.Collection = things
	p, err := e.Decide(call, c.who)
	if err != nil {
		c.t.Fatalf("%s\n%v", c.term.source, err)
	}
	c.permit = p
	return e
}

// want is the oracle's answer for one row.
func (c *trial) want(r *roundtrip.Record) bool {
	s := &scene{w: c.w, who: c.who, record: r, guarded: c.filter}
	return c.term.holds(s) && (!c.filter || s.readable(r))
}

func (c *trial) compare() {
	c.t.Helper()
	defer c.done()
	scalar, scalarText := c.ask(policy.Scalar)
	joined, joinedText := c.ask(policy.Joined)
	for id, row := range c.w.rows[c.w.things] {
		want := c.want(row)
		if want {
			c.trues++
		}
		allowed, known := c.permit.Check(row)
		if again, _ := c.permit.Check(cursor{row}); again != allowed {
			c.t.Errorf("a record says %v, the same under a cursor %v\n%s\nrow %v", allowed, again, c.term.source, show(row))
		}
		if known {
			c.known++
			if allowed != want {
				c.t.Errorf("in memory says %v, oracle %v\n%s\nrow %v\ncaller %+v", allowed, want, c.term.source, show(row), c.who)
			}
		}
		if scalar[id] != want {
			c.t.Errorf("scalar SQL says %v, oracle %v\n%s\n%s\nrow %v\ncaller %+v", scalar[id], want, c.term.source, scalarText, show(row), c.who)
		}
		if (int(id)+len(c.term.source))%6 == 0 { // one statement each: not all of them
			if fresh, text := c.askFresh(row); fresh != want {
				c.t.Errorf("SQL over bound values says %v, oracle %v\n%s\n%s\nrow %v\ncaller %+v", fresh, want, c.term.source, text, show(row), c.who)
			}
		}
		if joined[id] != want {
			c.t.Errorf("joined SQL says %v, oracle %v\n%s\n%s\nrow %v\ncaller %+v", joined[id], want, c.term.source, joinedText, show(row), c.who)
		}
		if c.t.Failed() {
			return
		}
	}
}

// ask returns the ids for which the database says yes.
func (c *trial) ask(form policy.Form) (map[roundtrip.ID]bool, string) {
	c.t.Helper()
	yes := map[roundtrip.ID]bool{}
	b := policy.SQL{Dialect: policy.SQLite}
	b.Raw(`SELECT r."id" FROM "things" AS r`)
	if form == policy.Joined {
		c.permit.AppendJoins(&b)
	}
	b.Raw(" WHERE ")
	c.permit.AppendCondition(&b, form)
	text := string(b.Text)
	if marks := strings.Count(text, "?"); marks != len(b.Args) {
		c.t.Fatalf("%d placeholders for %d parameters\n%s\n%s", marks, len(b.Args), c.term.source, text)
	}
	if c.permit.Never() {
		return yes, text
	}
	args := make([]any, len(b.Args))
	for i, v := range b.Args {
		args[i] = driverValue(v)
	}
	rows, err := c.w.db.QueryContext(c.t.Context(), text, args...)
	if err != nil {
		c.t.Fatalf("%v\n%s\n%s", err, c.term.source, text)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			c.t.Fatal(err)
		}
		yes[roundtrip.ID(id)] = true
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return yes, text
}

// askFresh asks as the store does for a create: the values of the record stand in the place of the table, bound, without
// the affinity of columns.
func (c *trial) askFresh(row *roundtrip.Record) (bool, string) {
	c.t.Helper()
	b := policy.SQL{Dialect: policy.SQLite}
	b.Raw("SELECT 1 FROM (SELECT ")
	for i, f := range row.Collection.Fields {
		if i > 0 {
			b.Raw(", ")
		}
		b.Arg(row.Values[i]).Raw(" AS ").Name(f.Name)
	}
	b.Raw(") AS r WHERE (")
	c.permit.AppendCondition(&b, policy.Scalar)
	b.Raw(")")
	args := make([]any, len(b.Args))
	for i, v := range b.Args {
		args[i] = driverValue(v)
	}
	if text := string(b.Text); c.fresh == nil || c.text != text { // it is one and the same for all rows
		fresh, err := c.w.db.PrepareContext(c.t.Context(), text)
		if err != nil {
			c.t.Fatalf("%v\n%s\n%s", err, c.term.source, text)
		}
		c.done()
		c.fresh, c.text = fresh, text
	}
	var one int
	err := c.fresh.QueryRowContext(c.t.Context(), args...).Scan(&one)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		c.t.Fatalf("%v\n%s\n%s", err, c.term.source, b.Text)
	}
	return err == nil, string(b.Text)
}

// done ends the statement of askFresh.
func (c *trial) done() {
	if c.fresh != nil {
		_ = c.fresh.Close()
		c.fresh = nil
	}
}

func show(r *roundtrip.Record) string {
	b := []byte("{")
	for i, f := range r.Collection.Fields {
		b = append(append(b, f.Name...), ':')
		b = append(r.Values[i].AppendJSON(b), ' ')
	}
	return string(append(b, '}'))
}
