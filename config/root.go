package config

import "github.com/roundtrip-dev/roundtrip"

// rootKeys is the table of everything that can be declared.
func rootKeys() []key {
	return []key{
		text("name", func(c *Config) *string { return &c.Name }).must().eg("gallery").
			takes("a name of small letters, digits and dashes").
			each(matches(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`, "is no name for a project; expected small letters, digits and dashes, a letter first")).
			says("Name of the project. The default database file is called after it."),
		dnsKey(),
		firewallKey(),
		gateKey(),
		acmeKey(),
		named("sites", "site", func(c *Config) *[]Site { return &c.Sites },
			func(s *Site, name string, pos roundtrip.Pos) { s.Name, s.Pos = name, pos }, siteKeys()...).
			says("Host names and what each of them serves. Requests for any other host are refused."),
		block("identity", func(c *Config) *Identity { return &c.Identity }, identityKeys()...).
			after(func(_ *decoder, target any, n *node) { target.(*Config).Identity.Pos = n.pos }).
			says("Who people are, and how they prove it."),
		named("collections", "collection", func(c *Config) *[]Collection { return &c.Collections },
			func(c *Collection, name string, pos roundtrip.Pos) { c.Name, c.Pos = name, pos }, collectionKeys()...).
			says("What is kept, its shape, and who may read and write it. Every record has id, create_time, update_time and etag besides its own fields."),
		notificationsKey(),
		block("store", func(c *Config) *Store { return &c.Store }, storeKeys()...).
			after(func(_ *decoder, target any, n *node) { target.(*Config).Store.Pos = n.pos }).
			says("Where records and files are kept."),
		channelsKey(),
		webhooksKey(),
		block("push", func(c *Config) *Push { return &c.Push }, pushKeys()...).
			after(func(_ *decoder, target any, n *node) { target.(*Config).Push.Pos = n.pos }).
			says("How notifications with the channel push reach browsers that have no page open (Web Push). docs/notifications.md says how a browser subscribes."),
		mailKey(),
		journeysKey(),
		block("console", func(c *Config) *Console { return &c.Console }, consoleKeys()...).
			after(func(_ *decoder, target any, n *node) { target.(*Config).Console.Pos = n.pos }).
			says("The operator's own listener."),

		later("cluster", "one machine; leave it out"),
	}
}
