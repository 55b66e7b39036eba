package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// passwordMaxBytes bounds what is hashed.
const passwordMaxBytes = 1024

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
	if i.wellKnown(lower) {
		return weak("well_known", "this password is among the first that are guessed; choose another, such as four unrelated words")
	}
	for _, name := range accountNames(account) {
		if name == lower {
			return weak("own_name", "the password must not be the account's own name or address")
		}
	}
	return nil
}

// wellKnown looks a password up in the list, as it is, without up to four digits or signs at its end, and halved if it
// is the same twice. One or two characters repeated are well known too.
func (i *Identity) wellKnown(lower string) bool {
	tail := strings.TrimRightFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(lower)-len(tail) > 4 {
		tail = lower
	}
	half := lower[:len(lower)/2]
	if half+half != lower {
		half = lower
	}
	different := map[rune]bool{}
	for _, r := range lower {
		different[r] = true
	}
	return i.common[lower] || i.common[tail] || i.common[half] || len(different) < 3
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
