package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// Problem is one mistake in a declaration.
type Problem struct {
	Pos      roundtrip.Pos
	Path     string // sites.gallery.test.routes[0].path; "" where the mistake has no place in the tree
	Message  string // what is wrong
	Expected string // what would be right, "" where the message says it
	Nearest  string // the valid name that was probably meant, or ""
	Instead  string // what works now, for a part that this version does not have
}

// Expect says what would be right.
func (p *Problem) Expect(format string, args ...any) *Problem {
	p.Expected = fmt.Sprintf(format, args...)
	return p
}

// Near suggests the one of names that is nearest to word, if one is near.
func (p *Problem) Near(word string, names []string) *Problem {
	p.Nearest = nearest.Of(word, names)
	return p
}

// Problems is every mistake of one declaration with the source that shows them. It is the error of [Load] and [Parse];
// other rooms make their own with [Config.Problems] and add to it, so that all mistakes print alike.
type Problems struct {
	List  []*Problem
	file  string
	lines []string

	beside map[string][]string // the lines of other files that the declaration names
}

// NewProblems makes an empty list for the text of one file.
func NewProblems(file string, source []byte) *Problems {
	text := strings.TrimPrefix(strings.ReplaceAll(string(source), "\r\n", "\n"), "\ufeff")
	return &Problems{file: file, lines: strings.Split(text, "\n")}
}

// Beside gives the text of another file that the declaration names, so that mistakes in it are shown with their lines.
func (p *Problems) Beside(file string, source []byte) {
	if p.beside == nil {
		p.beside = map[string][]string{}
	}
	p.beside[file] = NewProblems(file, source).lines
}

// Problems makes an empty list for this declaration.
func (c *Config) Problems() *Problems { return NewProblems(c.File, c.Source) }

// Add records a mistake and returns it, so that the caller can say what was expected.
func (p *Problems) Add(pos roundtrip.Pos, format string, args ...any) *Problem {
	problem := &Problem{Pos: pos, Message: fmt.Sprintf(format, args...)}
	p.List = append(p.List, problem)
	return problem
}

// AddIn records a mistake inside an expression whose source starts at pos, at a column of that source (in bytes, from
// 1). An expression over several lines must be a | block, whose lines start in one column.
func (p *Problems) AddIn(pos roundtrip.Pos, source string, column int, format string, args ...any) *Problem {
	before := source[:min(max(column-1, 0), len(source))]
	at := pos
	at.Line += strings.Count(before, "\n")
	at.Column += len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	return p.Add(at, format, args...)
}

// Err returns the list as an error, in the order of the file, or nil when it is empty.
func (p *Problems) Err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b *Problem) int {
		return cmp.Or(p.order(a.Pos.File)-p.order(b.Pos.File), cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return p
}

// order puts the declaration before the other files.
func (p *Problems) order(file string) int {
	if _, other := p.beside[file]; other && file != p.file {
		return 1
	}
	return 0
}

// maxPrinted is how many mistakes are printed at the most.
const maxPrinted = 50

// Error prints the mistakes, each with its line.
func (p *Problems) Error() string {
	var b strings.Builder
	for i, problem := range p.List {
		if i == maxPrinted {
			fmt.Fprintf(&b, "\n… and %d more\n", len(p.List)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		p.print(&b, problem)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (p *Problems) print(b *strings.Builder, problem *Problem) {
	if problem.Pos.Line == 0 {
		fmt.Fprintf(b, "%s: %s\n", p.file, problem.Message)
	} else {
		fmt.Fprintf(b, "%s: %s\n%s", problem.Pos, problem.Message, p.Excerpt(problem.Pos))
	}
	if problem.Expected != "" {
		fmt.Fprintf(b, "    expected %s\n", problem.Expected)
	}
	if problem.Instead != "" {
		fmt.Fprintf(b, "    for now: %s\n", problem.Instead)
	}
	if problem.Nearest != "" {
		fmt.Fprintf(b, "    did you mean %q?\n", problem.Nearest)
	}
}

// excerptWidth is how many characters of a long line are shown.
const excerptWidth = 110

// Excerpt returns the line at pos and a caret under its column, or "" where the file has no such line.
func (p *Problems) Excerpt(pos roundtrip.Pos) string {
	lines := p.lines
	if pos.File != p.file {
		if other, ok := p.beside[pos.File]; ok {
			lines = other
		}
	}
	if pos.Line < 1 || pos.Line > len(lines) {
		return ""
	}
	line, column := []rune(lines[pos.Line-1]), pos.Column-1
	column = max(0, min(column, len(line)))
	head, tail := "", ""
	if column > excerptWidth*2/3 && len(line) > excerptWidth {
		cut := column - excerptWidth/2
		line, column, head = line[cut:], column-cut+1, "…"
	}
	if len(line) > excerptWidth {
		line, tail = line[:excerptWidth], "…"
	}
	shown := strings.TrimRight(strings.Map(printable, head+string(line)+tail), " ")
	return fmt.Sprintf("%5d | %s\n      | %s^\n", pos.Line, shown, strings.Repeat(" ", column))
}

// printable keeps what a terminal shows as one harmless character.
func printable(r rune) rune {
	switch {
	case r == '\t':
		return '→'
	case r == unicode.ReplacementChar, !unicode.IsPrint(r):
		return '·'
	}
	return r
}
