package show

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// plain makes a text harmless and as wide as it is long: what a terminal could take for an order, what joins with its
// neighbours and what is wider than one column is written as its number.
func plain(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !narrow(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case narrow(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// narrow reports whether a character takes one column and does nothing else: Latin letters and our own signs.
func narrow(r rune) bool {
	return r < 0x300 && unicode.IsPrint(r) && r != 0xad || strings.ContainsRune("…–—→·×−“”‘’◄", r)
}

// text makes a text of others ready for the terminal.
func (o *Options) text(s string) string {
	s = plain(s)
	if !o.ASCII {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return '?'
	}, o.glyphs(s))
}

func length(s string) int { return utf8.RuneCountInString(s) }

// clip cuts a text at its end.
func clip(s string, most int) string {
	if length(s) <= most {
		return s
	}
	if most < 1 {
		return ""
	}
	return string([]rune(s)[:most-1]) + "…"
}

// clipMiddle cuts a text in its middle: both ends of a path tell much.
func clipMiddle(s string, most int) string {
	r := []rune(s)
	if len(r) <= most || most < 5 {
		return clip(s, most)
	}
	head := most / 2
	return string(r[:head]) + "…" + string(r[len(r)-(most-head-1):])
}

// placeColumns is how long a place may be before only the name of its file is shown.
const placeColumns = 48

// place writes FILE:LINE:COLUMN so that it stays in one piece.
func place(where string) string {
	if length(where) <= placeColumns {
		return where
	}
	return "…" + where[max(0, strings.LastIndexByte(where, '/')):]
}

// pad fills a text up with spaces.
func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-length(s))) }

// padLeft puts a text to the right.
func padLeft(s string, width int) string { return strings.Repeat(" ", max(0, width-length(s))) + s }

// wrap breaks a text between words into lines of at most so many characters; a longer word is broken.
func wrap(s string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for length(word) > most {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			r := []rune(word)
			lines, word = append(lines, string(r[:most])), string(r[most:])
		}
		switch {
		case line == "":
			line = word
		case length(line)+1+length(word) > most:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// millis writes a duration in three digits: 0.02 ms, 3.41 ms, 38.9 ms, 412 ms, 2.4 s.
func millis(ms float64) string {
	switch a := math.Abs(ms); {
	case a == 0:
		return "0 ms"
	case a < 9.995:
		return fmt.Sprintf("%.2f ms", ms)
	case a < 99.95:
		return fmt.Sprintf("%.1f ms", ms)
	case a < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return ago(time.Duration(ms * float64(time.Millisecond)))
}

// ago writes a long duration as one number.
func ago(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f d", d.Hours()/24)
}

// short is the beginning of an id that people copy.
func short(id string) string { return id[:min(len(id), 8)] }
