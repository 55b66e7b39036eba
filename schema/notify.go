package schema

import (
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// notices joins the declared notifications to the collections whose writes cause them. What their expressions say is
// judged by package policy.
func (b *builder) notices() {
	if len(b.config.Notices) > 0 && b.config.Identity.Accounts == "" {
		b.problems.Add(b.config.Notices[0].Pos, "a notification needs somebody to tell, and there are no accounts").
			Expect("identity: with accounts: and the name of a collection")
		return
	}
	for i := range b.config.Notices {
		source := &b.config.Notices[i]
		n := &roundtrip.Notice{
			Name: source.Name, Pos: source.Pos, Within: source.Within, Keep: source.Keep,
			To: expression(source.To), By: expression(source.By), Unless: expression(source.Unless),
			Group: expression(source.Group), Text: expression(source.Text),
		}
		for _, when := range source.When {
			b.trigger(n, when)
		}
		for _, c := range source.Channels {
			n.Channels = append(n.Channels, roundtrip.Channel(c))
		}
		b.schema.Notices = append(b.schema.Notices, n)
	}
}

func expression(n config.Name) roundtrip.Rule { return roundtrip.Rule{Source: n.Text, Pos: n.Pos} }

// happenings are what can happen to a record, as a declaration says it.
func happenings() []string { return []string{"created", "updated", "deleted"} }

// trigger reads likes.created.
func (b *builder) trigger(n *roundtrip.Notice, when config.Name) {
	if c, action := b.happening(when); c != nil {
		n.When = append(n.When, roundtrip.Trigger{Collection: c, Action: action, Pos: when.Pos})
	}
}

// happening reads what happens to the records of a collection, such as likes.created. Where that is wrong the collection is
// nil, and it has been said why.
func (b *builder) happening(when config.Name) (*roundtrip.Collection, roundtrip.Action) {
	collection, what, dotted := strings.Cut(when.Text, ".")
	c := b.schema.Lookup(collection)
	switch {
	case c == nil && b.misnamed(collection):
		return nil, 0
	case c == nil:
		b.problems.Add(when.Pos, "there is no collection %q", collection).
			Expect("%s, with .created, .updated or .deleted behind it", oneOf(b.schema.Names())).Near(collection, b.schema.Names())
		return nil, 0
	case !dotted:
		b.problems.Add(when.Pos, "%q does not say what happens to a record of %s", when.Text, collection).
			Expect("%[1]s.created, %[1]s.updated or %[1]s.deleted", collection)
		return nil, 0
	}
	at := slices.Index(happenings(), what)
	if at < 0 {
		b.problems.Add(when.Pos, "nothing that happens to a record is called %q", what).
			Expect("%[1]s.created, %[1]s.updated or %[1]s.deleted", collection).Near(what, happenings())
		return nil, 0
	}
	return c, roundtrip.Create + roundtrip.Action(at)
}
