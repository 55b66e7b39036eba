// Package terminal writes for people who read in a terminal: tables, ages, counts, errors with what mends them. Nothing of it is wider
// than 80 columns, and nothing that strangers have written steers the terminal.
package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// JSON writes a list for programs; an empty one is [].
func JSON[T any](out io.Writer, states []T) error {
	if states == nil {
		states = []T{}
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(states)
}

// Wrap breaks a text into lines between its words. A word that is longer than a line stays whole, so that it can be copied.
func Wrap(text string, most int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		if last < 0 || len([]rune(lines[last]))+1+len([]rune(word)) > most {
			lines = append(lines, word)
			continue
		}
		lines[last] += " " + word
	}
	return lines
}

// Tries writes how often something was tried.
func Tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

// Age writes a duration as one number.
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(d, 0)/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// Count writes a number and what it counts: 1 site, 2 sites.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Count64 is [count] of counters.
func Count64(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Say writes a line of what a server says of itself.
func Say(w io.Writer, what, text string) { fmt.Fprintf(w, "  %-9s%s\n", what, text) }

// ShellWord quotes a path for a POSIX shell where it needs it.
func ShellWord(s string) string {
	if !strings.ContainsAny(s, " \t'\"\\$`&;()<>|*?[]{}#~!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Explain returns the text of an error for people: what is wrong and how to mend it, each thing once.
func Explain(err error) string {
	if p, ok := errors.AsType[*config.Problems](err); ok {
		return p.Error()
	}
	e, ok := errors.AsType[*roundtrip.Error](err)
	if !ok || e.Public == "" {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(e.Public)
	if len(e.Details) > 1 { // one alone is the sentence itself
		for _, d := range e.Details {
			if !strings.Contains(e.Public, d.Message) {
				fmt.Fprintf(&b, "\n  %s", d.Message)
			}
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "\n  cause: %v", e.Err)
	}
	return b.String()
}

// SafeJSON writes JSON in which nothing but ASCII stands, so that no text of strangers can steer a terminal.
func SafeJSON(out io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	safe := make([]byte, 0, b.Len())
	for _, r := range b.String() { // only its texts have such characters
		switch {
		case r == '\n' || r >= ' ' && r < 0x7f:
			safe = append(safe, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			safe = fmt.Appendf(safe, `\u%04x\u%04x`, hi, lo)
		default:
			safe = fmt.Appendf(safe, `\u%04x`, min(r, utf8.MaxRune))
		}
	}
	_, err := out.Write(safe)
	return err
}
