package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

func TestPolicy_SaysWhatIsWrongWithARule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source  string
		column  int
		nearest string
		message string // a part of it
	}{
		{"", 0, "", ""},
		{"   ", 1, "", "nothing in it"},
		{"record.athor == auth.id", 8, "author", `photos has no field "athor"; did you mean "author"?`},
		{"record.author == auth.idd", 23, "id", `auth has no member "idd"`},
		{"auth.role == 'x'", 6, "roles", `did you mean "roles"?`},
		{"recrd.author == auth.id", 1, "record", `nothing is called "recrd"; did you mean "record"?`},
		{"author == auth.id", 1, "record.author", `did you mean "record.author"?`},
		{"auth.id == author", 12, "record.author", `did you mean "record.author"?`},
		{"athor == auth.id", 1, "record.author", `did you mean "record.author"?`},
		{"aut.id == record.author", 1, "auth", `did you mean "auth"?`},
		{"captoin == 'a'", 1, "record.caption", `did you mean "record.caption"?`},
		{"follows.exists(f, follower == auth.id)", 19, "f.follower", `did you mean "f.follower"?`},
		{"qqqqqqqqqq == 1", 1, "", `nothing is called "qqqqqqqqqq"`},
		{`"moderatr" in auth.roles`, 1, "moderator", `identity.roles has no role "moderatr"; did you mean "moderator"?`},
		{`"moder" + "ater" in auth.roles`, 9, "moderator", `did you mean "moderator"?`},
		{`"king" in auth.roles`, 1, "", `identity.roles has no role "king"; it has moderator, staff`},
		{`likes.exists(l, !("king" in auth.roles))`, 19, "", `identity.roles has no role "king"`},
		{`auth.roles == "moderator"`, 12, "", `as in "moderator" in auth.roles`},
		{"record.author.handel == 'a'", 15, "handle", `users has no field "handel"`},
		{"record.caption.length == 3", 8, "", "caption, a text is no ref"},
		{"record.author = auth.id", 15, "", "write == here"},
		{"record.private AND true", 16, "", "and is written &&"},
		{"record.private & true", 16, "", "write it twice: &&"},
		{"record.caption", 8, "", "yes or no is needed here"},
		{"record.likes > 'x'", 14, "", "likes, an int can't be compared with a text"},
		{"record.likes == true", 14, "", "can't be compared with a bool"},
		{"record.author == 'ana'", 18, "", `author is an id, 13 characters`},
		{"record.create_time > 'yesterday'", 22, "", "create_time is a time such as"},
		{"record.author == record.id", 15, "", "an id of users is never an id of photos"},
		{"auth.level == 'golden'", 15, "gold", "level is one of basic, gold"},
		{"record.meta == 'x'", 13, "", "only has(…) and == null"},
		{"record.private < true", 16, "", "yes and no have no order"},
		{"record.author < null", 15, "", "nothing is less or greater than null"},
		{"record.likes + 1 > 2", 14, "", "bring the sum to the other side"},
		{"now + 1 > now", 5, "", "+ does not go between a time and an int"},
		{"1 < 2 < 3", 7, "", "can't be chained"},
		{"record.private ? true : false", 16, "", "there is no ? :"},
		{"record.meta[0] == 1", 12, "", "no indexing"},
		{"record.caption.startWith('a')", 16, "startsWith", `there is no function "startWith"`},
		{"record.caption.contains(record.caption)", 32, "", "may not be a field"},
		{"record.likes.contains('a')", 8, "", "contains works on texts"},
		{"size(record.likes) > 1", 1, "", "only texts and lists have a size"},
		{"has('x')", 5, "", "has asks for a field"},
		{"input.caption == 'x'", 1, "", "input is known in update rules only"},
		{"folows.exists(f, true)", 1, "follows", `there is no collection "folows"`},
		{"follows.exists(f, f.folower == auth.id)", 21, "follower", "follows has no field"},
		{"follows.exists(auth, true)", 16, "", "has a meaning already"},
		{"follows.exists(f, f)", 19, "", "f is a whole record"},
		{"follows.exists(a, users.exists(b, likes.exists(c, true)))", 41, "", "no deeper"},
		{"record.author.boss.boss.boss.boss.name == 'a'", 25, "", "follow 3 refs"},
		{"readable(record.caption)", 17, "", "readable asks for a ref"},
		{"readable(auth.boss)", 15, "", "readable asks for a ref"},
		{"'unclosed", 1, "", "no closing quote"},
		{`'\q' == 'q'`, 2, "", "no such escape"},
		{"99999999999999999999 > 1", 1, "", "no whole number of 64 bits"},
		{"12ab == 1", 1, "", "may not run into a name"},
		{"(true", 6, "", ") is missing"},
		{"true true", 6, "", "does not belong here"},
		{"record", 1, "", "record is a whole record"},
		{"auth", 1, "", "auth.id != null"},
		{"'x' in 'xyz'", 8, "", "in looks into a list"},
		{"record.likes in auth.roles", 14, "", "roles are texts"},
		{"[1] == [1]", 1, "", "a list can stand only after in"},
		{"duration('1 day') < duration('1h')", 10, "", "is no duration"},
		{"é == 'a'", 1, "", `'é' means nothing here`},
		{"'é' == record.athor", 15, "author", "photos has no field"},
		{strings.Repeat("(", 40) + "true" + strings.Repeat(")", 40), 33, "", "more than 32 levels"},
		{strings.Repeat("!", 40) + "true", 32, "", "more than 32 levels"},
		{"true || " + strings.Repeat(" ", 4096), 4097, "", "longer than 4 KB"},
		{"1 in [" + strings.Repeat("1,", 100) + "1]", 6, "", "100 items"},
		{strings.Repeat("1==1||", 300) + "true", 0, "", "more than 500 parts"},
	}
	for _, tt := range tests {
		t.Run(tt.source[:min(len(tt.source), 40)], func(t *testing.T) {
			t.Parallel()
			g := newGallery()
			g.photos.Rules[roundtrip.Get] = roundtrip.Rule{Source: tt.source, Pos: roundtrip.Pos{File: "app.yaml", Line: 9, Column: 21}}
			_, err := policy.New(g.schema, nil)
			if tt.source == "" {
				if err != nil {
					t.Errorf("no rule is no mistake: %v", err)
				}
				return
			}
			var errs *policy.RuleErrors
			if !errors.As(err, &errs) {
				t.Fatalf("got %v, want a *RuleErrors", err)
			}
			got := errs.List[0]
			if tt.column > 0 && (got.Column != tt.column || got.Pos.Column != 20+tt.column || got.Pos.Line != 9) {
				t.Errorf("at column %d, %s; want column %d: %s", got.Column, got.Pos, tt.column, got.Message)
			}
			if got.Nearest != tt.nearest || !strings.Contains(got.Message, tt.message) {
				t.Errorf("got %q (nearest %q), want %q (%q)", got.Message, got.Nearest, tt.message, tt.nearest)
			}
			if got.Collection != "photos" || got.Action != "read" {
				t.Errorf("of %s.%s", got.Collection, got.Action)
			}
		})
	}
}

func TestPolicy_ReportsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.users.Rules[roundtrip.Get] = roundtrip.Rule{Source: "record.a == 1 && record.b == 2"}
	g.photos.Rules[roundtrip.Delete] = roundtrip.Rule{Source: "true &&\n  record.cc == 1", Pos: roundtrip.Pos{File: "app.yaml", Line: 30, Column: 5}}
	_, err := policy.New(g.schema, nil)
	var errs *policy.RuleErrors
	if !errors.As(err, &errs) || len(errs.List) != 3 {
		t.Fatalf("got %v, want 3 mistakes", err)
	}
	if got := errs.List[2].Pos; got.Line != 31 || got.Column != 14 {
		t.Errorf("the mistake of the second line is at %s", got)
	}
}

func TestPolicy_WithoutRolesNoneCanBeAskedFor(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.schema.Roles = nil
	_, err := policy.New(g.schema, nil)
	var errs *policy.RuleErrors
	if !errors.As(err, &errs) || len(errs.List) != 1 || errs.List[0].Message != `identity.roles has no role "moderator"` {
		t.Errorf("got %v", err)
	}
}

func TestPolicy_WarnsOfACollectionWithoutRules(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.schema.Warnings = []roundtrip.Warning{{Message: "seen before"}}
	clear(g.likes.Rules)
	got := g.engine(t).Warnings()
	if len(got) != 2 || got[0].Message != "seen before" || got[1].Pos != g.likes.Pos || !strings.HasPrefix(got[1].Message, "likes has no rules") {
		t.Errorf("got %v", got)
	}
	g.likes.Rules[roundtrip.Get] = roundtrip.Rule{Source: "false"}
	if got := g.engine(t).Warnings(); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestPolicy_FindsReadRulesThatAskThemselves(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.users.Rules[roundtrip.Get] = roundtrip.Rule{Source: "readable(record.boss)"}
	g.photos.Rules[roundtrip.Get] = roundtrip.Rule{Source: "readable(record.author)"}
	_, err := policy.New(g.schema, nil)
	var errs *policy.RuleErrors
	if !errors.As(err, &errs) {
		t.Fatalf("got %v", err)
	}
	if got := errs.List[0].Message; !strings.Contains(got, "users.read → users.read") {
		t.Errorf("the cycle is not named: %s", got)
	}
}

func TestPolicy_Warns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		action roundtrip.Action
		source string
		want   string // "" for none
	}{
		{roundtrip.Update, "!record.caption.startsWith('x')", "! makes this true where caption has no value"},
		{roundtrip.Update, "has(record.caption) && !record.caption.startsWith('x')", ""},
		{roundtrip.Update, "!record.private", ""},
		{roundtrip.Update, "!(record.likes > 3)", ""},
		{roundtrip.Get, "comments.exists(c, c.text == record.caption)", "no index serves this exists"},
		{roundtrip.Get, "comments.exists(c, c.text == record.caption)", "reads all of comments; compare an indexed field of it, such as author, with =="},
		{roundtrip.Create, "comments.exists(c, c.text == record.caption)", "reads all of comments, while all other writes wait"},
		{roundtrip.Update, "comments.exists(c, c.text == record.caption)", "while all other writes wait"},
		{roundtrip.Delete, "comments.exists(c, c.author == c.photo.author)", "while all other writes wait"},
		{roundtrip.Create, "comments.exists(c, c.author == record.author || c.text == 'x')", "no index serves this exists"},
		{roundtrip.Create, "comments.exists(c, c.author == record.author || c.photo == record.id)", ""},
		{roundtrip.Get, "likes.exists(l, l.photo == record.id)", ""},
		{roundtrip.Get, "record.caption == 'x'", "lists of photos are narrowed by caption"},
		{roundtrip.Get, "record.author == auth.id", ""},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			t.Parallel()
			g := newGallery()
			g.photos.Fields[roundtrip.FirstField+4].Required = true
			g.photos.Rules = map[roundtrip.Action]roundtrip.Rule{tt.action: {Source: tt.source}}
			got := g.engine(t).Warnings()
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("warns: %v", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0].Message, tt.want)):
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}
