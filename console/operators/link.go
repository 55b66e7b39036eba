package operators

import (
	"context"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// LinkLife is how long a link may be used.
const LinkLife = 15 * time.Minute

// tokenBytes is the length of a token's random part: nobody guesses 256 bits, so it needs no signature.
const tokenBytes = 32

// NewToken makes a token that nobody guesses, in 43 characters of a URL.
func NewToken(random io.Reader) (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", roundtrip.Wrap("operators.token", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// Invite makes a link's token for somebody who gets that role. Only its hash is kept.
func (b *Book) Invite(role Role) (token string, until time.Time, err error) {
	if role < Viewer || role > Owner {
		return "", until, roundtrip.E(roundtrip.Invalid, "request.invalid", "a link's role is one of %s", strings.Join(RoleWords(), ", "))
	}
	if token, err = NewToken(b.rand); err != nil {
		return "", until, err
	}
	until = b.now().Add(LinkLife).UTC().Truncate(time.Second)
	err = b.change(func(c *content) error {
		b.dropOld(c)
		if len(c.Links) >= linksMax {
			return roundtrip.E(roundtrip.Limited, "console.links_max", "%d links are open already: use them, or wait until they end", linksMax)
		}
		c.Links = append(c.Links, link{Hash: hashToken(token), Role: role, Until: until})
		return nil
	})
	return token, until, err
}

// Claim makes the one who has a link's token an operator and takes the link away. A name or password that can't be used
// leaves it.
func (b *Book) Claim(ctx context.Context, token, name, text, network string) (Operator, error) {
	if err := b.Open(token); err != nil {
		return Operator{}, err
	}
	if err := b.Allow(name, text); err != nil {
		return Operator{}, err
	}
	name = clean(name)
	hash, err := b.hasher.Hash(ctx, text)
	if err != nil {
		return Operator{}, hashFailure(err)
	}
	now := b.now().UTC().Truncate(time.Second)
	o := Operator{Name: name, Hash: hash, Created: now, Seen: now, From: latest(nil, network)}
	err = b.change(func(c *content) error {
		b.dropOld(c)
		i := slices.IndexFunc(c.Links, func(l link) bool { return l.Hash == hashToken(token) })
		switch {
		case i < 0:
			return deadLink()
		case b.index(name) >= 0:
			return roundtrip.E(roundtrip.Conflict, "console.name_taken", "there is an operator %s already: choose another name", name).
				With(roundtrip.Detail{Pointer: "/name", Code: "taken", Message: "this name is taken"})
		case len(c.Operators) >= operatorsMax:
			return roundtrip.E(roundtrip.Limited, "console.links_max", "there are %d operators already: remove one first", operatorsMax)
		}
		o.Role = c.Links[i].Role
		c.Links = slices.Delete(c.Links, i, i+1)
		c.Operators = append(c.Operators, o)
		slices.SortFunc(c.Operators, func(a, z Operator) int { return strings.Compare(a.Name, z.Name) })
		return nil
	})
	return o, err
}

// Allow refuses a name or password that a new operator must not have, with a detail that points to the member.
func (b *Book) Allow(name, text string) error {
	if err := checkName(clean(name)); err != nil {
		return err
	}
	return b.checkPassword(clean(name), text)
}

func clean(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Open reports whether a link's token may be used: the error is Denied where it may not (any more).
func (b *Book) Open(token string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refresh(); err != nil {
		return err
	}
	for _, l := range b.have.Links { // compared by hash: the time that it takes tells nothing of a token
		if l.Hash == hashToken(token) && b.now().Before(l.Until) {
			return nil
		}
	}
	return deadLink()
}

// dropOld takes away the links whose time is over.
func (b *Book) dropOld(c *content) {
	c.Links = slices.DeleteFunc(c.Links, func(l link) bool { return !b.now().Before(l.Until) })
}

func deadLink() error {
	return roundtrip.E(roundtrip.Denied, "console.link_dead", "this link was used already, or its time is over: ask for a new one (roundtrip operator link)")
}
