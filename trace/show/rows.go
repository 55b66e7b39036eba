package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// The columns of a row: two spaces, layer, mark, name, bar, time, evidence, each with a space behind it.
const (
	layerColumns    = 8
	timeColumns     = 8
	evidenceColumns = 9
	fixedColumns    = 2 + layerColumns + 1 + 2 + 1 + 1 + timeColumns + 1 + evidenceColumns
	nameLeast       = 14
	nameMost        = 44
	barLeast        = 12
)

// rows draws the hops below each other, each with its bar.
func (d *drawing) rows() {
	if len(d.spans) == 0 {
		return
	}
	names := nameLeast
	for i := range d.spans {
		names = max(names, length(d.text(rowName(&d.spans[i]))))
	}
	free := d.width() - fixedColumns
	names = min(names, nameMost, max(nameLeast, free*3/7))
	a := newAxis(d.spans, d.v.MS, max(barLeast, free-names))
	unit := "ms"
	if a.log {
		unit = "ms, log"
	}
	d.say()
	d.say(d.paint(dim, "  "+pad("hop", layerColumns+1+2+names)+" "+a.scale()+" "+padLeft(unit, timeColumns)))
	for i := range d.spans {
		d.row(&d.spans[i], a, names)
	}
	if rest := notReached(d.v); len(rest) > 0 {
		d.say(d.paint(dim, d.glyphs("  "+strings.Join(rest, " · ")+"   not reached")))
	}
}

func (d *drawing) row(s *span, a *axis, names int) {
	layer, mark, name, took, evidence := "", " ", clipMiddle(d.text(rowName(s)), names), padLeft(rowTime(s), timeColumns), ""
	colour := ""
	if h := s.hop; h != nil {
		layer, mark, evidence = h.Layer, d.mark(h.Verdict), h.Evidence
		if s.decided {
			colour = red
		}
	} else {
		colour = dim
	}
	line := "  " + pad(d.text(layer), layerColumns) + " " + mark + " " + d.paint(colour, pad(d.glyphs(name), names)) + " "
	line += d.paint(colour, pad(d.area(s, a), a.columns)) + " " + took
	if evidence != "" {
		line += " " + d.paint(dim, evidence)
	}
	d.say(strings.TrimRight(line, " "))
}

// area is the bar of a row, and what there is to tell of it where the bar leaves room.
func (d *drawing) area(s *span, a *axis) string {
	aside := ""
	if s.hop != nil && !s.decided {
		aside = d.text(s.hop.Note)
		if s.hop.Note == s.hop.Where {
			aside = ""
		}
	}
	if s.hop != nil && aside == "" && len(s.hop.N) == 2 && s.hop.Layer == trace.Pool.String() && s.hop.N[0] > 0 {
		aside = fmt.Sprintf("%d/%d", s.hop.N[0], s.hop.N[1])
	}
	if s.early() {
		if aside != "" {
			aside = ", " + aside
		}
		return d.glyphs(clip(ago(time.Duration(-s.to*float64(time.Millisecond)))+" before"+aside, a.columns))
	}
	bar := d.glyphs(a.bar(*s))
	if s.hop == nil {
		bar = strings.Map(func(r rune) rune {
			if r == ' ' {
				return r
			}
			return '.'
		}, bar)
	}
	const asideLeast = 4
	switch room := a.columns - length(bar) - 1; {
	case aside == "":
	case room >= min(length(aside), 2*asideLeast):
		bar += " " + d.glyphs(clip(aside, room))
	default: // before the bar, where that begins late
		blank := length(bar) - length(strings.TrimLeft(bar, " "))
		if text := clip(aside, blank-1); length(text) >= min(length(aside), 2*asideLeast) {
			bar = pad(d.glyphs(text), blank) + strings.TrimLeft(bar, " ")
		}
	}
	return bar
}

// rowName is what stands in the second column.
func rowName(s *span) string {
	h := s.hop
	if h == nil {
		return "unaccounted"
	}
	switch markOf(h.Verdict) {
	case markOK, markNo: // the mark says it all
		if h.Name != "" {
			return h.Name
		}
	}
	return strings.TrimSpace(h.Verdict + " " + h.Name)
}

// rowTime is the time of a row, nothing where the hop only noted what was.
func rowTime(s *span) string {
	if s.to-s.from < 0.0005 {
		return ""
	}
	return strings.TrimSuffix(millis(s.to-s.from), " ms")
}
