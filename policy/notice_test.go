package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// notice declares one notification on comments of the test gallery.
func notice(change func(*roundtrip.Notice)) *roundtrip.Schema {
	schema := newGallery().schema
	n := &roundtrip.Notice{
		Name: "commented", When: []roundtrip.Trigger{{Collection: schema.Lookup("comments"), Action: roundtrip.Create}},
		To: roundtrip.Rule{Source: "record.photo.author"}, Text: roundtrip.Rule{Source: "{actors} commented"},
		Within: time.Hour, Keep: time.Hour, Channels: []roundtrip.Channel{roundtrip.ChannelInbox},
	}
	change(n)
	schema.Notices = []*roundtrip.Notice{n}
	return schema
}

func TestNotices_ExplainsMistakes(t *testing.T) {
	t.Parallel()
	type part = func(*roundtrip.Notice, roundtrip.Rule)
	to := func(n *roundtrip.Notice, r roundtrip.Rule) { n.To = r }
	unless := func(n *roundtrip.Notice, r roundtrip.Rule) { n.Unless = r }
	group := func(n *roundtrip.Notice, r roundtrip.Rule) { n.Group = r }
	text := func(n *roundtrip.Notice, r roundtrip.Rule) { n.Text = r }
	for source, c := range map[string]struct {
		put    part
		column int
		want   string
	}{
		"record.phto.author":                        {to, 8, `comments has no field "phto"; did you mean "photo"?`},
		"record.photo":                              {to, 8, "this must name an account, and it is photo, an id of photos; expected a ref to users"},
		"record.text":                               {to, 8, "this must name an account, and it is text, a text"},
		"auth.id":                                   {to, 1, "auth is not known here"},
		"photo.author":                              {to, 1, `nothing is called "photo"; did you mean "record.photo"?`},
		"record.photo.author.name.x":                {to, 21, "name, a text is no ref, it has no members"},
		"record.author == auth.id":                  {unless, 18, "auth is not known here"},
		"record.text  ":                             {unless, 8, "yes or no is needed here"},
		"readable(record.photo)":                    {unless, 1, "a notification has none"},
		"record.create_time < now":                  {unless, 22, "now is not known here"},
		"record.photo.meta":                         {group, 14, "events can't be gathered by meta, json"},
		"'all'":                                     {group, 1, "events can't be gathered by a text"},
		"{actor} commented":                         {text, 2, "did you mean {actors}?"},
		"{actors} commented: {record.txt}":          {text, 29, `comments has no field "txt"; did you mean "text"?`},
		"{actors} commented: {record.text":          {text, 21, "this bracket is not closed"},
		"{actors} commented on {record.photo.meta}": {text, 37, "meta, json can't stand in a text"},
		"{actors} and {record.text == 'x'}":         {text, 27, "a bool can't stand in a text"},
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			schema := notice(func(n *roundtrip.Notice) {
				c.put(n, roundtrip.Rule{Source: source, Pos: roundtrip.Pos{Line: 3, Column: 1}})
			})
			_, err := policy.New(schema, make([]byte, 32))
			wrong, ok := errors.AsType[*policy.RuleErrors](err)
			if !ok || len(wrong.List) != 1 {
				t.Fatalf("got %v", err)
			}
			if got := wrong.List[0]; !strings.Contains(got.Message, c.want) || got.Pos.Column != c.column {
				t.Fatalf("column %d: %s, want column %d: %s", got.Pos.Column, got.Message, c.column, c.want)
			}
		})
	}
}

func TestNotices_RecordAloneSaysIt(t *testing.T) {
	t.Parallel()
	schema := notice(func(n *roundtrip.Notice) {
		n.To = roundtrip.Rule{Source: "record.author"}
		n.Unless = roundtrip.Rule{Source: "record.text == 'hush'"}
		n.Group = roundtrip.Rule{Source: "record.photo"}
		n.Text = roundtrip.Rule{Source: "{{{actors}} {record.text} of {record.create_time}"}
	})
	all, err := policy.Notices(schema)
	if err != nil || len(all) != 1 || !all[0].Local() {
		t.Fatal(all, err)
	}
	r := roundtrip.NewRecord(schema.Lookup("comments"))
	r.Put(roundtrip.FieldCreateTime, roundtrip.Time(time.Unix(0, 0)))
	r.PutName("author", roundtrip.Ref(7))
	r.PutName("photo", roundtrip.Ref(9))
	r.PutName("text", roundtrip.Text("how\n\tnice"))
	e := all[0].EventOf(r)
	if e.To != 7 || e.Group.ID() != 9 || e.By != 7 {
		t.Fatalf("%+v", e)
	}
	if got, want := policy.NewText(all[0].Declared).Fill("ana", e.Data), "{ana} how nice of 1970-01-01T00:00:00Z"; got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	r.PutName("text", roundtrip.Text("hush"))
	if e := all[0].EventOf(r); e.To != 0 {
		t.Fatalf("%+v", e)
	}
}

// Who created a record did that, and need not be who changes or deletes it.
func TestNotices_SayWhoDidIt(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]struct {
		record                 bool // whether the record says it for a new one
		create, update, remove bool // whether the caller did it
	}{
		"":              {record: true, create: false, update: true, remove: true},
		"caller":        {record: false, create: true, update: true, remove: true},
		"record.author": {record: true},
	} {
		schema := notice(func(n *roundtrip.Notice) {
			n.To, n.By = roundtrip.Rule{Source: "record.author"}, roundtrip.Rule{Source: by}
		})
		all, err := policy.Notices(schema)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		got := want
		got.create, got.update, got.remove = all[0].FromCaller(roundtrip.Create), all[0].FromCaller(roundtrip.Update), all[0].FromCaller(roundtrip.Delete)
		r := roundtrip.NewRecord(schema.Lookup("comments"))
		r.PutName("author", roundtrip.Ref(7))
		if got.record = all[0].EventOf(r).By == 7; got != want {
			t.Errorf("by: %q is %+v, want %+v", by, got, want)
		}
	}
}

// Whoever is called, or writes, what turns the direction of a sentence around does not turn ours.
func TestText_IsNotRewrittenByWhatItShows(t *testing.T) {
	t.Parallel()
	text := policy.NewText(&roundtrip.Notice{Text: roundtrip.Rule{Source: "{actors}: {record.text} on your photo"}})
	got := text.Fill("bo\u202e\u2066\x1b[31m", []string{"\u202dשלום\u200f 👩\u200d👧\x07\u0085"})
	if want := "bo[31m: שלום\u200f 👩\u200d👧 on your photo"; got != want {
		t.Fatalf("%q, want %q", got, want)
	}
}
