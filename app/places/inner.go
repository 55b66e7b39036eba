package places

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func (p *page) auth(h *trace.Hop) roundtrip.Pos {
	switch h.Reason.Code() {
	case "auth.expired":
		return p.key("identity", "sessions")
	case "auth.weak_password":
		return p.key("identity", "password", "min")
	case "auth.sign_up_closed":
		return p.key("identity", "sign_up")
	case "auth.csrf_rejected":
		return p.key("sites")
	}
	return p.key("identity")
}

// declared finds a collection by the beginning of a hop's name: photos, photos.create, photos/12.
func (p *page) declared(name string) (c *config.Collection, rest string) {
	word := name
	if i := strings.IndexAny(name, "./ "); i >= 0 {
		word, rest = name[:i], name[i+1:]
	}
	for i := range p.config.Collections {
		if p.config.Collections[i].Name == word {
			return &p.config.Collections[i], rest
		}
	}
	return nil, ""
}

// rule finds the access rule of a collection and an action.
func (p *page) rule(h *trace.Hop) roundtrip.Pos {
	c, action := p.declared(h.Name)
	if c == nil {
		return roundtrip.Pos{}
	}
	if by, rest := p.declared(h.Note); by == c && action == "" { // the rule that allowed it
		action = rest
	}
	switch action {
	case "get", "list", "aggregate", "read", "watch":
		action = "read"
	case "":
		if h.Reason.Code() == "access.hidden" {
			action = "read"
		}
	}
	for _, r := range c.Rules {
		if r.Action == action {
			return r.Pos
		}
	}
	return p.below(c.Pos, "rules")
}

// collection finds a key of a hop's collection, and the field where the hop's name has one.
func (p *page) collection(h *trace.Hop, key string) roundtrip.Pos {
	c, rest := p.declared(h.Name)
	if c == nil {
		return roundtrip.Pos{}
	}
	for i := range c.Fields {
		if c.Fields[i].Name == rest {
			return c.Fields[i].Pos
		}
	}
	return p.below(c.Pos, key)
}

// stored finds what bounds the database, or the collection of a statement.
func (p *page) stored(h *trace.Hop) roundtrip.Pos {
	switch code := h.Reason.Code(); {
	case code == "store.pool_exhausted" && h.Name != "store.writer":
		return p.key("store", "pool", "max")
	case code == "store.pool_exhausted":
		return p.key("store", "pool", "wait")
	case code == "store.unique":
		return p.collection(h, "unique")
	case code == "store.deadline":
		return p.collection(h, "indexes")
	case strings.HasPrefix(code, "file."):
		return p.collection(h, "fields")
	}
	switch h.Layer {
	case trace.Pool:
		return p.key("store", "pool")
	case trace.Files:
		if at := p.collection(h, "fields"); at.Line > 0 {
			return at
		}
		return p.key("store", "files")
	default:
	}
	if c, _ := p.declared(h.Name); c != nil {
		return c.Pos
	}
	return p.key("store")
}

// outward finds the webhook, the kind of notification, or the block of the channel.
func (p *page) outward(h *trace.Hop) roundtrip.Pos {
	for i := range p.config.Webhooks {
		if h.Layer == trace.Webhook && p.config.Webhooks[i].Name == h.Name {
			return p.config.Webhooks[i].Pos
		}
	}
	for i := range p.config.Notices {
		if p.config.Notices[i].Name == h.Name {
			return p.config.Notices[i].Pos
		}
	}
	switch h.Layer {
	case trace.WebPush:
		return p.key("push")
	case trace.Mail:
		return p.key("mail")
	case trace.Webhook:
		return p.key("webhooks")
	default:
	}
	if c, _ := p.declared(h.Name); c != nil {
		return c.Pos
	}
	return roundtrip.Pos{}
}
