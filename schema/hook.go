package schema

import (
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// hooks joins webhooks to the collections that they are told of.
func (b *builder) hooks() {
	for i := range b.config.Webhooks {
		hook := &b.config.Webhooks[i]
		for _, when := range hook.When {
			c, action := b.event(when)
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

// event reads COLLECTION.created, .updated or .deleted. What is wrong with it is a mistake of the declaration; the
// collection is nil then.
func (b *builder) event(when config.Name) (*roundtrip.Collection, roundtrip.Action) {
	name, what, ok := strings.Cut(when.Text, ".")
	c := b.schema.Lookup(name)
	if c == nil {
		if !b.misnamed(name) {
			b.problems.Add(when.Pos, "there is no collection %q", name).
				Expect("%s, a dot, and what happens to a record: created, updated or deleted", oneOf(b.schema.Names())).Near(name, b.schema.Names())
		}
		return nil, 0
	}
	words := make([]string, 0, 3)
	for _, action := range []roundtrip.Action{roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
		if action.Event() == what {
			return c, action
		}
		words = append(words, action.Event())
	}
	problem := b.problems.Add(when.Pos, "%q does not happen to a record of %s", what, name).Expect("%s, as in %s.created", oneOf(words), name)
	if !ok {
		problem.Message = when.Text + " says nothing of what happens to its records"
	}
	problem.Near(what, words)
	return nil, 0
}
