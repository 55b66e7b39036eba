package storetest

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Gallery is the schema of the suite: the example of the documentation, with some fields more so that every type, every
// kind of ref and every choice of on_delete is in it.
func Gallery() *roundtrip.Schema {
	users, albums, photos := collection("users"), collection("albums"), collection("photos")
	likes, comments, follows := collection("likes"), collection("comments"), collection("follows")
	schema := roundtrip.NewSchema("gallery", users, albums, photos, likes, comments, follows)
	schema.Roles = []string{"moderator"}

	users.Accounts = true
	add(users, roundtrip.Field{Name: "handle", Type: roundtrip.TypeText, Required: true, Unique: true})
	add(users, roundtrip.Field{Name: "name", Type: roundtrip.TypeText})
	add(users, roundtrip.Field{Name: "avatar", Type: roundtrip.TypeFile})
	rules(users, "true", "true", "auth.id == record.id", "auth.id == record.id")

	ref(albums, "owner", users, roundtrip.Restrict, true)
	add(albums, roundtrip.Field{Name: "title", Type: roundtrip.TypeText, Required: true})
	ref(albums, "parent", albums, roundtrip.Cascade, false)
	rules(albums, "true", "auth.id == record.owner", "auth.id == record.owner", "auth.id == record.owner")

	author := ref(photos, "author", users, roundtrip.Cascade, true)
	add(photos, roundtrip.Field{Name: "image", Type: roundtrip.TypeFile})
	add(photos, roundtrip.Field{Name: "caption", Type: roundtrip.TypeText})
	add(photos, roundtrip.Field{Name: "private", Type: roundtrip.TypeBool})
	ten := int64(10)
	zero := int64(0)
	add(photos, roundtrip.Field{Name: "views", Type: roundtrip.TypeInt})
	add(photos, roundtrip.Field{Name: "stars", Type: roundtrip.TypeInt, MinInt: &zero, MaxInt: &ten})
	add(photos, roundtrip.Field{Name: "rating", Type: roundtrip.TypeFloat})
	add(photos, roundtrip.Field{Name: "taken", Type: roundtrip.TypeTime})
	add(photos, roundtrip.Field{Name: "extra", Type: roundtrip.TypeJSON})
	ref(photos, "album", albums, roundtrip.SetNull, false)
	photos.Indexes = []roundtrip.Index{{Fields: []int{author, roundtrip.FieldCreateTime}}}
	rules(photos, "!record.private || auth.id == record.author || follows.exists(f, f.follower == auth.id && f.followee == record.author)",
		"auth.id == record.author", "auth.id == record.author", `auth.id == record.author || "moderator" in auth.roles`)

	user := ref(likes, "user", users, roundtrip.Cascade, true)
	photo := ref(likes, "photo", photos, roundtrip.Cascade, true)
	likes.Indexes = []roundtrip.Index{{Fields: []int{user, photo}, Unique: true}}
	rules(likes, "true", "auth.id == record.user && readable(record.photo)", "auth.id == record.user", "auth.id == record.user")

	ref(comments, "author", users, roundtrip.Cascade, true)
	on := ref(comments, "photo", photos, roundtrip.Cascade, true)
	add(comments, roundtrip.Field{Name: "text", Type: roundtrip.TypeText, Required: true})
	rules(comments, "readable(record.photo)", "auth.id == record.author && readable(record.photo)", "auth.id == record.author",
		"auth.id == record.author || auth.id == record.photo.author")

	follower := ref(follows, "follower", users, roundtrip.Cascade, true)
	followee := ref(follows, "followee", users, roundtrip.Cascade, true)
	follows.Indexes = []roundtrip.Index{{Fields: []int{follower, followee}, Unique: true}}
	rules(follows, "true", "auth.id == record.follower && record.follower != record.followee", "", "auth.id == record.follower")

	counts(photos, "likes", likes, photo)
	counts(photos, "comments", comments, on)
	counts(users, "followers", follows, followee)
	return schema
}

func collection(name string) *roundtrip.Collection {
	return roundtrip.NewCollection(name, roundtrip.Pos{File: "gallery.yaml", Line: 1, Column: 1})
}

func add(c *roundtrip.Collection, f roundtrip.Field) int {
	c.Add(&f)
	return len(c.Fields) - 1
}

func ref(c *roundtrip.Collection, name string, to *roundtrip.Collection, onDelete roundtrip.OnDelete, required bool) int {
	at := add(c, roundtrip.Field{Name: name, Type: roundtrip.TypeRef, To: to, OnDelete: onDelete, Required: required})
	to.Children = append(to.Children, roundtrip.Child{From: c, Ref: at})
	return at
}

func counts(holder *roundtrip.Collection, name string, of *roundtrip.Collection, by int) {
	at := add(holder, roundtrip.Field{Name: name, Type: roundtrip.TypeCount, To: of, Of: by})
	of.Counters = append(of.Counters, roundtrip.Counter{Ref: by, Holder: holder, Field: at})
}

func rules(c *roundtrip.Collection, read, create, update, remove string) {
	for action, source := range map[roundtrip.Action]string{
		roundtrip.Get: read, roundtrip.Create: create, roundtrip.Update: update, roundtrip.Delete: remove,
	} {
		if source != "" {
			c.Rules[action] = roundtrip.Rule{Source: source, Pos: c.Pos}
		}
	}
}

// Notify declares the notifications of the suite in a gallery.
func Notify(schema *roundtrip.Schema) {
	on := func(collection string, action roundtrip.Action) roundtrip.Trigger {
		return roundtrip.Trigger{Collection: schema.Lookup(collection), Action: action}
	}
	declare := func(n roundtrip.Notice, to, by, unless, group, text string) {
		n.Pos = roundtrip.Pos{File: "gallery.yaml", Line: 1, Column: 1}
		n.Within, n.Keep = 24*time.Hour, 90*24*time.Hour
		for rule, source := range map[*roundtrip.Rule]string{&n.To: to, &n.By: by, &n.Unless: unless, &n.Group: group, &n.Text: text} {
			*rule = roundtrip.Rule{Source: source, Pos: n.Pos}
		}
		schema.Notices = append(schema.Notices, &n)
	}
	inbox := []roundtrip.Channel{roundtrip.ChannelInbox}
	declare(roundtrip.Notice{Name: "liked", When: []roundtrip.Trigger{on("likes", roundtrip.Create)}, Channels: roundtrip.Channels()},
		"record.photo.author", "record.user", "record.user == record.photo.author", "record.photo", "{actors} liked your photo")
	declare(roundtrip.Notice{Name: "commented", When: []roundtrip.Trigger{on("comments", roundtrip.Create)}, Channels: inbox},
		"record.photo.author", "record.author", "record.author == record.photo.author", "record.photo", "{actors} commented: {record.text}")
	declare(roundtrip.Notice{Name: "followed", When: []roundtrip.Trigger{on("follows", roundtrip.Create)}, Channels: inbox},
		"record.followee", "record.follower", "", "", "{actors} started following you")
	declare(roundtrip.Notice{Name: "filed", When: []roundtrip.Trigger{on("photos", roundtrip.Update), on("photos", roundtrip.Delete)}, Channels: inbox},
		"record.album.owner", "", "", "", "{actors} changed {record.caption}")
}
