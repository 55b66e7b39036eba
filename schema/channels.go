package schema

import "github.com/roundtrip-dev/roundtrip"

// channels joins the declared channels to their collections. What their rules say is judged by package policy.
func (b *builder) channels() {
	for _, source := range b.config.Channels {
		c := &roundtrip.Broadcast{
			Name: source.Name, Pos: source.Pos, Join: expression(source.Join), Send: expression(source.Send), Presence: source.Presence,
		}
		if source.Of.Text != "" {
			c.Of = b.schema.Lookup(source.Of.Text)
			if c.Of == nil && !b.misnamed(source.Of.Text) {
				b.problems.Add(source.Of.Pos, "there is no collection %q", source.Of.Text).
					Expect("%s", oneOf(b.schema.Names())).Near(source.Of.Text, b.schema.Names())
			}
			if c.Of == nil {
				continue
			}
		}
		if c.Of == nil && c.Join.Source == "" {
			b.problems.Add(c.Pos, "the channel %s does not say who may join", c.Name).
				Expect("join: with a rule, such as 'auth.id != null', or of: with a collection")
		}
		b.schema.Channels = append(b.schema.Channels, c)
	}
}
