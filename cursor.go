package roundtrip

import (
	"strconv"
	"strings"
)

// Cursor says how far a client has read of a stream, the same at every door: everything up to Position in the life of the database that Epoch names.
type Cursor struct {
	Epoch    string
	Position int64
}

// cursorMax bounds the text of a cursor, in bytes.
const cursorMax = 64

// String returns the form k3f9a2-1841.
func (c Cursor) String() string { return c.Epoch + "-" + strconv.FormatInt(c.Position, 10) }

// ParseCursor reads a cursor. Its error is Invalid request.invalid.
func ParseCursor(text string) (Cursor, error) {
	epoch, number, ok := strings.Cut(text, "-")
	position, err := strconv.ParseUint(number, 10, 63)
	if !ok || err != nil || epoch == "" || len(text) > cursorMax || !plain(epoch) || number != strconv.FormatUint(position, 10) {
		return Cursor{}, E(Invalid, "request.invalid", "%q is no cursor: give one back as it came, such as k3f9a2-1841, or none for a snapshot", shorten(text)).
			With(Detail{Parameter: "cursor", Code: "not_cursor", Message: "expected a cursor of an earlier answer"})
	}
	return Cursor{epoch, int64(position)}, nil
}

// shorten bounds what is repeated of a caller's text.
func shorten(s string) string {
	if len(s) > cursorMax {
		return strings.ToValidUTF8(s[:cursorMax], "") + "…"
	}
	return s
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
