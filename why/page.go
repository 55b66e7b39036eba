package why

import (
	"fmt"
	"io"
	"strings"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Page writes an answer for people, in 80 columns. Steps may be written while they come.
type Page struct {
	Out    io.Writer
	Colour bool

	told int
}

const (
	columns   = 80
	textAt    = 17 // where a step's sentence begins
	sideWidth = 11 // "both sides", at the right end
	noteAt    = textAt
)

// Step writes one step.
func (p *Page) Step(s Step) {
	p.told++
	head := fmt.Sprintf("%3d %-10s %s ", s.Number, s.Title, p.paint(s))
	text := s.Sentence
	if s.Flag != "" && s.refused() {
		text = s.Flag + "  " + text
	}
	tail := string(s.Side)
	if s.Side == Nobody || s.Side == Here {
		tail = ""
	}
	if s.Evidence != trace.Seen.String() && s.Evidence != trace.Reported.String() {
		tail = s.Evidence
	}
	if s.MS >= 0.05 {
		tail = strings.TrimSpace(duration(s.MS) + "  " + tail)
	}
	lines := wrap(text, columns-textAt-len([]rune(tail))-2, columns-textAt)
	first := lines[0]
	if tail != "" {
		first += strings.Repeat(" ", max(2, columns-textAt-len([]rune(first))-len([]rune(tail)))) + tail
	}
	fmt.Fprintln(p.Out, head+first)
	p.indent(lines[1:])
	for _, n := range s.Notes {
		p.indent(wrap(n, columns-noteAt, columns-noteAt))
	}
	if s.refused() {
		p.fix(s.Fix, s.Where)
	}
}

// fix writes what to do, and the line of the declaration.
func (p *Page) fix(fix, where string) {
	if where != "" {
		p.indent([]string{"At:  " + where})
	}
	if fix == "" {
		return
	}
	for i, line := range wrap("Fix: "+fix, columns-noteAt, columns-noteAt-5) {
		if i > 0 {
			line = "     " + line
		}
		p.indent([]string{line})
	}
}

func (p *Page) indent(lines []string) {
	for _, line := range lines {
		fmt.Fprintln(p.Out, strings.Repeat(" ", noteAt)+line)
	}
}

// Answer writes the steps that were not told yet, and what they come to.
func (p *Page) Answer(a *Answer) {
	for _, s := range a.Steps[min(p.told, len(a.Steps)):] {
		p.Step(s)
	}
	fmt.Fprintln(p.Out)
	mark := p.colour("✗", red)
	if a.Well {
		mark = p.colour("✓", green)
	}
	for i, line := range wrap(a.Sentence, columns-2, columns-2) {
		if i > 0 {
			mark = " "
		}
		fmt.Fprintln(p.Out, mark+" "+line)
	}
	if a.Well && a.Where != "" {
		fmt.Fprintln(p.Out, "  At:  "+a.Where)
	}
	if a.Well && a.Fix != "" {
		for _, line := range wrap("Fix: "+a.Fix, columns-2, columns-2) {
			fmt.Fprintln(p.Out, "  "+line)
		}
	}
	for _, u := range a.Unknown {
		for i, line := range wrap("? "+u, columns, columns-2) {
			fmt.Fprintln(p.Out, strings.Repeat(" ", min(i, 1)*2)+line)
		}
	}
	if a.Journey != "" {
		fmt.Fprintln(p.Out, "  roundtrip journey "+a.Journey[:12]+" shows the server's record.")
	}
}

// The colours of a terminal.
const (
	red   = "31"
	green = "32"
	dim   = "2"
)

func (p *Page) colour(text, code string) string {
	if !p.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// paint is the mark of a verdict: never a colour alone, and no tick for what nobody saw.
func (p *Page) paint(s Step) string {
	switch s.Verdict {
	case trace.OK.String(), trace.Cached.String():
		if s.Evidence == trace.Predicted.String() || s.Evidence == trace.Hint.String() {
			return p.colour("?", dim)
		}
		return p.colour("✓", green)
	case trace.Deny.String(), trace.Fail.String(), trace.Timeout.String():
		return p.colour("✗", red)
	case trace.Wait.String(), trace.Shadowed.String():
		return "!"
	}
	return p.colour("–", dim)
}

func duration(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// wrap breaks a text into lines: the first of `first` characters at the most, the others of `most`.
func wrap(text string, first, most int) []string {
	var lines []string
	line, room := "", first
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		if line != "" && len([]rune(line))+1+n > room {
			lines, line, room = append(lines, line), "", most
		}
		for n > most { // a word that has no place in any line
			head := string([]rune(word)[:most])
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, room = append(lines, head), most
			word = string([]rune(word)[most:])
			n = len([]rune(word))
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
