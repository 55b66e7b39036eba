package policy_test

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// gallery is the declaration that most tests speak of, with the rules of the example.
type gallery struct {
	schema                                 *roundtrip.Schema
	users, photos, likes, comments, follow *roundtrip.Collection
}

func newGallery() *gallery {
	at := func(line int) roundtrip.Pos { return roundtrip.Pos{File: "roundtrip.yaml", Line: line, Column: 15} }
	rule := func(line int, source string) roundtrip.Rule { return roundtrip.Rule{Source: source, Pos: at(line)} }
	g := &gallery{
		users:    roundtrip.NewCollection("users", at(10)),
		photos:   roundtrip.NewCollection("photos", at(20)),
		likes:    roundtrip.NewCollection("likes", at(30)),
		comments: roundtrip.NewCollection("comments", at(40)),
		follow:   roundtrip.NewCollection("follows", at(50)),
	}
	add := func(c *roundtrip.Collection, f roundtrip.Field) { c.Add(&f) }
	me := roundtrip.Default{Source: roundtrip.DefaultAuthID}

	g.users.Accounts = true
	add(g.users, roundtrip.Field{Name: "handle", Type: roundtrip.TypeText, Required: true, Unique: true})
	add(g.users, roundtrip.Field{Name: "name", Type: roundtrip.TypeText})
	add(g.users, roundtrip.Field{Name: "level", Type: roundtrip.TypeSelect, Options: []string{"basic", "gold"}})
	add(g.users, roundtrip.Field{Name: "score", Type: roundtrip.TypeInt})
	add(g.users, roundtrip.Field{Name: "boss", Type: roundtrip.TypeRef, To: g.users})
	g.users.Rules[roundtrip.Get] = rule(11, "true")
	g.users.Rules[roundtrip.Update] = rule(12, "auth.id == record.id")

	add(g.photos, roundtrip.Field{Name: "author", Type: roundtrip.TypeRef, To: g.users, Default: me})
	add(g.photos, roundtrip.Field{Name: "image", Type: roundtrip.TypeFile, Required: true})
	add(g.photos, roundtrip.Field{Name: "caption", Type: roundtrip.TypeText})
	add(g.photos, roundtrip.Field{Name: "private", Type: roundtrip.TypeBool, Default: roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Bool(false)}})
	add(g.photos, roundtrip.Field{Name: "likes", Type: roundtrip.TypeCount, To: g.likes})
	add(g.photos, roundtrip.Field{Name: "rating", Type: roundtrip.TypeFloat})
	add(g.photos, roundtrip.Field{Name: "meta", Type: roundtrip.TypeJSON})
	g.photos.Indexes = []roundtrip.Index{{Fields: []int{4, roundtrip.FieldCreateTime}}}
	g.photos.Rules[roundtrip.Get] = rule(21, "!record.private || auth.id == record.author || follows.exists(f, f.follower == auth.id && f.followee == record.author)")
	g.photos.Rules[roundtrip.Create] = rule(22, "auth.id == record.author")
	g.photos.Rules[roundtrip.Update] = rule(23, "auth.id == record.author")
	g.photos.Rules[roundtrip.Delete] = rule(24, `auth.id == record.author || "moderator" in auth.roles`)

	add(g.likes, roundtrip.Field{Name: "user", Type: roundtrip.TypeRef, To: g.users, Default: me})
	add(g.likes, roundtrip.Field{Name: "photo", Type: roundtrip.TypeRef, To: g.photos, Required: true})
	g.likes.Indexes = []roundtrip.Index{{Fields: []int{4, 5}, Unique: true}}
	g.likes.Rules[roundtrip.Get] = rule(31, "true")
	g.likes.Rules[roundtrip.Create] = rule(32, "auth.id == record.user && readable(record.photo)")
	g.likes.Rules[roundtrip.Delete] = rule(33, "auth.id == record.user")

	add(g.comments, roundtrip.Field{Name: "author", Type: roundtrip.TypeRef, To: g.users, Default: me})
	add(g.comments, roundtrip.Field{Name: "photo", Type: roundtrip.TypeRef, To: g.photos, Required: true})
	add(g.comments, roundtrip.Field{Name: "text", Type: roundtrip.TypeText, Required: true})
	g.comments.Rules[roundtrip.Get] = rule(41, "readable(record.photo)")
	g.comments.Rules[roundtrip.Create] = rule(42, "auth.id == record.author && readable(record.photo)")
	g.comments.Rules[roundtrip.Delete] = rule(43, "auth.id == record.author || auth.id == record.photo.author")

	add(g.follow, roundtrip.Field{Name: "follower", Type: roundtrip.TypeRef, To: g.users, Default: me})
	add(g.follow, roundtrip.Field{Name: "followee", Type: roundtrip.TypeRef, To: g.users, Required: true})
	g.follow.Indexes = []roundtrip.Index{{Fields: []int{4, 5}, Unique: true}}
	g.follow.Rules[roundtrip.Get] = rule(51, "true")
	g.follow.Rules[roundtrip.Create] = rule(52, "auth.id == record.follower && record.follower != record.followee")
	g.schema = roundtrip.NewSchema("gallery", g.users, g.photos, g.likes, g.comments, g.follow)
	g.schema.Roles = []string{"moderator", "staff"}
	return g
}

func (g *gallery) engine(tb testing.TB) *policy.Engine {
	tb.Helper()
	e, err := policy.New(g.schema, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// person makes an account with an id.
func (g *gallery) person(id roundtrip.ID, roles ...string) *roundtrip.Principal {
	r := roundtrip.NewRecord(g.users)
	r.Put(roundtrip.FieldID, roundtrip.Ref(id))
	r.PutName("handle", roundtrip.Text("ana"))
	return &roundtrip.Principal{ID: id, Account: r, Roles: roles}
}

func callOf(c *roundtrip.Collection, a roundtrip.Action) *roundtrip.Call {
	return &roundtrip.Call{Action: a, Collection: c, ID: 7, Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
}

// sqlOf returns the condition of a permit as text.
func sqlOf(p *policy.Permit, form policy.Form) (joins, condition string, args []roundtrip.Value) {
	b := policy.SQL{Dialect: policy.SQLite}
	if form == policy.Joined {
		p.AppendJoins(&b)
		joins = string(b.Text)
		b.Text = b.Text[:0]
	}
	p.AppendCondition(&b, form)
	return joins, string(b.Text), b.Args
}
