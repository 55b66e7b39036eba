package config

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// text reads a text. Numbers and truth values are none: YAML would change how they are written.
func (d *decoder) text(n *node) (string, bool) {
	if n.kind != scalarNode {
		d.wrong(n, "a text")
		return "", false
	}
	if n.typ != StringScalar {
		d.add(n, "%s takes a text, and %s is none for YAML", n.name, n.text).Expect("quotes: '%s'", n.text)
		return "", false
	}
	if i := strings.IndexFunc(n.text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 {
		d.add(n, "%s has a control character in it", n.name).Expect("a text that can be seen")
		return "", false
	}
	if strings.TrimSpace(n.text) == "" {
		d.add(n, "%s is empty", n.name).Expect("a text; or leave the key out")
		return "", false
	}
	return n.text, true
}

func (d *decoder) option(n *node, words string, options []string) (string, bool) {
	if n.kind != scalarNode {
		d.wrong(n, words)
		return "", false
	}
	if !slices.Contains(options, n.text) {
		d.add(n, "%s can't be %s", n.name, n.words()).Expect("%s", words).Near(n.text, options)
		return "", false
	}
	return n.text, true
}

func (d *decoder) truth(n *node) (value, ok bool) {
	if n.kind != scalarNode || n.typ != BoolScalar || n.text != "true" && n.text != "false" {
		d.wrong(n, "true or false")
		return false, false
	}
	return n.text == "true", true
}

func (d *decoder) integer(n *node, low, high int) (int, bool) {
	words := "a whole number from " + thousands(low) + " to " + thousands(high)
	if n.kind != scalarNode || n.typ != IntScalar {
		d.wrong(n, words)
		return 0, false
	}
	v, err := strconv.Atoi(n.text)
	if err != nil || v < low || v > high {
		d.add(n, "%s can't be %s", n.name, n.text).Expect("%s", words)
		return 0, false
	}
	return v, true
}

// names reads a list of texts.
func (d *decoder) names(n *node) []Name {
	if n.kind != listNode {
		problem := "a list of texts, such as [a, b]"
		if n.kind == scalarNode && n.typ == StringScalar {
			problem = "a list, also of one: [" + shorten(n.text) + "]"
		}
		d.wrong(n, problem)
		return nil
	}
	out := make([]Name, 0, len(n.items))
	for _, item := range n.items {
		s, ok := d.text(item)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(out, func(o Name) bool { return o.Text == s }); i >= 0 {
			d.add(item, "%q stands twice in the list", shorten(s)).Expect("it once")
			continue
		}
		out = append(out, Name{Pos: item.at, Text: s})
	}
	return out
}

// scalar keeps a value whose type another key decides.
func (d *decoder) scalar(n *node) *Scalar {
	if n.kind != scalarNode {
		d.wrong(n, "a text, a number, true or false")
		return nil
	}
	return &Scalar{Pos: n.pos, Kind: n.typ, Text: n.text}
}

const (
	durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$`
	sizePattern     = `^[0-9]+(\.[0-9]+)?(B|kB|KB|MB|GB|KiB|MiB|GiB)$`
)

// duration reads a duration within bounds, which are written as durations too.
func (d *decoder) duration(n *node, low, high string) (time.Duration, bool) {
	return withUnit(d, n, ParseDuration, low, high, "a duration with its unit (ms, s, m, h, d), such as 30s, 10m or 7d")
}

// withUnit reads a number with its unit, within bounds.
func withUnit[T cmp.Ordered](d *decoder, n *node, parse func(string) (T, bool), low, high, words string) (v T, ok bool) {
	if n.kind != scalarNode || n.typ == BoolScalar {
		d.wrong(n, words)
		return v, false
	}
	if n.typ != StringScalar {
		d.add(n, "%s: %s has no unit", n.name, n.text).Expect("%s", words)
		return v, false
	}
	if v, ok = parse(n.text); !ok {
		d.wrong(n, words)
		return v, false
	}
	least, _ := parse(low)
	most, _ := parse(high)
	if v < least || v > most {
		d.add(n, "%s can't be %s", n.name, n.text).Expect("%s to %s", low, high)
		return v, false
	}
	return v, true
}

// ParseDuration reads a duration as it is declared: numbers with units ms, s, m, h or d, such as 1h30m. A day has 24
// hours. It reports false for anything else, also for one of over 100 years.
func ParseDuration(s string) (time.Duration, bool) {
	var total float64
	for rest := s; rest != ""; {
		i := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 {
			return 0, false
		}
		value, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil {
			return 0, false
		}
		j := strings.IndexFunc(rest[i:], func(r rune) bool { return r >= '0' && r <= '9' })
		if j < 0 {
			j = len(rest) - i
		}
		unit := durationUnit(rest[i : i+j])
		if unit == 0 {
			return 0, false
		}
		total += value * float64(unit)
		rest = rest[i+j:]
	}
	if s == "" || total > float64(100*365*24*time.Hour) {
		return 0, false
	}
	return time.Duration(math.Round(total)), true
}

func durationUnit(s string) time.Duration {
	switch s {
	case "ms":
		return time.Millisecond
	case "s":
		return time.Second
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	case "d":
		return 24 * time.Hour
	}
	return 0
}

// size reads a size within bounds, which are written as sizes too.
func (d *decoder) size(n *node, low, high string) (int64, bool) {
	return withUnit(d, n, ParseSize, low, high, "a size with its unit (B, kB, MB, GB), such as 10MB")
}

// ParseSize reads a size in bytes as it is declared: a number with a unit. B, kB (or KB), MB and GB count in thousands,
// KiB, MiB and GiB in 1024s. It reports false for anything else.
func ParseSize(s string) (int64, bool) {
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i <= 0 {
		return 0, false
	}
	value, err := strconv.ParseFloat(s[:i], 64)
	unit := sizeUnit(s[i:])
	if err != nil || unit == 0 || value*unit > 1<<50 {
		return 0, false
	}
	return int64(math.Round(value * unit)), true
}

func sizeUnit(s string) float64 {
	switch s {
	case "B":
		return 1
	case "kB", "KB":
		return 1e3
	case "MB":
		return 1e6
	case "GB":
		return 1e9
	case "KiB":
		return 1 << 10
	case "MiB":
		return 1 << 20
	case "GiB":
		return 1 << 30
	}
	return 0
}

// matches makes a check of texts from an expression.
func matches(expression, otherwise string) func(string) error {
	re := regexp.MustCompile(expression)
	return func(s string) error {
		if !re.MatchString(s) {
			return mistake(otherwise)
		}
		return nil
	}
}

// mistake is what a check of texts says: "is no host name; expected …".
type mistake string

func (m mistake) Error() string { return string(m) }
