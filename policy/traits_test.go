package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// TestTraits_PublicIsEverybodys looks for a record that a stranger may see and an account may not, under random rules and
// filters that are said to be public.
func TestTraits_PublicIsEverybodys(t *testing.T) {
	t.Parallel()
	r, seed := random(t)
	w := newWorld(t, r)
	fixed, err := policy.New(w.schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	callers := []*roundtrip.Principal{
		{ID: 1, Account: w.rows[w.users][1], Roles: []string{"staff", "a"}},
		{ID: 2, Account: w.rows[w.users][2]},
		{ID: 3, Account: w.rows[w.users][3], Roles: []string{"ab"}},
	}
	public, more := 0, 0
	for i := range randomExpressions() / 2 {
		m := &maker{r: r, w: w, filter: i%2 == 1}
		x := m.condition(1 + r.IntN(4))
		if len(x.source) > 4000 {
			continue
		}
		stranger := trial{t: t, w: w, term: x, who: &roundtrip.Principal{}, filter: m.filter}
		engine := stranger.decide(fixed)
		traits, err := engine.Traits(stranger.permit.Call())
		if err != nil {
			t.Fatal(err)
		}
		if !traits.Public {
			continue
		}
		public++
		for _, who := range callers {
			account := trial{t: t, w: w, term: x, who: who, filter: m.filter}
			for id, row := range w.rows[w.things] {
				switch seen, known := stranger.want(row), account.want(row); {
				case seen && !known:
					t.Fatalf("seed %d: %s\nis said to be public, and a stranger sees %d, which account %d does not", seed, x.source, id, who.ID)
				case known && !seen:
					more++
				}
			}
		}
	}
	if public < randomExpressions()/42 || more == 0 {
		t.Errorf("the test has lost its teeth: %d public expressions, %d records seen by accounts alone", public, more)
	}
}

func TestTraits_OfTheGallery(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e, err := policy.New(g.schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	at := func(c *roundtrip.Collection, name string) int {
		i, _ := c.Lookup(name)
		return i
	}
	for name, c := range map[string]struct {
		of     *roundtrip.Collection
		filter string
		want   policy.Traits
	}{
		"everything": {g.users, "", policy.Traits{Everything: true, Public: true, Sieve: true}},
		"a filter":   {g.users, `handle == "ana"`, policy.Traits{Public: true, Sieve: true}},
		"mine":       {g.likes, `user == auth.id`, policy.Traits{Public: true}},
		"not mine":   {g.likes, `user != auth.id`, policy.Traits{}},
		"photos":     {g.photos, "", policy.Traits{Public: true, Sieve: true, Depends: []policy.Dependency{{Collection: g.follow, Exists: true, Via: -1}}}},
		"counts":     {g.photos, "likes > 3", policy.Traits{Public: true, Sieve: true, Counts: true, Depends: []policy.Dependency{{Collection: g.follow, Exists: true, Via: -1}}}},
		"comments": {g.comments, "", policy.Traits{Public: true, Sieve: true, Depends: []policy.Dependency{
			{Collection: g.photos, Via: at(g.comments, "photo")}, {Collection: g.follow, Exists: true, Via: -1},
		}}},
		"a field of the account": {g.users, "score > auth.score", policy.Traits{Public: true, Account: true}},
		"roles":                  {g.users, `!("moderator" in auth.roles)`, policy.Traits{Account: true, Roles: true}},
		"an address":             {g.users, `request.ip == "192.0.2.1"`, policy.Traits{Addr: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := e.Traits(&roundtrip.Call{Action: roundtrip.List, Collection: c.of, Query: roundtrip.Query{Filter: c.filter}})
			if err != nil {
				t.Fatal(err)
			}
			same := cmp.Comparer(func(a, b *roundtrip.Collection) bool { return a == b })
			if diff := cmp.Diff(c.want, got, same); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
