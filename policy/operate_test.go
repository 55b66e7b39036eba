package policy_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

func operator() *roundtrip.Principal {
	return &roundtrip.Principal{Operator: &roundtrip.Operator{Name: "mia", Data: true}}
}

func TestPolicy_OperatorsSeeAllRecords(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	for _, c := range g.schema.Collections {
		for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.List, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			p, err := e.Decide(callOf(c, a), operator())
			if err != nil || !p.Always() || p.Rule() != "operator mia" || p.Operator() == nil {
				t.Errorf("%s %s: %v, rule %q", a, c.Name, err, p.Rule())
				continue
			}
			if see := p.See(); (a == roundtrip.Update || a == roundtrip.Delete) && (see == nil || !see.Always()) {
				t.Errorf("%s %s: an operator does not see what they write", a, c.Name)
			}
		}
	}
}

func TestPolicy_OperatorsFiltersLookBehindRefs(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	for _, tt := range []struct {
		name, filter, want string
	}{
		{"a path", `photo.private == true`, `(SELECT s1."private" FROM "photos" AS s1 WHERE s1."id" = r."photo") = ?`},
		{"readable is whether it is there", `readable(photo)`, `(SELECT s1."id" FROM "photos" AS s1 WHERE s1."id" = r."photo") IS NOT NULL`},
		{"exists", `follows.exists(f, f.follower == author)`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			call := callOf(g.comments, roundtrip.List)
			call.Query.Filter, call.Query.Expand = tt.filter, []string{"photo"}
			p, err := e.Decide(call, operator())
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := sqlOf(p, policy.Scalar); tt.want != "" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if x := p.Query().Expand[0].Permit; !x.Always() || x.Operator() == nil {
				t.Error("what a ref leads to is read under its rule")
			}
			if !p.Shaped() {
				t.Error("an operator's filter has no limit of time")
			}
		})
	}
}

// TestPolicy_OperatorsHaveTheLimitsOfAll shows that a query of an operator is checked as anybody's.
func TestPolicy_OperatorsHaveTheLimitsOfAll(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	for name, q := range map[string]roundtrip.Query{
		"unknown field":                {Filter: "athor == auth.id"},
		"a scan of another collection": {Filter: `comments.exists(c, c.text == "x")`},
		"too large a page":             {PageSize: 1000},
		"no order":                     {OrderBy: "meta"},
		"a token of somebody else":     {PageToken: tokenOf(t, e, g, g.person(1))},
		"a token of another operator": {PageToken: tokenOf(t, e, g, &roundtrip.Principal{
			Operator: &roundtrip.Operator{Name: "bo", Data: true},
		})},
	} {
		call := callOf(g.photos, roundtrip.List)
		call.Query = q
		_, err := e.Decide(call, operator())
		if got, ok := errors.AsType[*roundtrip.Error](err); !ok || got.Kind != roundtrip.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	call := &roundtrip.Call{Action: roundtrip.Batch, Ops: slices.Repeat([]roundtrip.Call{*callOf(g.photos, roundtrip.Delete)}, 101)}
	if _, err := e.Decide(call, operator()); err == nil {
		t.Error("a batch of any length was permitted")
	}
}

func tokenOf(tb testing.TB, e *policy.Engine, g *gallery, who *roundtrip.Principal) string {
	tb.Helper()
	p, err := e.Decide(callOf(g.photos, roundtrip.List), who)
	if err != nil {
		tb.Fatal(err)
	}
	return p.Query().Token([]roundtrip.Value{roundtrip.Ref(7)})
}

// TestPolicy_OperatorsWithoutDataMayNothing: the role viewer, and an operator that somebody forgot to fill in.
func TestPolicy_OperatorsWithoutDataMayNothing(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	for _, who := range []*roundtrip.Principal{
		{Operator: &roundtrip.Operator{Name: "vic"}},
		{Operator: &roundtrip.Operator{}},
		{Operator: &roundtrip.Operator{Name: "vic"}, ID: 1, Roles: []string{"moderator"}}, // what an account may does not matter then
	} {
		calls := []*roundtrip.Call{}
		for _, c := range g.schema.Collections {
			for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.List, roundtrip.Aggregate, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
				calls = append(calls, callOf(c, a))
			}
		}
		calls = append(calls, &roundtrip.Call{Action: roundtrip.Batch, Ops: []roundtrip.Call{*callOf(g.users, roundtrip.Update)}})
		for _, call := range calls {
			_, err := e.Decide(call, who)
			if got, ok := errors.AsType[*roundtrip.Error](err); !ok || got.Kind != roundtrip.Denied || got.Reason != "access.operator" {
				t.Errorf("%s: %v", call.Action, err)
			}
		}
	}
}
