package operators

import (
	"context"
	"fmt"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/password"
)

// SetPassword gives an operator who knows the current password another one. The error is Unauthenticated where the current
// one is wrong.
func (b *Book) SetPassword(ctx context.Context, name, current, text string) error {
	o, err := b.prove(ctx, name, current)
	if err != nil {
		return err
	}
	if err := b.checkPassword(o.Name, text); err != nil {
		return err
	}
	if text == current {
		return weakPassword("same", "this is the password that you have: choose another one")
	}
	hash, err := b.hasher.Hash(ctx, text)
	if err != nil {
		return hashFailure(err)
	}
	return b.change(func(c *content) error {
		i := b.index(o.Name)
		if i < 0 || c.Operators[i].Hash != o.Hash {
			return wrongLogin() // removed, or given another one, in between
		}
		c.Operators[i].Hash = hash
		return nil
	})
}

// checkPassword refuses what would be guessed.
func (b *Book) checkPassword(name, text string) error {
	lower := strings.ToLower(text)
	switch {
	case len([]rune(text)) < PasswordMin:
		return weakPassword("too_short", fmt.Sprintf("an operator's password has at least %d characters", PasswordMin))
	case len(text) > password.MaxBytes:
		return weakPassword("too_long", fmt.Sprintf("a password has at most %d bytes", password.MaxBytes))
	case b.common.Knows(lower):
		return weakPassword("well_known", "this password is among the first that are guessed; choose another, such as four unrelated words")
	case strings.Contains(lower, name):
		return weakPassword("own_name", "the password must not contain the operator's name")
	}
	return nil
}

func weakPassword(code, message string) error {
	return roundtrip.E(roundtrip.Invalid, "auth.weak_password", "%s", message).
		With(roundtrip.Detail{Pointer: "/password", Code: code, Message: message})
}
