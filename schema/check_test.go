package schema_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
)

// everything is a declaration with every type of field.
const everything = `
name: app
identity: { accounts: users }
collections:
  users:
    fields:
      email: { type: email, required: true, unique: true }
  things:
    fields:
      text: { type: text, min: 2, max: 5, match: '[a-zé]+' }
      long: { type: text }
      int: { type: int, min: -3, max: 9007199254740993 }
      float: { type: float, min: 0.5, max: 1.5 }
      bool: { type: bool }
      time: { type: time }
      made: { type: time, default: now, immutable: true }
      json: { type: json, max: 10B }
      owner: { type: ref, to: users, default: auth.id, required: true }
      file: { type: file, accept: [image/*, application/pdf], max: 1kB }
      state: { type: select, options: [draft, published], default: draft, required: true }
      email: { type: email }
      url: { type: url }
      replies: { type: count, of: things.parent }
      parent: { type: ref, to: things }
      plain: { type: int, default: 7 }
      kept: { type: int, immutable: true }
`

func build(t *testing.T, source string) *schema.Schema {
	t.Helper()
	c, err := config.Parse("roundtrip.yaml", []byte(source), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ana() *roundtrip.Principal { return &roundtrip.Principal{ID: 77} }

// create is a call that creates a thing with some fields.
func create(s *schema.Schema, fields map[string]roundtrip.Value) *roundtrip.Call {
	c := s.Lookup("things")
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: c, Input: roundtrip.NewRecord(c), Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for name, v := range fields {
		if !call.Input.PutName(name, v) {
			panic(name)
		}
	}
	return call
}

// wrong returns the details of an error as "pointer code".
func wrong(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*roundtrip.Error](err)
	if !ok || e.Kind != roundtrip.Invalid || e.Reason != "schema.invalid" {
		t.Fatalf("the error is %#v", err)
	}
	var out []string
	for _, d := range e.Details {
		if d.Message == "" {
			t.Errorf("%s %s has no sentence", d.Pointer, d.Code)
		}
		out = append(out, d.Pointer+" "+d.Code)
	}
	return out
}

func TestCheck_FillsInDefaults(t *testing.T) {
	t.Parallel()
	s := build(t, everything)
	call := create(s, nil)
	if err := s.Check(call, ana()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]roundtrip.Value{
		"owner": roundtrip.Ref(77), "made": roundtrip.Time(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), "state": roundtrip.Text("draft"),
		"plain": roundtrip.Int(7), "bool": {}, "text": {}, "id": {}, "create_time": {},
	} {
		if got := call.Input.Get(name); !got.Equal(want) {
			t.Errorf("%s is %s, want %s", name, got.AppendJSON(nil), want.AppendJSON(nil))
		}
	}
	given := create(s, map[string]roundtrip.Value{"plain": {}, "owner": roundtrip.Ref(5)})
	if err := s.Check(given, ana()); err != nil {
		t.Fatal(err)
	}
	if !given.Input.Get("plain").IsNull() || given.Input.Get("owner").ID() != 5 {
		t.Error("a given value was replaced by its default")
	}
}

func TestCheck_StrangersHaveNoDefaultAccount(t *testing.T) {
	t.Parallel()
	s := build(t, everything)
	for _, who := range []*roundtrip.Principal{nil, {}} {
		if diff := cmp.Diff([]string{"/owner required"}, wrong(t, s.Check(create(s, nil), who))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCheck_JudgesValues(t *testing.T) {
	t.Parallel()
	s := build(t, everything)
	text, number := roundtrip.Text, roundtrip.Int
	for _, c := range []struct {
		field string
		value roundtrip.Value
		want  string
	}{
		{"text", text("abc"), ""},
		{"text", text("é"), "too_short"},
		{"text", text("éééééé"), "too_long"},
		{"text", text("ab1"), "no_match"},
		{"text", text("ab\n"), "no_match"},
		{"text", text("a\x00b"), "bad_text"},
		{"text", number(1), "wrong_type"},
		{"long", text(strings.Repeat("x", 10_000)), ""},
		{"long", text(strings.Repeat("x", 10_001)), "too_long"},
		{"long", text("\xff"), "bad_text"},
		{"int", number(-3), ""},
		{"int", number(-4), "out_of_range"},
		{"int", number(9007199254740993), ""},
		{"int", number(9007199254740994), "out_of_range"},
		{"int", roundtrip.Float(1), "wrong_type"},
		{"float", number(1), ""},
		{"float", roundtrip.Float(0.4), "out_of_range"},
		{"float", roundtrip.Float(1.6), "out_of_range"},
		{"float", roundtrip.Float(math.NaN()), "out_of_range"},
		{"bool", text("true"), "wrong_type"},
		{"time", roundtrip.Micros(0), ""},
		{"time", roundtrip.Micros(math.MaxInt64), "out_of_range"},
		{"time", roundtrip.Micros(math.MinInt64), "out_of_range"},
		{"json", roundtrip.JSON(`{"a":1}`), ""},
		{"json", roundtrip.JSON(`{"a":10000}`), "too_long"},
		{"owner", roundtrip.Value{}, "required"},
		{"parent", roundtrip.Value{}, ""},
		{"parent", text("x"), "wrong_type"},
		{"state", text("published"), ""},
		{"state", text("Published"), "not_an_option"},
		{"replies", number(3), "read_only"},
		{"email", text("ana@example.com"), ""},
		{"email", text("Ana <ana@example.com>"), "bad_email"},
		{"email", text("ana"), "bad_email"},
		{"email", text("ana@example.com\n"), "bad_email"},
		{"email", text(strings.Repeat("a", 250) + "@example.com"), "bad_email"},
		{"url", text("https://example.com/a?b#c"), ""},
		{"url", text("javascript:alert(1)"), "bad_url"},
		{"url", text("//example.com"), "bad_url"},
		{"url", text("https://"), "bad_url"},
		{"url", text("https://exa mple.com"), "bad_url"},
		{"url", text("https://example.com/" + strings.Repeat("a", 3000)), "too_long"},
		{"file", roundtrip.JSON(`{"id":"x","type":"image/png","size":1000}`), ""},
		{"file", roundtrip.JSON(`{"id":"x","type":"application/pdf; a=b","size":1}`), ""},
		{"file", roundtrip.JSON(`{"id":"x","type":"image/png","size":1001}`), "too_large"},
		{"file", roundtrip.JSON(`{"id":"x","type":"text/html","size":1}`), "not_accepted"},
		{"file", roundtrip.JSON(`{"type":"image/png"}`), "wrong_type"},
		{"file", roundtrip.JSON(`[]`), "wrong_type"},
		{"id", at(2026, 0), ""}, // the call is of 2026
		{"id", at(2025, time.Hour), ""},
		{"id", at(2026, time.Second), ""},
		{"id", at(2026, time.Second+time.Millisecond), "out_of_range"},
		{"id", roundtrip.Ref(1<<63 - 1), "out_of_range"},
		{"id", roundtrip.Value{}, "wrong_type"},
		{"id", number(9), "wrong_type"},
		{"create_time", roundtrip.Micros(1), "read_only"},
		{"etag", number(1), "read_only"},
	} {
		var want []string
		if c.want != "" {
			want = []string{"/" + c.field + " " + c.want}
		}
		err := s.Check(create(s, map[string]roundtrip.Value{c.field: c.value}), ana())
		if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
			t.Errorf("%s = %.60s: %s", c.field, c.value.AppendJSON(nil), diff)
		}
	}
}

// at is the id of a moment after the beginning of a year.
func at(year int, after time.Duration) roundtrip.Value {
	moment := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Add(after)
	return roundtrip.Ref(roundtrip.NewIDs(0, func() time.Time { return moment }).Next())
}

func TestCheck_KeepsAddressesInLowerCase(t *testing.T) {
	t.Parallel()
	s := build(t, everything)
	call := create(s, map[string]roundtrip.Value{"email": roundtrip.Text("Ana@Example.COM")})
	if err := s.Check(call, ana()); err != nil {
		t.Fatal(err)
	}
	if got := call.Input.Get("email").Text(); got != "ana@example.com" {
		t.Errorf("the address is %q", got)
	}
}

func TestCheck_TellsEverythingAtOnceAndTheDoorsFindingsFirst(t *testing.T) {
	t.Parallel()
	s := build(t, everything)
	call := create(s, map[string]roundtrip.Value{
		"state": roundtrip.Text("gone"), "int": roundtrip.Int(-100), "etag": roundtrip.Int(1),
	})
	call.Wrong = []roundtrip.Detail{{Pointer: "/owner", Code: "wrong_type", Message: "an id has 13 characters"}}
	err := s.Check(call, nil)
	want := []string{"/owner wrong_type", "/etag read_only", "/int out_of_range", "/state not_an_option"}
	if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
		t.Error(diff)
	}
	if len(call.Wrong) != 1 {
		t.Error("the door's own list has grown")
	}
}

func TestCheck_JudgesUpdates(t *testing.T) {
	t.Parallel()
	s := build(t, everything)
	c := s.Lookup("things")
	field := func(name string) int { i, _ := c.Lookup(name); return i }
	call := &roundtrip.Call{Action: roundtrip.Update, Collection: c, ID: 1, Input: roundtrip.NewRecord(c)}
	if err := s.Check(call, ana()); err != nil {
		t.Errorf("an update of nothing: %v", err)
	}
	if call.Input.Set[field("state")] || call.Input.Set[field("owner")] {
		t.Error("an update got defaults")
	}
	call.Input.PutName("id", roundtrip.Ref(2))
	call.Input.PutName("made", roundtrip.Micros(5))
	call.Input.PutName("state", roundtrip.Value{})
	call.Input.PutName("text", roundtrip.Value{})
	call.Input.PutName("plain", roundtrip.Int(2))
	for name, by := range map[string]roundtrip.Value{"plain": roundtrip.Int(1)} {
		call.Adds = append(call.Adds, roundtrip.Add{Field: field(name), By: by})
	}
	call.Adds = append(call.Adds,
		roundtrip.Add{Field: field("replies"), By: roundtrip.Int(1)},
		roundtrip.Add{Field: field("etag"), By: roundtrip.Int(1)},
		roundtrip.Add{Field: field("kept"), By: roundtrip.Int(1)},
		roundtrip.Add{Field: field("long"), By: roundtrip.Int(1)},
		roundtrip.Add{Field: field("int"), By: roundtrip.Float(0.5)},
		roundtrip.Add{Field: field("float"), By: roundtrip.Float(math.Inf(1))},
	)
	want := []string{
		"/id immutable", "/made immutable", "/state required",
		"/plain twice", "/replies read_only", "/etag read_only", "/kept immutable", "/long wrong_type", "/int wrong_type", "/float out_of_range",
	}
	if diff := cmp.Diff(want, wrong(t, s.Check(call, ana()))); diff != "" {
		t.Error(diff)
	}
	adds := &roundtrip.Call{Action: roundtrip.Update, Collection: c, ID: 1, Adds: []roundtrip.Add{
		{Field: field("plain"), By: roundtrip.Int(-1)}, {Field: field("float"), By: roundtrip.Int(1)},
	}}
	if err := s.Check(adds, ana()); err != nil {
		t.Errorf("additions: %v", err)
	}
}

func TestCheck_LetsOtherActionsPass(t *testing.T) {
	t.Parallel()
	s := build(t, everything)
	for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.List, roundtrip.Delete, roundtrip.Batch} {
		if err := s.Check(&roundtrip.Call{Action: a}, nil); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestCheck_RefusesACollectionOfAnotherSchema(t *testing.T) {
	t.Parallel()
	call := create(build(t, everything), nil)
	if err := build(t, everything).Check(call, ana()); err == nil {
		t.Error("it passed")
	}
}

func BenchmarkCheck_Create(b *testing.B) {
	c, err := config.Load("../examples/gallery", noEnv)
	if err != nil {
		b.Fatal(err)
	}
	s, err := schema.Build(c)
	if err != nil {
		b.Fatal(err)
	}
	comments := s.Lookup("comments")
	input := roundtrip.NewRecord(comments)
	input.PutName("photo", roundtrip.Ref(5))
	input.PutName("text", roundtrip.Text("what a picture"))
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: comments, Input: input}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Check(call, ana()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCheck_AnEmptyTextIsNoValue(t *testing.T) {
	t.Parallel()
	s := build(t, `
name: app
collections:
  notes:
    fields:
      text: { type: text, required: true }
      short: { type: text, min: 1 }
      mail: { type: email, required: true }
      link: { type: url, required: true }
      kind: { type: select, options: [a, b], required: true }
      free: { type: text }
`)
	c := s.Lookup("notes")
	for _, action := range []roundtrip.Action{roundtrip.Create, roundtrip.Update} {
		call := &roundtrip.Call{Action: action, Collection: c, ID: 1, Input: roundtrip.NewRecord(c)}
		for _, f := range c.Fields[roundtrip.FirstField:] {
			call.Input.PutName(f.Name, roundtrip.Text(""))
		}
		err := s.Check(call, ana())
		want := []string{"/text required", "/short too_short", "/mail required", "/link required", "/kind required"}
		if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
			t.Error(diff)
		}
		details := roundtrip.AsError(err).Details
		if details[0].Message != "text is required and can't be empty" || details[1].Message != "short has at least 1 character; this one has 0" {
			t.Errorf("got %v", details)
		}
	}
}
