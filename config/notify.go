package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// maxNotifications is how many kinds of notification there may be.
const maxNotifications = 100

func notificationsKey() key {
	k := named("notifications", "notification", func(c *Config) *[]Notification { return &c.Notices },
		func(n *Notification, name string, pos roundtrip.Pos) { n.Name, n.Pos = name, pos }, notificationKeys()...)
	read := k.set
	k.set = func(d *decoder, target any, n *node) { // also where something is wrong in them: all mistakes are told at once
		read(d, target, n)
		checkNotifications(d, target.(*Config), n)
	}
	return k.says("What people are told of in their inbox. Each is kept in the transaction of the write that causes it. docs/notifications.md shows all of it.")
}

func notificationKeys() []key {
	return []key{
		special("when", "a collection and what happens to it, such as likes.created, or a list of them",
			map[string]any{"oneOf": []any{map[string]any{"type": "string"}, textsJSON()}}, decodeWhen).must().eg("likes.created").
			says("The writes that cause it: a collection with .created, .updated or .deleted behind it, or a list of those. When the record that caused it is deleted, its part in the notification goes too."),
		name("to", func(n *Notification) *Name { return &n.To }).must().takes("an expression, such as record.photo.author").eg("record.photo.author").
			says("Who gets it: an expression over record that gives a ref to the accounts. Null means nobody."),
		name("by", func(n *Notification) *Name { return &n.By }).takes("an expression, such as record.user, or caller").eg("record.user").
			orElse("the caller; for .created the field with default: auth.id, where there is one").
			says("Who did it: an expression over record that gives a ref to the accounts, or caller. A field says who made the record, which need not be who changes or deletes it."),
		name("unless", func(n *Notification) *Name { return &n.Unless }).takes("a condition, such as 'record.user == record.photo.author'").
			eg("'record.user == record.photo.author'").orElse("never").
			says("A condition under which nobody is told."),
		name("group", func(n *Notification) *Name { return &n.Group }).takes("an expression, such as record.photo").eg("record.photo").
			orElse("each event is an entry of its own").
			says("What is gathered in one entry: events for one recipient with the same value are counted together."),
		duration("within", "1m", "365d", func(n *Notification) *time.Duration { return &n.Within }).or("24h").eg("1h").
			says("How long one entry gathers: time is cut into pieces of this length, and each has entries of its own."),
		name("text", func(n *Notification) *Name { return &n.Text }).must().takes("a text, such as '{actors} liked your photo'").
			eg("'{actors} liked your photo'").
			says("What it says. {actors} becomes \"ana, bo and 3 others\", {record.caption} a field of the record or of one that its refs lead to. {{ is a bracket."),
		texts("channels", func(n *Notification) *[]string { return &n.Channels }).or("[inbox]").eg("[inbox, push]").
			each(oneOfChannels).
			says("How people are told: inbox, push and email. The inbox is always kept; each account may turn off what it does not want."),
		duration("keep", "1h", "3650d", func(n *Notification) *time.Duration { return &n.Keep }).or("90d").eg("30d").
			says("How long an entry is kept after it has ended to gather."),
	}
}

// decodeWhen reads one trigger or a list of them; package schema judges what they name.
func decodeWhen(d *decoder, target *Notification, n *node) {
	switch {
	case n.kind == listNode && len(n.items) == 0:
		d.add(n, "%s is an empty list", n.name).Expect("at least one write, such as likes.created")
	case n.kind == listNode:
		target.When = d.names(n)
	case n.kind == scalarNode:
		if s, ok := d.text(n); ok {
			target.When = []Name{{Pos: n.at, Text: s}}
		}
	default:
		d.wrong(n, "a collection and what happens to it, such as likes.created, or a list of them")
	}
}

func channelNames() []string {
	var out []string
	for _, c := range roundtrip.Channels() {
		out = append(out, string(c))
	}
	return out
}

func oneOfChannels(s string) error {
	if !slices.Contains(channelNames(), s) {
		m := "is no channel; expected " + list(channelNames())
		if near := nearest.Of(s, channelNames()); near != "" {
			m += fmt.Sprintf("; did you mean %q?", near)
		}
		return mistake(m)
	}
	return nil
}

// checkNotifications looks at what can be seen without the collections.
func checkNotifications(d *decoder, c *Config, n *node) {
	if len(c.Notices) > maxNotifications {
		d.add(n, "there are %d notifications", len(c.Notices)).Expect("at most %d", maxNotifications)
	}
	check := matches(`^[a-z][a-z0-9_]{0,62}$`, "is no name for a notification; expected small letters, digits and _, a letter first, at most 63")
	for i := range c.Notices {
		notice := &c.Notices[i]
		if err := check(notice.Name); err != nil {
			d.textProblem(notice.Pos, notice.Name, err)
		}
		if !slices.Contains(notice.Channels, "inbox") {
			notice.Channels = append([]string{"inbox"}, notice.Channels...)
		}
	}
}
