package main

import (
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/roundtrip-dev/roundtrip/trace/show"
)

// display says what the terminal can do: its width, colours where nobody asked for none (https://no-color.org), and Unicode
// where the locale says so. What is no terminal gets 80 columns and no colour.
func (c console) display() show.Options {
	o := show.Options{ASCII: !unicodeLocale(os.Getenv)}
	f, ok := c.out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return o
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		o.Width = width
	}
	o.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return o
}

// unicodeLocale reads the character set of the locale, as POSIX orders its variables.
func unicodeLocale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := getenv(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
