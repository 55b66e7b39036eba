package overview

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/journeys"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/trace/show"
)

// Status draws how all stations of the server that runs are, on one screen, and returns it.
func Status(ctx context.Context, o journeys.JourneyOptions, s process.Surroundings) (*console.Overview, error) {
	var v console.Overview
	if _, err := o.Ask(ctx, s, "status", struct{}{}, &v); err != nil {
		return nil, err
	}
	if o.JSON {
		return &v, terminal.SafeJSON(s.Out, v, "  ")
	}
	for _, line := range statusLines(&v, o.Show) {
		fmt.Fprintln(s.Out, line)
	}
	return &v, nil
}

// WorstLayer returns the layer of the first station that is down, 0 where none is. A station of no layer, such as the
// declaration, is the application's.
func WorstLayer(v *console.Overview) trace.Layer {
	for i := range v.Stations {
		if v.Stations[i].State != console.Down {
			continue
		}
		for l := trace.DNS; l.String() != "unknown"; l++ {
			if l.String() == v.Stations[i].Layer {
				return l
			}
		}
		return trace.App
	}
	return 0
}

const titleColumns = 12

// statusLines draws an overview: the one sentence, what to do, then a line for each station. What is off shares one, so that
// all fits a screen.
func statusLines(v *console.Overview, o show.Options) []string {
	width := o.Columns()
	lines := o.Paragraph("", v.Name+": "+v.Sentence, width)
	var off []string
	worst := worstOf(v.Stations)
	if worst != nil && worst.Fix != "" {
		fix := worst.Fix
		if worst.Where != "" {
			fix += " (" + worst.Where + ")"
		}
		lines = append(lines, o.Paragraph("Fix: ", fix, width)...)
	}
	lines = append(lines, "")
	for i := range v.Stations {
		s := &v.Stations[i]
		if s.State == console.Off {
			off = append(off, s.Title)
			continue
		}
		text := o.Clip(o.Text(s.Sentence), width-2-2-titleColumns-1)
		lines = append(lines, "  "+o.Mark(stateVerdict(s.State))+" "+s.Title+strings.Repeat(" ", max(1, titleColumns+1-len(s.Title)))+text)
	}
	if len(off) > 0 {
		list := o.Paragraph("", strings.Join(off, ", "), width-4-titleColumns-1)
		for i, line := range list {
			head := "    " + strings.Repeat(" ", titleColumns+1)
			if i == 0 {
				head = "  " + o.Mark(trace.Skip.String()) + " " + "not used" + strings.Repeat(" ", titleColumns+1-len("not used"))
			}
			lines = append(lines, head+line)
		}
	}
	return lines
}

// worstOf is the station that the sentence of an overview is about, nil where all are well.
func worstOf(all []console.Station) *console.Station {
	var worst *console.Station
	for i := range all {
		s := &all[i]
		if s.Layer == declarationLayer && s.State == console.Warn && (worst == nil || worst.State != console.Down) {
			return s // what was changed last is the first to be looked at
		}
		if worse(s.State) >= worse(console.Warn) && (worst == nil || sooner(s, worst) < 0) {
			worst = s
		}
	}
	return worst
}

// sooner orders stations by which is to be looked at first: what is down, then what requests have met, the newest first, since
// that is what somebody has just done; then the order of the path.
func sooner(a, b *console.Station) int {
	if c := cmp.Compare(worse(b.State), worse(a.State)); c != 0 {
		return c
	}
	return b.Since.Compare(a.Since)
}

// stateVerdict is the verdict whose mark stands for a state.
func stateVerdict(s console.State) string {
	switch s {
	case console.Well:
		return trace.OK.String()
	case console.Warn:
		return trace.Wait.String()
	case console.Down:
		return trace.Fail.String()
	case console.Off:
	}
	return trace.Skip.String()
}
