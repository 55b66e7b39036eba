package policy_test

import (
	"errors"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// FuzzFilter gives any text as a filter: it is permitted and makes SQL in both forms, or it is refused as the caller's
// mistake.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`author.handle = "ana" AND likes > 10`, "NOT private OR has(caption)", `caption.startsWith("a") && size(caption) in [1, 2]`,
		"follows.exists(f, f.follower == auth.id && readable(record.author))", `create_time > now - duration("24h")`,
		`'\u00e9\x41' != caption`, "-9223372036854775808 == likes", "((((", "a.b.c.d.e", "1e999", `"`, "\x00", "rating < 1.5 || rating == 9007199254740993",
	} {
		f.Add(s)
	}
	g := newGallery()
	e := g.engine(f)
	who := g.person(1, "moderator")
	row := roundtrip.NewRecord(g.photos)
	f.Fuzz(func(t *testing.T, filter string) {
		call := callOf(g.photos, roundtrip.List)
		call.Query.Filter = filter
		p, err := e.Decide(call, who)
		if err != nil {
			refused(t, err, "request.filter")
			return
		}
		sqlOf(p, policy.Scalar)
		sqlOf(p, policy.Joined)
		p.Check(row)
	})
}

// FuzzPageToken gives any text as a page token: none is taken that was not made for this list.
func FuzzPageToken(f *testing.F) {
	g := newGallery()
	e := g.engine(f)
	call := callOf(g.photos, roundtrip.List)
	first, err := e.Decide(call, g.person(1))
	if err != nil {
		f.Fatal(err)
	}
	token := first.Query().Token([]roundtrip.Value{roundtrip.Ref(7)})
	f.Add(token)
	f.Add(token[:10])
	f.Add(token[:10] + "\r" + token[10:])
	f.Add("")
	f.Add("AQAA")
	f.Fuzz(func(t *testing.T, s string) {
		again := callOf(g.photos, roundtrip.List)
		again.Query.PageToken = s
		p, err := e.Decide(again, g.person(1))
		switch {
		case err != nil:
			refused(t, err, "request.page_token")
		case s != "" && s != token:
			t.Errorf("%q was taken as %v", s, p.Query().After)
		}
	})
}

// FuzzQuery gives any text as the other parts of a query.
func FuzzQuery(f *testing.F) {
	f.Add("likes desc, caption", "author", "author.boss", "sum(likes)", "caption", "sun")
	f.Add("", "", "", "", "", "")
	g := newGallery()
	e := g.engine(f)
	f.Fuzz(func(t *testing.T, order, field, expand, choose, name, value string) {
		list := callOf(g.photos, roundtrip.List)
		list.Query = roundtrip.Query{OrderBy: order, Fields: []string{field}, Expand: []string{expand}, Equal: []roundtrip.Equal{{Field: name, Value: value}}}
		if _, err := e.Decide(list, nil); err != nil {
			refused(t, err, "request.filter")
		}
		aggregate := callOf(g.photos, roundtrip.Aggregate)
		aggregate.Query = roundtrip.Query{GroupBy: []string{field}, Select: []string{choose}}
		if _, err := e.Decide(aggregate, nil); err != nil {
			refused(t, err, "request.filter")
		}
	})
}

func refused(t *testing.T, err error, reason string) {
	t.Helper()
	e, ok := errors.AsType[*roundtrip.Error](err)
	if !ok || e.Kind != roundtrip.Invalid || e.Reason != reason || len(e.Details) == 0 {
		t.Errorf("got %v", err)
	}
}
