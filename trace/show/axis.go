package show

import (
	"math"
	"strconv"
	"strings"
)

// axis maps the times of a journey, in milliseconds since its start, to columns.
type axis struct {
	from, to float64
	columns  int
	log      bool    // both ways from the start of the request
	unit     float64 // log: what is shorter is drawn to scale
}

const (
	earlyMax = 1000.0 // ms: what ended longer before the request is told and not drawn
	momentMS = 0.01   // what takes less has no scale
	logAbove = 4.0    // how much longer the connection took than the request where the scale becomes one of logarithms
)

// newAxis looks at what is to be drawn.
func newAxis(spans []span, total float64, columns int) *axis {
	a := &axis{to: max(total, momentMS), columns: columns}
	for _, s := range spans {
		if s.early() {
			continue
		}
		a.from, a.to = min(a.from, s.from), max(a.to, s.to)
	}
	if -a.from > logAbove*a.to {
		a.log, a.unit = true, a.to/4
	}
	return a
}

// at returns the column of a time, with its fraction, from 0 to the number of columns.
func (a *axis) at(t float64) float64 {
	f := func(t float64) float64 { return t }
	if a.log {
		f = func(t float64) float64 { return math.Copysign(math.Log1p(math.Abs(t)/a.unit), t) }
	}
	x := (f(t) - f(a.from)) / (f(a.to) - f(a.from)) * float64(a.columns)
	return min(max(x, 0), float64(a.columns))
}

// bar draws a span in eighths of a column. It returns how many columns it takes with what is before it.
func (a *axis) bar(s span) string {
	const eighths = "▏▎▍▌▋▊▉█"
	marks := []rune(eighths)
	from, to := a.at(s.from), a.at(s.to)
	first := min(int(from), a.columns-1)
	if to-float64(first) <= 1 || to-from < 1.0/8 { // within one column
		n := int(math.Ceil((to - float64(first)) * 8))
		if to-from < 1.0/8 {
			n = 1
		}
		return strings.Repeat(" ", first) + string(marks[min(max(n, 1), 8)-1])
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", first))
	switch part := from - float64(first); {
	case part < 0.25:
		b.WriteRune('█')
	case part < 0.75:
		b.WriteRune('▐')
	default:
		b.WriteRune('▕')
	}
	whole := int(to)
	b.WriteString(strings.Repeat("█", max(0, whole-first-1)))
	if n := int((to - float64(whole)) * 8); n > 0 && whole > first {
		b.WriteRune(marks[n-1])
	}
	return b.String()
}

// scale writes the line of times above the bars.
func (a *axis) scale() string {
	line := []rune(strings.Repeat(" ", a.columns))
	if a.to <= momentMS && a.from == 0 {
		return string(line)
	}
	taken := 0 // up to where the line is written
	for _, t := range a.ticks() {
		text := strconv.FormatFloat(t, 'f', -1, 64)
		at := int(a.at(t))
		at = min(at, a.columns-len(text))
		if at < taken || at < 0 {
			continue
		}
		copy(line[at:], []rune(text))
		taken = at + len(text) + 1
	}
	return string(line)
}

// ticks chooses round times.
func (a *axis) ticks() []float64 {
	if a.log {
		var all []float64
		for t := math.Pow(10, math.Floor(math.Log10(-a.from))); t > a.unit; t /= 10 {
			all = append(all, -clean(t))
		}
		return append(all, 0, round(a.to))
	}
	const apart = 8 // columns, at the least
	step := niceStep((a.to - a.from) * apart / float64(a.columns))
	var all []float64
	for i := math.Ceil(a.from / step); i*step <= a.to; i++ {
		t := clean(i * step)
		if t == 0 {
			t = 0 // not the negative one
		}
		all = append(all, t)
	}
	return all
}

// niceStep returns the next of 1, 2, 5 times a power of ten.
func niceStep(least float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(least)))
	for _, f := range []float64{1, 2, 5} {
		if f*p >= least {
			return f * p
		}
	}
	return 10 * p
}

// clean takes off what binary fractions leave behind.
func clean(f float64) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 6, 64), 64)
	return v
}

// round leaves two digits.
func round(f float64) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 2, 64), 64)
	return v
}
