package courier

import (
	"strings"
	"unicode"
)

// reasonMax is how many characters of a reason are kept.
const reasonMax = 300

// plain makes one short line of a reason. It may hold what a receiver chose, such as the words behind its status: without
// this they would do what they like to the terminal of an operator who lists them, and fill the database.
func plain(why string) string {
	out := make([]rune, 0, reasonMax)
	space := false
	for _, r := range strings.ToValidUTF8(why, "") {
		if !unicode.IsPrint(r) || r == ' ' || r == unicode.ReplacementChar {
			space = len(out) > 0
			continue
		}
		if space {
			space = false
			out = append(out, ' ')
		}
		if len(out) >= reasonMax {
			return string(out[:reasonMax-1]) + "…"
		}
		out = append(out, r)
	}
	return string(out)
}
