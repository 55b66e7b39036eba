package schema

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
)

// hooks joins webhooks to the collections that they are told of.
func (b *builder) hooks() {
	for i := range b.config.Webhooks {
		hook := &b.config.Webhooks[i]
		for _, when := range hook.When {
			c, action := b.happening(when)
			if c == nil {
				continue
			}
			if c.Hooks == nil {
				c.Hooks = map[roundtrip.Action][]string{}
			}
			if !slices.Contains(c.Hooks[action], hook.Name) {
				c.Hooks[action] = append(c.Hooks[action], hook.Name)
			}
		}
	}
}

// letters looks at what notifications with the channel email need: a server to send them by, and addresses to send to.
func (b *builder) letters() {
	users := b.schema.Accounts()
	for i := range b.config.Notices {
		source := &b.config.Notices[i]
		if !slices.Contains(source.Channels, string(roundtrip.ChannelEmail)) {
			continue
		}
		if b.config.Mail == nil {
			b.problems.Add(source.Pos, "the notification %s goes out by email, and there is no server to send it", source.Name).
				Expect("mail: with server: and from:, or channels without email")
		}
		if users != nil && users.FirstOf(roundtrip.TypeEmail) < 0 {
			b.problems.Add(source.Pos, "the notification %s goes out by email, and %s have no addresses", source.Name, users.Name).
				Expect("a field of type email in %s, or channels without email", users.Name)
		}
	}
}
