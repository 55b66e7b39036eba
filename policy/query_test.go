package policy_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

func TestPolicy_ChecksQueries(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	type q = roundtrip.Query
	tests := []struct {
		action    roundtrip.Action
		query     q
		parameter string
		column    int
		code      string
		message   string
	}{
		{roundtrip.List, q{Filter: "athor == auth.id"}, "filter", 1, "unknown_field", `did you mean "author"?`},
		{roundtrip.List, q{Filter: "author.handel = 'ana'"}, "filter", 8, "unknown_field", `did you mean "handle"?`},
		{roundtrip.List, q{Filter: "caption = 3"}, "filter", 9, "type_mismatch", "caption, a text can't be compared with an int"},
		{roundtrip.List, q{Filter: "caption ="}, "filter", 10, "unexpected_end", "it ends where"},
		{roundtrip.List, q{Filter: "1 == 1 AND athor = 'x'"}, "filter", 12, "unknown_field", "author"},
		{roundtrip.List, q{Filter: "input.caption = 'x'"}, "filter", 1, "no_input", "update rules only"},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "athor", Value: "x"}}}, "athor", 0, "unknown_field", `did you mean "author"?`},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "author", Value: "x"}}}, "author", 0, "bad_id", "13 characters"},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "private", Value: "1"}}}, "private", 0, "not_bool", "true or false"},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "likes", Value: "1.5"}}}, "likes", 0, "bad_number", "whole number"},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "rating", Value: "NaN"}}}, "rating", 0, "bad_number", "is a number"},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "meta", Value: "{}"}}}, "meta", 0, "type_mismatch", "can't be compared"},
		{roundtrip.List, q{Equal: []roundtrip.Equal{{Field: "caption", Value: "a\x00"}}}, "caption", 0, "bad_text", "NUL"},
		{roundtrip.List, q{OrderBy: "likes desc, captoin"}, "order_by", 13, "unknown_field", `did you mean "caption"?`},
		{roundtrip.List, q{OrderBy: "likes down"}, "order_by", 1, "bad_direction", "asc or desc"},
		{roundtrip.List, q{OrderBy: "likes,,caption"}, "order_by", 7, "empty", "missing"},
		{roundtrip.List, q{OrderBy: " "}, "order_by", 1, "empty", "name the fields"},
		{roundtrip.List, q{OrderBy: "meta"}, "order_by", 1, "not_sortable", "no order"},
		{roundtrip.List, q{OrderBy: "likes, likes"}, "order_by", 8, "repeated", "twice"},
		{roundtrip.List, q{OrderBy: "likes,caption,rating,author,id"}, "order_by", 0, "too_many", "at most 4"},
		{roundtrip.List, q{PageSize: 201}, "page_size", 0, "out_of_range", "1 to 200"},
		{roundtrip.List, q{PageSize: -1}, "page_size", 0, "out_of_range", "1 to 200"},
		{roundtrip.List, q{Fields: []string{"captoin"}}, "fields", 0, "unknown_field", `did you mean "caption"?`},
		{roundtrip.List, q{Expand: []string{"athor"}}, "expand", 0, "unknown_ref", `did you mean "author"?`},
		{roundtrip.List, q{Expand: []string{"author.boss.boss.boss"}}, "expand", 0, "too_far", "more than 3 refs"},
		{roundtrip.List, q{PageToken: "abc"}, "page_token", 0, "bad_token", "unchanged"},
		{roundtrip.List, q{GroupBy: []string{"author"}}, "group_by", 0, "not_taken", "means nothing to a list"},
		{roundtrip.Get, q{Filter: "true"}, "filter", 0, "not_taken", "means nothing to a get"},
		{roundtrip.Aggregate, q{OrderBy: "likes"}, "order_by", 0, "not_taken", "means nothing"},
		{roundtrip.Aggregate, q{GroupBy: []string{"meta"}}, "group_by", 0, "type_mismatch", "can't be grouped by"},
		{roundtrip.Aggregate, q{GroupBy: []string{"athor"}}, "group_by", 0, "unknown_field", "author"},
		{roundtrip.Aggregate, q{Select: []string{"summ(likes)"}}, "select", 0, "unknown_function", `did you mean "sum"?`},
		{roundtrip.Aggregate, q{Select: []string{"sum(caption)"}}, "select", 0, "type_mismatch", "only numbers have a sum"},
		{roundtrip.Aggregate, q{Select: []string{"max(private)"}}, "select", 0, "type_mismatch", "has no max"},
		{roundtrip.Aggregate, q{Select: []string{"sum(likes"}}, "select", 0, "unknown_function", "none of"},
		{roundtrip.Aggregate, q{Select: []string{"caption"}}, "select", 0, "unknown_function", "select takes count and sum, avg, min or max of a field"},
		{roundtrip.Aggregate, q{Select: []string{"caption"}}, "select", 0, "unknown_function", "group_by=caption gives its values"},
		{roundtrip.Aggregate, q{Select: []string{"count(likes)"}}, "select", 0, "unknown_function", "count stands alone"},
		{roundtrip.Aggregate, q{Select: []string{"sum(captoin)"}}, "select", 0, "unknown_field", `did you mean "caption"?`},
		{roundtrip.List, q{OrderBy: "-likes"}, "order_by", 1, "bad_direction", "write likes desc, not"},
		{roundtrip.List, q{OrderBy: "caption, +likes"}, "order_by", 10, "bad_direction", "write likes, not"},
		{roundtrip.List, q{OrderBy: "-"}, "order_by", 1, "unknown_field", `photos has no field "-"`},
		{roundtrip.List, q{OrderBy: "author.handle"}, "order_by", 1, "not_sortable", "only the record's own fields can order"},
		{roundtrip.List, q{Fields: []string{"author.handle"}}, "fields", 0, "unknown_field", "expand=author answers with the whole record"},
		{roundtrip.Aggregate, q{Select: []string{"count", "count"}}, "select", 0, "repeated", "twice"},
	}
	for _, tt := range tests {
		t.Run(tt.parameter+" "+tt.message, func(t *testing.T) {
			t.Parallel()
			call := callOf(g.photos, tt.action)
			call.Query = tt.query
			_, err := e.Decide(call, g.person(1))
			got, ok := errors.AsType[*roundtrip.Error](err)
			if !ok || got.Kind != roundtrip.Invalid || len(got.Details) != 1 {
				t.Fatalf("got %v", err)
			}
			if want := tt.parameter == "page_size"; want != (got.Reason == "request.invalid") {
				t.Errorf("the reason is %s", got.Reason)
			}
			d := got.Details[0]
			if d.Parameter != tt.parameter || d.Column != tt.column || d.Code != tt.code || !strings.Contains(d.Message, tt.message) {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestPolicy_ReadsQueries(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	call := callOf(g.photos, roundtrip.List)
	call.Query = roundtrip.Query{
		Filter: "NOT likes < 3", Equal: []roundtrip.Equal{{Field: "caption", Value: "sun"}},
		OrderBy: "likes DESC, caption Asc", PageSize: 5, Fields: []string{"caption"},
		Expand: []string{"author.boss", "author"}, Count: true,
	}
	p, err := e.Decide(call, g.person(1))
	if err != nil {
		t.Fatal(err)
	}
	q := p.Query()
	likes, _ := g.photos.Lookup("likes")
	caption, _ := g.photos.Lookup("caption")
	if want := []policy.Order{{Field: likes, Desc: true}, {Field: caption}, {Field: roundtrip.FieldID}}; !reflect.DeepEqual(q.Order, want) {
		t.Errorf("order %v, want %v", q.Order, want)
	}
	if q.Size != 5 || !q.Count || !q.Fields[roundtrip.FieldID] || !q.Fields[caption] || q.Fields[likes] {
		t.Errorf("got %+v", q)
	}
	if len(q.Expand) != 1 || q.Expand[0].Name != "author" || q.Expand[0].Permit.Collection() != g.users ||
		len(q.Expand[0].Permit.Query().Expand) != 1 || q.Expand[0].Permit.Rule() != "users.read" {
		t.Errorf("expand %+v", q.Expand)
	}
	if !p.ReadsCounts() {
		t.Error("the filter looks at a count")
	}
	_, got, args := sqlOf(p, policy.Scalar)
	if want := ` AND (((r."likes" < ?) IS NOT TRUE) AND r."caption" = ?)`; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want …%s", got, want)
	}
	if last := args[len(args)-1]; last.Text() != "sun" {
		t.Errorf("args %v", args)
	}

	call = callOf(g.photos, roundtrip.Aggregate)
	call.Query = roundtrip.Query{GroupBy: []string{"author"}, Select: []string{"count", "sum(likes)", "max(create_time)"}}
	if p, err = e.Decide(call, nil); err != nil {
		t.Fatal(err)
	}
	want := []policy.Aggregate{
		{Func: policy.CountAll, Name: "count"},
		{Func: policy.Sum, Field: likes, Name: "sum_likes"},
		{Func: policy.Max, Field: roundtrip.FieldCreateTime, Name: "max_create_time"},
	}
	if got := p.Query().Aggregates; !reflect.DeepEqual(got, want) || p.Query().Size != 1000 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A filter must tell nothing that a read would not: what lies behind a ref is null where its read rule does not hold.
func TestPolicy_FilterSeesOnlyWhatIsReadable(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	ask := func(who *roundtrip.Principal, filter string) *policy.Permit {
		call := callOf(g.likes, roundtrip.List)
		call.Query.Filter = filter
		p, err := e.Decide(call, who)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	joins, got, _ := sqlOf(ask(nil, "photo.caption = 'secret' && photo.likes > 3"), policy.Joined)
	if want := ` LEFT JOIN "photos" AS j1 ON j1."id" = r."photo" AND ((j1."private") IS NOT TRUE)`; joins != want {
		t.Errorf("got %s, want %s", joins, want)
	}
	if want := `(j1."caption" = ? AND j1."likes" > ?)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, got, _ = sqlOf(ask(nil, "photos.exists(p, p.author = record.user && p.caption = 'secret')"), policy.Scalar)
	if want := `EXISTS (SELECT 1 FROM "photos" AS e1 WHERE ((e1."author" = r."user" AND e1."caption" = ?) AND ((e1."private") IS NOT TRUE)))`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	joins, _, _ = sqlOf(ask(nil, "user.handle = 'ana'"), policy.Joined)
	if want := ` LEFT JOIN "users" AS j1 ON j1."id" = r."user"`; joins != want {
		t.Errorf("what all may read needs no guard: %s", joins)
	}
}

func TestPolicy_PageTokensBelongToOneList(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	other, err := policy.New(g.schema, []byte("another key"))
	if err != nil {
		t.Fatal(err)
	}
	decide := func(e *policy.Engine, who *roundtrip.Principal, change func(*roundtrip.Query)) (*policy.Permit, error) {
		call := callOf(g.photos, roundtrip.List)
		call.Query = roundtrip.Query{Filter: "likes > 1", OrderBy: "rating, caption desc"}
		change(&call.Query)
		return e.Decide(call, who)
	}
	first, err := decide(e, g.person(1), func(*roundtrip.Query) {})
	if err != nil {
		t.Fatal(err)
	}
	last := []roundtrip.Value{roundtrip.Float(1.5), {}, roundtrip.Ref(42)}
	token := first.Query().Token(last)
	next, err := decide(e, g.person(1), func(q *roundtrip.Query) { q.PageToken, q.PageSize = token, 7 })
	if err != nil || !reflect.DeepEqual(next.Query().After, last) {
		t.Fatalf("got %v, %v", next, err)
	}
	edited := []byte(token)
	edited[5] ^= 1
	for name, ask := range map[string]func() (*policy.Permit, error){
		"edited": func() (*policy.Permit, error) {
			return decide(e, g.person(1), func(q *roundtrip.Query) { q.PageToken = string(edited) })
		},
		"another key": func() (*policy.Permit, error) {
			return decide(other, g.person(1), func(q *roundtrip.Query) { q.PageToken = token })
		},
		"another": func() (*policy.Permit, error) {
			return decide(e, g.person(2), func(q *roundtrip.Query) { q.PageToken = token })
		},
		"a stranger": func() (*policy.Permit, error) {
			return decide(e, nil, func(q *roundtrip.Query) { q.PageToken = token })
		},
		"other filter": func() (*policy.Permit, error) {
			return decide(e, g.person(1), func(q *roundtrip.Query) { q.PageToken, q.Filter = token, "likes > 2" })
		},
		"other order": func() (*policy.Permit, error) {
			return decide(e, g.person(1), func(q *roundtrip.Query) { q.PageToken, q.OrderBy = token, "rating, caption" })
		},
		"an equal more": func() (*policy.Permit, error) {
			return decide(e, g.person(1), func(q *roundtrip.Query) {
				q.PageToken, q.Equal = token, []roundtrip.Equal{{Field: "caption", Value: "a"}}
			})
		},
		"cut": func() (*policy.Permit, error) {
			return decide(e, g.person(1), func(q *roundtrip.Query) { q.PageToken = token[:len(token)-1] })
		},
		"longer": func() (*policy.Permit, error) {
			return decide(e, g.person(1), func(q *roundtrip.Query) { q.PageToken = token + "AA" })
		},
	} {
		_, err := ask()
		if got, ok := errors.AsType[*roundtrip.Error](err); !ok || got.Reason != "request.page_token" || got.HTTPStatus() != 400 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPolicy_BatchErrorsPointAtTheirWrite(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	batch := &roundtrip.Call{Action: roundtrip.Batch, Ops: []roundtrip.Call{
		*callOf(g.likes, roundtrip.Create), *callOf(g.users, roundtrip.Delete),
	}}
	_, err := e.Decide(batch, g.person(1))
	got, ok := errors.AsType[*roundtrip.Error](err)
	if !ok || got.Reason != "access.no_rule" || len(got.Details) != 1 || got.Details[0].Pointer != "/ops/1" {
		t.Fatalf("got %v", err)
	}
	batch.Ops = batch.Ops[:1]
	p, err := e.Decide(batch, g.person(1))
	if err != nil || len(p.Ops()) != 1 || p.Ops()[0].Rule() != "likes.create" {
		t.Fatalf("got %v, %v", p, err)
	}
}

func TestPolicy_InputOfAnUpdate(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.photos.Rules[roundtrip.Update] = roundtrip.Rule{Source: "!has(input.rating) && input.caption != 'no'"}
	g.users.Rules[roundtrip.Update] = roundtrip.Rule{Source: "input.score <= 100 || !has(input.score)"}
	e := g.engine(t)
	rating, _ := g.photos.Lookup("rating")
	score, _ := g.users.Lookup("score")
	update := func(c *roundtrip.Collection, change func(*roundtrip.Call)) error {
		call := callOf(c, roundtrip.Update)
		call.Input = roundtrip.NewRecord(c)
		change(call)
		_, err := e.Decide(call, g.person(1))
		return err
	}
	if err := update(g.photos, func(*roundtrip.Call) {}); err != nil {
		t.Errorf("nothing given: %v", err)
	}
	if err := update(g.photos, func(c *roundtrip.Call) { c.Input.Put(rating, roundtrip.Value{}) }); err == nil {
		t.Error("null given is given")
	}
	if err := update(g.photos, func(c *roundtrip.Call) { c.Adds = []roundtrip.Add{{Field: rating, By: roundtrip.Int(1)}} }); err == nil {
		t.Error("what is added to is given")
	}
	err := update(g.users, func(c *roundtrip.Call) { c.Adds = []roundtrip.Add{{Field: score, By: roundtrip.Int(1)}} })
	if got := roundtrip.AsError(err); got.Kind != roundtrip.Invalid || got.Details[0].Pointer != "/score" {
		t.Errorf("a rule that looks at the new value can't be asked before it is known: %v", err)
	}
	if err := update(g.users, func(c *roundtrip.Call) { c.Input.Put(score, roundtrip.Int(101)) }); err == nil {
		t.Error("101 is over 100")
	}
}

func TestPolicy_JobsNeedAReason(t *testing.T) {
	t.Parallel()
	g := newGallery()
	e := g.engine(t)
	if _, err := e.Job(callOf(g.users, roundtrip.Delete), ""); err == nil {
		t.Error("a job without reason was permitted")
	}
	call := callOf(g.comments, roundtrip.List)
	call.Query.Filter = "photo.caption = 'x'"
	p, err := e.Job(call, "nightly clean-up")
	if err != nil {
		t.Fatal(err)
	}
	joins, _, _ := sqlOf(p, policy.Joined)
	if p.Rule() != "job" || p.Job() != "nightly clean-up" || joins != ` LEFT JOIN "photos" AS j1 ON j1."id" = r."photo"` {
		t.Errorf("got %s %q %s", p.Rule(), p.Job(), joins)
	}
}
