package app

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
)

// plainLog writes what the server has to say as lines for people, among those of the requests: `roundtrip dev` runs in a
// terminal, where JSON is hard to read.
type plainLog struct {
	mu    *sync.Mutex // guards out
	out   io.Writer
	attrs string // those of With, as they are written
	group string
}

func newPlainLog(out io.Writer) *plainLog { return &plainLog{mu: &sync.Mutex{}, out: out} }

// Enabled lets through what is for the operator.
func (l *plainLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle writes one line: the time, the message, and what belongs to it.
func (l *plainLog) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString("  " + r.Time.Local().Format(time.TimeOnly) + "  ")
	if r.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(visible(r.Message) + l.attrs)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(l.attr(a))
		return true
	})
	b.WriteByte('\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.out, b.String())
	return err
}

// WithAttrs returns a log whose lines have more to them.
func (l *plainLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *l
	for _, a := range attrs {
		more.attrs += l.attr(a)
	}
	return &more
}

// WithGroup returns a log whose names have a prefix.
func (l *plainLog) WithGroup(name string) slog.Handler {
	more := *l
	more.group += name + "."
	return &more
}

func (l *plainLog) attr(a slog.Attr) string {
	text := visible(a.Value.Resolve().String())
	if text == "" {
		return ""
	}
	return "  " + l.group + a.Key + ": " + text
}

// visible leaves nothing in a text that could steer a terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
