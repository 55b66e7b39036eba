package identity

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/password"
)

// passwordMaxBytes bounds what is hashed.
const passwordMaxBytes = password.MaxBytes

// CheckPassword refuses a password that a new account must not have: Invalid auth.weak_password, with a detail that points
// to /password.
func (i *Identity) CheckPassword(password string, account *roundtrip.Record) error {
	return i.checkPassword(password, "/password", account)
}

// checkPassword refuses a new password that would be guessed: too short, well known, or one of the account's own names.
// at is the JSON pointer of the member that brought it.
func (i *Identity) checkPassword(password, at string, account *roundtrip.Record) error {
	weak := func(code, message string, args ...any) error {
		e := roundtrip.E(roundtrip.Invalid, "auth.weak_password", message, args...)
		return e.With(roundtrip.Detail{Pointer: at, Code: code, Message: e.Public})
	}
	switch n := utf8.RuneCountInString(password); {
	case password == "":
		return weak("required", "a password is needed, of at least %d characters", i.config.MinLen)
	case len(password) > passwordMaxBytes:
		return weak("too_long", "a password has at most %d bytes", passwordMaxBytes)
	case !utf8.ValidString(password):
		return weak("bad_text", "the password is not valid UTF-8")
	case n < i.config.MinLen:
		return weak("too_short", "a password has at least %d characters; this one has %d", i.config.MinLen, n)
	}
	lower := strings.ToLower(password)
	if i.common.Knows(lower) {
		return weak("well_known", "this password is among the first that are guessed; choose another, such as four unrelated words")
	}
	for _, name := range accountNames(account) {
		if name == lower {
			return weak("own_name", "the password must not be the account's own name or address")
		}
	}
	return nil
}

// accountNames returns the texts that name the account, in lower case: its unique texts and addresses, and the part of
// an address before the @.
func accountNames(account *roundtrip.Record) []string {
	if account == nil {
		return nil
	}
	var names []string
	for n, f := range account.Collection.Fields {
		text := strings.ToLower(account.Values[n].Text())
		if text == "" || (f.Type != roundtrip.TypeEmail && (f.Type != roundtrip.TypeText || !f.Unique)) {
			continue
		}
		names = append(names, text)
		if local, _, ok := strings.Cut(text, "@"); ok {
			names = append(names, local)
		}
	}
	return names
}

// hash makes the PHC string of a password with a new salt.
func (i *Identity) hash(ctx context.Context, text string) (string, error) {
	encoded, err := i.hasher.Hash(ctx, text)
	return encoded, hashFailure(err)
}

// check compares a password with a stored hash; see [password.Hasher.Verify].
func (i *Identity) check(ctx context.Context, text, stored string) (ok, old bool, err error) {
	ok, old, err = i.hasher.Verify(ctx, text, stored)
	return ok, old, hashFailure(err)
}

// hashFailure says of an error of the hasher what it means for who signs in.
func hashFailure(err error) error {
	switch {
	case errors.Is(err, password.ErrBusy):
		e := roundtrip.E(roundtrip.Unavailable, "auth.busy", "too many sign-ins are under way; try again in a moment")
		e.Retry = 2 * time.Second
		return e
	case errors.Is(err, password.ErrNoTime):
		return &roundtrip.Error{
			Kind: roundtrip.Deadline, Reason: "app.deadline",
			Public: "the request ended before the password was checked", Op: "identity.hash", Err: err,
		}
	}
	return roundtrip.Wrap("identity.hash", err)
}

func rateLimited(wait time.Duration) *roundtrip.Error {
	seconds := int((wait + time.Second - 1) / time.Second)
	e := roundtrip.E(roundtrip.Limited, "auth.rate_limited", "too many tries; try again in %d s", seconds)
	e.Retry = time.Duration(seconds) * time.Second
	return e
}
