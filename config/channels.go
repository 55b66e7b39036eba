package config

import "github.com/roundtrip-dev/roundtrip"

// Channel is one line of channels: people send each other what is kept nowhere.
type Channel struct {
	Pos      roundtrip.Pos
	Name     string
	Of       Name // a collection, "" for free keys
	Join     Name // a rule
	Send     Name // a rule
	Presence bool
}

func channelsKey() key {
	return named("channels", "channel", func(c *Config) *[]Channel { return &c.Channels },
		func(c *Channel, name string, pos roundtrip.Pos) { c.Name, c.Pos = name, pos },
		name("of", func(c *Channel) *Name { return &c.Of }).takes("the name of a collection").eg("photos").
			orElse("keys are free texts").
			says("The collection whose records have a channel each: channel/NAME/ID. Without it, any text is a key, and the rules speak of auth alone."),
		name("join", func(c *Channel) *Name { return &c.Join }).takes("a rule in quotes, such as '!record.private'").eg("'!record.private'").
			orElse("with of: who may read the record").
			says("Who may listen, and be seen there."),
		name("send", func(c *Channel) *Name { return &c.Send }).takes("a rule in quotes, such as 'auth.id != null'").eg("'auth.id != null'").
			orElse("nobody may").
			says("Who may send to those who are there."),
		truth("presence", func(c *Channel) *bool { return &c.Presence }).or("false").eg("true").
			says("Whether those who are there are told who else is, who comes and who goes.")).
		after(checkChannels).
		says("Channels on which people send each other what is kept nowhere, such as who is typing. docs/live.md says how.")
}

func checkChannels(d *decoder, target any, _ *node) {
	check := matches(`^[a-z][a-z0-9_]{0,62}$`, "is no name for a channel; expected small letters, digits and _, a letter first, at most 63")
	for _, c := range target.(*Config).Channels {
		if err := check(c.Name); err != nil {
			d.textProblem(c.Pos, c.Name, err)
		}
	}
}
