package policy_test

import (
	"errors"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

func TestPolicy_FoldsTheCallerIn(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	ana := g.person(1)
	tests := []struct {
		name       string
		collection *roundtrip.Collection
		action     roundtrip.Action
		who        *roundtrip.Principal
		scalar     string
		joins      string
		joined     string // "" means the same as scalar
	}{
		{"anybody reads users", g.users, roundtrip.List, nil, "TRUE", "", ""},
		{
			"a stranger's exists is gone", g.photos, roundtrip.List, nil,
			`((r."private") IS NOT TRUE)`, "", "",
		},
		{
			"an account's rule", g.photos, roundtrip.List, ana,
			`(((r."private") IS NOT TRUE) OR r."author" = ? OR EXISTS (SELECT 1 FROM "follows" AS e1 WHERE (e1."follower" = ? AND e1."followee" = r."author")))`, "", "",
		},
		{"a moderator needs no record", g.photos, roundtrip.Delete, g.person(1, "moderator"), "TRUE", "", ""},
		{"one side folds away", g.photos, roundtrip.Delete, ana, `r."author" = ?`, "", ""},
		{
			"a path", g.comments, roundtrip.Delete, ana,
			`(r."author" = ? OR (SELECT s1."author" FROM "photos" AS s1 WHERE s1."id" = r."photo") = ?)`,
			` LEFT JOIN "photos" AS j1 ON j1."id" = r."photo"`,
			`(r."author" = ? OR j1."author" = ?)`,
		},
		{
			"readable for a stranger", g.comments, roundtrip.List, nil,
			`(SELECT s1."id" FROM "photos" AS s1 WHERE s1."id" = r."photo" AND ((s1."private") IS NOT TRUE)) IS NOT NULL`,
			` LEFT JOIN "photos" AS j1 ON j1."id" = r."photo" AND ((j1."private") IS NOT TRUE)`,
			`j1."id" IS NOT NULL`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := e.Decide(callOf(tt.collection, tt.action), tt.who)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := sqlOf(p, policy.Scalar); got != tt.scalar {
				t.Errorf("scalar form\n got %s\nwant %s", got, tt.scalar)
			}
			joins, got, _ := sqlOf(p, policy.Joined)
			if joins != tt.joins {
				t.Errorf("joins\n got %s\nwant %s", joins, tt.joins)
			}
			want := tt.joined
			if want == "" {
				want = tt.scalar
			}
			if got != want {
				t.Errorf("joined form\n got %s\nwant %s", got, want)
			}
			if always := got == "TRUE"; p.Always() != always {
				t.Errorf("Always is %v", p.Always())
			}
		})
	}
}

func TestPolicy_Refuses(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.photos.Rules[roundtrip.Create] = roundtrip.Rule{Source: "false"}
	g.users.Rules[roundtrip.Get] = roundtrip.Rule{Source: `"staff" in auth.roles`}
	e := g.engine(t)
	tests := []struct {
		name       string
		collection *roundtrip.Collection
		action     roundtrip.Action
		who        *roundtrip.Principal
		kind       roundtrip.Kind
		reason     string
	}{
		{"no rule", g.users, roundtrip.Delete, g.person(1), roundtrip.Denied, "access.no_rule"},
		{"no rule for strangers", g.users, roundtrip.Create, nil, roundtrip.Denied, "access.no_rule"},
		{"a stranger may sign in", g.likes, roundtrip.Create, nil, roundtrip.Unauthenticated, "auth.missing"},
		{"signing in would not help", g.photos, roundtrip.Create, nil, roundtrip.Denied, "access.rule_denied"},
		{"an account is told no", g.photos, roundtrip.Create, g.person(1), roundtrip.Denied, "access.rule_denied"},
		{"a get is hidden", g.users, roundtrip.Get, g.person(1), roundtrip.Missing, "access.hidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := e.Decide(callOf(tt.collection, tt.action), tt.who)
			got, ok := errors.AsType[*roundtrip.Error](err)
			if !ok || got.Kind != tt.kind || got.Reason != tt.reason {
				t.Errorf("got %v, want %s %s", err, tt.kind, tt.reason)
			}
		})
	}
	p, err := e.Decide(callOf(g.users, roundtrip.List), g.person(1))
	if err != nil || !p.Never() {
		t.Errorf("a list that may see nothing is empty, not an error: %v", err)
	}
}

// PostgreSQL is not run here: this keeps its spelling from changing unseen.
func TestPolicy_WritesPostgres(t *testing.T) {
	t.Parallel()
	g := newGallery()
	call := callOf(g.likes, roundtrip.List)
	call.Query.Filter = `photo.caption.endsWith("né") && user != auth.id && photo.caption.contains("a") && size(photo.caption) < 9 && photo.caption.startsWith("b")`
	p, err := g.engine(t).Decide(call, g.person(1))
	if err != nil {
		t.Fatal(err)
	}
	b := policy.SQL{Dialect: policy.Postgres}
	p.AppendJoins(&b)
	joins := len(b.Text)
	p.AppendCondition(&b, policy.Joined)
	if got, want := string(b.Text[joins:]), `(right(j1."caption", $3) = $4 AND r."user" IS DISTINCT FROM $5 AND strpos(j1."caption", $6) > 0`+
		` AND char_length(j1."caption") < $7 AND (j1."caption" >= $8 AND j1."caption" < $9))`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := string(b.Text[:joins]), ` LEFT JOIN "photos" AS j1 ON j1."id" = r."photo" AND (((j1."private") IS NOT TRUE) OR j1."author" = $1`+
		` OR EXISTS (SELECT 1 FROM "follows" AS e1 WHERE (e1."follower" = $2 AND e1."followee" = j1."author")))`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if n := b.Args[2].Int(); n != 2 {
		t.Errorf("right counts characters, got %d", n)
	}
}
