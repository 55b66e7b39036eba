package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// In a filter each exists must be served by an index: it is asked for each record.
func TestPolicy_FiltersLookThroughNoCollection(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.photos.Indexes = append(g.photos.Indexes, roundtrip.Index{Fields: []int{roundtrip.FirstField + 5, 4}})
	e := g.engine(t)
	const scan = "not_indexed"
	four := strings.Repeat("follows.exists(f, f.followee == author) || ", 3) + "follows.exists(f, f.followee == author)"
	tests := []struct {
		filter string
		column int
		code   string // "" for a good one
		want   string
	}{
		{"follows.exists(f, true)", 9, scan, "follows.exists would look through all of follows: compare an indexed field, such as follower, with =="},
		{"likes > 1 && users.exists(u, u.name == caption)", 20, scan, "users.exists would look through all of users: compare an indexed field, such as handle, with =="},
		{"follows.exists(f, f.follower == f.followee)", 9, scan, ""},
		{"comments.exists(c, c.author == c.photo.author)", 10, scan, ""},
		{"follows.exists(f, f.followee > author)", 9, scan, ""},
		{"follows.exists(f, f.followee != author)", 9, scan, ""},
		{"follows.exists(f, !(f.followee == author))", 9, scan, ""},
		{"follows.exists(f, f.followee == author || f.create_time > now)", 9, scan, ""},
		{"comments.exists(c, c.photo.author == author)", 10, scan, ""},
		{"users.exists(u, u.boss == null)", 7, scan, ""},
		{"photos.exists(p, p.rating == likes)", 8, scan, ""}, // the writer hides this index, so that nothing is rounded
		{"photos.exists(p, (p.author == record.author) == (p.likes > 3))", 8, scan, ""},
		{"photos.exists(p, p.rating == 2)", 0, "", ""},
		{"follows.exists(f, f.followee == author)", 0, "", ""},
		{"follows.exists(f, f.create_time > now && author == f.followee)", 0, "", ""},
		{"follows.exists(f, f.follower == auth.id || f.followee == author)", 0, "", ""},
		{"users.exists(u, u.id == author.boss)", 0, "", ""},
		{`users.exists(u, u.handle in ["ana", "bo"])`, 0, "", ""},
		{"follows.exists(f, false)", 0, "", ""},
		{"follows.exists(a, follows.exists(b, b.follower == a.followee) && a.followee == author)", 27, "too_deep", "in a filter, exists can't stand inside another exists"},
		{four, 0, "", ""},
		{four + " || users.exists(u, u.id == author)", 179, "too_complex", "a filter may have 4 exists, no more"},
	}
	for _, tt := range tests {
		t.Run(tt.filter, func(t *testing.T) {
			t.Parallel()
			call := callOf(g.photos, roundtrip.List)
			call.Query.Filter = tt.filter
			_, err := e.Decide(call, g.person(1))
			if tt.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			got, ok := errors.AsType[*roundtrip.Error](err)
			if !ok || got.Reason != "request.filter" || len(got.Details) != 1 {
				t.Fatalf("got %v", err)
			}
			if d := got.Details[0]; d.Parameter != "filter" || d.Code != tt.code || d.Column != tt.column || !strings.Contains(d.Message, tt.want) {
				t.Errorf("got %+v", d)
			}
		})
	}
	job := callOf(g.photos, roundtrip.List)
	job.Query.Filter = "users.exists(u, u.name == caption)"
	if _, err := e.Job(job, "clean-up"); err != nil {
		t.Errorf("a job may take its time: %v", err)
	}
}

func TestPolicy_RulesMayNotBeQuadratic(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"users.exists(u, photos.exists(p, p.caption == u.name))":                    "photos.exists would look through all of photos for each record of users: compare an indexed field, such as author, with ==",
		"users.exists(u, photos.exists(p, p.author == u.id))":                       "",
		"users.exists(u, u.id == auth.id && photos.exists(p, p.caption == u.name))": "",
	} {
		g := newGallery()
		g.photos.Rules[roundtrip.Create] = roundtrip.Rule{Source: source}
		_, err := policy.New(g.schema, nil)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", source, err)
			}
			continue
		}
		errs, ok := errors.AsType[*policy.RuleErrors](err)
		if !ok || len(errs.List) != 1 || errs.List[0].Message != want || errs.List[0].Column == 0 {
			t.Errorf("%s: got %v", source, err)
		}
	}
}

// A statement that was too slow is explained by what its caller wrote.
func TestPolicy_SaysWhatWasSlow(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	type q = roundtrip.Query
	for _, tt := range []struct {
		action roundtrip.Action
		query  q
		want   string // parameters of the details; "" where the statement is none of the caller's
		says   string
	}{
		{roundtrip.List, q{}, "", ""},
		{roundtrip.Aggregate, q{}, "", ""},
		{roundtrip.List, q{Filter: "true"}, "", ""},
		{roundtrip.List, q{Filter: "likes > 10"}, "filter", "The filter was stopped after 1s: no index of photos serves the filter: compare an indexed field, such as author, with ==, or declare an index that starts with likes."},
		{roundtrip.List, q{Filter: `author.handle == "ana"`, OrderBy: "likes"}, "filter order_by", ""},
		{roundtrip.List, q{OrderBy: "likes desc"}, "order_by", "The order_by was stopped after 1s: no index of photos serves the order: one that starts with likes would."},
		{roundtrip.List, q{OrderBy: "author"}, "order_by", "too many records of photos"},
		{roundtrip.List, q{Filter: "author == auth.id", OrderBy: "create_time"}, "filter", "too many records of photos"},
		{roundtrip.List, q{Filter: "likes > 1", OrderBy: "create_time"}, "filter order_by", ""},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "caption", Value: "x"}}}, "filter", "starts with caption"},
		{roundtrip.Aggregate, q{GroupBy: []string{"author"}}, "group_by", "ask for fewer with a filter that an index serves, such as one on author"},
	} {
		call := callOf(g.photos, tt.action)
		call.Query = tt.query
		p, err := e.Decide(call, g.person(1))
		if err != nil {
			t.Fatal(err)
		}
		if p.Shaped() != (tt.want != "") {
			t.Errorf("%+v: shaped is %v", tt.query, p.Shaped())
		}
		if tt.want == "" {
			continue
		}
		got := p.Slow(time.Second)
		var parameters []string
		for _, d := range got.Details {
			parameters = append(parameters, d.Parameter)
		}
		if got.Kind != roundtrip.Deadline || got.Reason != "store.deadline" || strings.Join(parameters, " ") != tt.want || !strings.Contains(got.Public, tt.says) {
			t.Errorf("%+v: got %v: %s", tt.query, parameters, got.Public)
		}
	}
	job := callOf(g.photos, roundtrip.List)
	job.Query.Filter = "likes > 10"
	if p, err := e.Job(job, "clean-up"); err != nil || p.Shaped() {
		t.Errorf("a job's filter is our own: %v", err)
	}
}

// != between two values of the call that are both null is false, whatever the records are.
func TestPolicy_NullIsNotDifferentFromNull(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.photos.Rules[roundtrip.Get] = roundtrip.Rule{Source: "auth.name != record.author.name || auth.name != auth.level"}
	g.users.Rules[roundtrip.Get] = roundtrip.Rule{Source: "false"}
	list := func(filter string) *policy.Permit {
		call := callOf(g.photos, roundtrip.List)
		call.Query.Filter = filter
		e, err := policy.New(g.schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.Decide(call, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	g.photos.Rules[roundtrip.Get] = roundtrip.Rule{Source: "true"}
	// Nobody may read users, so that what lies behind author is null, as all of a stranger's auth is.
	if p := list("author.name != auth.name"); !p.Never() {
		_, got, _ := sqlOf(p, policy.Scalar)
		t.Errorf("null differs from null: %s", got)
	}
	if p := list("!(author.name != auth.name)"); !p.Always() {
		t.Error("the opposite does not always hold")
	}
}

// A text range ends before the surrogates, which are no characters: the next one after U+D7FF is U+E000.
func TestPolicy_PrefixRangesEndAtTheNextCharacter(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	for prefix, end := range map[string]string{
		"a\ud7ff": "a\ue000", "a\ud7fe": "a\ud7ff", "a\uffff": "a\U00010000", "a\U0010ffff": "b", "az": "a{", "\u007f": "\u0080",
	} {
		call := callOf(g.photos, roundtrip.List)
		call.Query.Filter = `caption.startsWith("` + prefix + `")`
		p, err := e.Decide(call, g.person(1))
		if err != nil {
			t.Fatal(err)
		}
		b := policy.SQL{Dialect: policy.SQLite}
		p.AppendCondition(&b, policy.Scalar)
		if n := len(b.Args); n < 2 || b.Args[n-2].Text() != prefix || b.Args[n-1].Text() != end {
			t.Errorf("%q: got %v, want the end %q", prefix, b.Args, end)
		}
	}
}
