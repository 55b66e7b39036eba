package show

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Change is what two declarations have differently, as package config has it.
type Change struct {
	Path  string `json:"path"`
	Was   string `json:"was"`
	Now   string `json:"now"`
	Where string `json:"where,omitempty"`
}

// Diff draws what differs between two journeys, and between the declarations that were in force. The error is the writer's.
func Diff(w io.Writer, a, b trace.View, changes []Change, o Options) error {
	out := bufio.NewWriter(w)
	d := &drawing{Options: o, out: out, v: &b}
	for _, v := range []trace.View{a, b} {
		d.say(Line(v, o))
	}
	d.say()
	same := 0
	for _, p := range Compare(a, b) {
		if len(p.Differs) == 0 {
			same++
			continue
		}
		d.pair(&p)
	}
	switch total := b.MS - a.MS; {
	case same == len(b.Hops) && same == len(a.Hops):
		d.paragraph("", "Both went the same way, and every hop took as long, within what two runs differ by anyhow.", "")
	case same > 0:
		d.say(d.paint(dim, fmt.Sprintf("  %d hops alike; all in all %s, was %s (%+.2f ms)", same, millis(b.MS), millis(a.MS), total)))
	}
	d.say()
	d.declarations(a.Config, b.Config, changes)
	return out.Flush()
}

// pair writes one hop: how it is, how it was.
func (d *drawing) pair(p *Pair) {
	name := clip(d.text(strings.TrimSpace(p.Layer+" "+p.Name)), d.width()/3)
	line := "  " + pad(d.glyphs(name), d.width()/3) + " " + d.side(p.B) + "  was " + d.side(p.A)
	if p.A != nil && p.B != nil && (p.A.MS > 0 || p.B.MS > 0) {
		line += "  " + padLeft(fmt.Sprintf("%+.2f ms", p.MS), 11)
	}
	if p.Largest {
		line += d.paint(yellow, d.glyphs("  ◄ largest"))
	}
	d.say(strings.TrimRight(line, " "))
	for _, h := range []*trace.HopView{p.B, p.A} {
		if h != nil && h.Reason != "" {
			d.paragraph("    ", h.Flag+" "+h.Reason+": "+trace.ReasonOf(h.Reason).Text(), dim)
			break
		}
	}
}

const sideColumns = 16

// side is one hop in the columns of a comparison.
func (d *drawing) side(h *trace.HopView) string {
	if h == nil {
		return pad("not there", sideColumns)
	}
	text := h.Verdict
	if h.MS > 0 {
		text = millis(h.MS)
		if h.Verdict != trace.OK.String() {
			text += " " + h.Verdict
		}
	}
	return d.mark(h.Verdict) + " " + pad(clip(text, sideColumns-2), sideColumns-2)
}

// declarations writes what changed in the file in between.
func (d *drawing) declarations(a, b uint32, changes []Change) {
	switch {
	case a == b:
		d.say(d.paint(dim, fmt.Sprintf("  The declaration was the same: generation %d.", b)))
		return
	case len(changes) == 0:
		d.paragraph("", fmt.Sprintf("The declaration was another one (generation %d, was %d), but says the same; or one of both is forgotten.", b, a), dim)
		return
	}
	d.say(fmt.Sprintf("  declaration generation %d, was %d", b, a))
	for _, c := range changes {
		text := c.Path + "  " + c.Was + " → " + c.Now
		switch {
		case c.Was == "":
			text = c.Path + "  new: " + c.Now
		case c.Now == "":
			text = c.Path + "  gone: " + c.Was
		}
		if len(changes) == 1 {
			text += "  ◄ only change"
		}
		for i, line := range wrap(d.text(text), d.width()-4) {
			d.say(strings.Repeat(" ", 4+2*min(i, 1))[:4], line)
		}
		if c.Where != "" {
			d.say(d.paint(dim, "      "+d.text(c.Where)))
		}
	}
}
