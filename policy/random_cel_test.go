package policy_test

import (
	"sort"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/roundtrip-dev/roundtrip"
)

// TestPolicy_AgreesWithCEL asks cel-go what the oracle of the standing test says, on the part of the language that both
// share: own fields, over rows without nulls.
func TestPolicy_AgreesWithCEL(t *testing.T) {
	t.Parallel()
	r, seed := random(t)
	w := newWorld(t, r)
	judge := newJudge(t)
	who := &roundtrip.Principal{ID: 1, Account: w.rows[w.users][1], Roles: []string{"staff", "a"}}
	asked := 0
	for i := range randomExpressions() {
		m := &maker{r: r, w: w}
		x := m.condition(r.IntN(3))
		if !x.cel {
			continue
		}
		asked++
		c := trial{t: t, w: w, term: x, who: who}
		c.compareCEL(judge)
		if t.Failed() {
			t.Fatalf("seed %d, expression %d", seed, i)
		}
	}
	if asked < randomExpressions()/20 {
		t.Errorf("only %d expressions were shared", asked)
	}
	t.Logf("%d expressions", asked)
}

func newJudge(t *testing.T) *cel.Env {
	t.Helper()
	env, err := cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
		cel.Variable("record", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("auth", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("now", cel.TimestampType),
	)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// compareCEL asks cel-go over the rows without nulls.
func (c *trial) compareCEL(env *cel.Env) {
	c.t.Helper()
	ast, issues := env.Parse(c.term.source) // without its type checker: a map's members are of any type
	if issues.Err() != nil {
		c.t.Fatalf("cel-go refuses %s\n%v", c.term.source, issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		c.t.Fatalf("cel-go refuses %s\n%v", c.term.source, err)
	}
	ids := make([]int, 0, 60)
	for id := range c.w.rows[c.w.things] {
		ids = append(ids, int(id))
	}
	sort.Ints(ids)
	for _, id := range ids {
		row := c.w.rows[c.w.things][roundtrip.ID(id)]
		record, complete := celRow(row)
		if !complete {
			continue
		}
		out, _, err := program.ContextEval(c.t.Context(), map[string]any{
			"record": record, "now": baseTime(), "auth": map[string]any{"roles": c.who.Roles},
		})
		if err != nil {
			c.t.Fatalf("cel-go fails on %s\nrow %s\n%v", c.term.source, show(row), err)
		}
		if want := c.want(row); out.Value() != want {
			c.t.Errorf("cel-go says %v, oracle %v\n%s\nrow %v", out.Value(), want, c.term.source, show(row))
			return
		}
	}
}

func celRow(r *roundtrip.Record) (map[string]any, bool) {
	m := map[string]any{}
	for i, f := range r.Collection.Fields {
		v := r.Values[i]
		switch v.Kind() {
		case roundtrip.Null:
			return nil, false
		case roundtrip.BoolValue:
			m[f.Name] = v.Bool()
		case roundtrip.IntValue:
			m[f.Name] = v.Int()
		case roundtrip.FloatValue:
			m[f.Name] = v.Float()
		case roundtrip.TimeValue:
			m[f.Name] = v.Time()
		case roundtrip.IDValue:
			m[f.Name] = v.ID().String()
		case roundtrip.TextValue, roundtrip.JSONValue:
			m[f.Name] = v.Text()
		}
	}
	return m, true
}
