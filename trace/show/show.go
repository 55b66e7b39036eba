// Package show draws journeys for a terminal: one as a waterfall ([Waterfall]), many as lines ([Line]), two beside each other
// ([Diff]). What it draws fits the width that it is given, says nothing by colour alone, and holds no text of strangers that
// could steer a terminal.
package show

import (
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options says what the terminal can do. The zero Options is a plain one of 80 columns that knows Unicode.
type Options struct {
	Width  int       // in columns; 0: 80, less than 60 is taken as 60
	Colour bool      // ANSI colours
	ASCII  bool      // no character beyond it: the locale is not UTF-8
	Now    time.Time // for how long ago something was; the zero time leaves that out
	Joined []Joined  // Waterfall: what the journey is joined with, the lines below it
}

// Joined is a journey that is joined with the one that is drawn.
type Joined struct {
	Role     string // connection, cause, query, preflight, parent; request, event or push for what followed from it
	Evidence string
	ID       string
	View     *trace.View // nil: it is not kept any more
}

const (
	widthUsual = 80
	widthLeast = 60
)

// Columns is the width that is drawn for.
func (o *Options) Columns() int { return o.width() }

// Text makes a text of others ready for the terminal: nothing in it can steer one, and each character takes a column.
func (o *Options) Text(s string) string { return o.text(s) }

// Clip cuts a text that is ready for the terminal to so many columns.
func (o *Options) Clip(s string, columns int) string { return o.glyphs(clip(s, columns)) }

// Paragraph breaks a text of others into lines of so many columns, the first of them behind a heading.
func (o *Options) Paragraph(head, s string, columns int) []string {
	lines := wrap(o.text(s), columns-length(head))
	for i := range lines {
		lines[i] = head + lines[i]
		head = strings.Repeat(" ", length(head))
	}
	return lines
}

// Mark is the sign of a verdict's word, such as deny.
func (o *Options) Mark(verdict string) string { return o.mark(verdict) }

func (o *Options) width() int {
	if o.Width == 0 {
		return widthUsual
	}
	return max(o.Width, widthLeast)
}

// The marks of a verdict. Each stands for itself without its colour.
const (
	markOK   = '✓'
	markNo   = '✗'
	markNote = '!'
	markNone = '–'
	markOpen = '?'
)

// markOf returns the mark of a verdict's word.
func markOf(verdict string) rune {
	switch verdict {
	case trace.OK.String():
		return markOK
	case trace.Deny.String(), trace.Fail.String(), trace.Timeout.String():
		return markNo
	case trace.Wait.String(), trace.Shadowed.String():
		return markNote
	case trace.Skip.String(), trace.Cached.String():
		return markNone
	}
	return markOpen
}

// The colours, as the parameters of SGR (ECMA-48 section 8.3.117).
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	dim    = "2"
)

// paint colours a text, where the terminal has colours.
func (o *Options) paint(colour, text string) string {
	if !o.Colour || text == "" || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// mark is the mark of a verdict, in its colour.
func (o *Options) mark(verdict string) string {
	m := markOf(verdict)
	colour := map[rune]string{markOK: green, markNo: red, markNote: yellow, markNone: dim, markOpen: dim}[m]
	return o.paint(colour, o.glyphs(string(m)))
}

// glyphs puts our own signs into ASCII where the terminal has no others.
func (o *Options) glyphs(s string) string {
	if !o.ASCII {
		return s
	}
	return strings.NewReplacer(
		"✓", "+", "✗", "x", "–", "-", "…", ".", "→", ">", "◄", "<", "·", ".", "┆", ":", "×", "*", "−", "-",
		"█", "#", "▉", "#", "▊", "#", "▋", "#", "▌", "#", "▍", "|", "▎", "|", "▏", "|", "▐", "#", "▕", "|",
	).Replace(s)
}
