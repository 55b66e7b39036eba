package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// codeFrom is the width at which a line has room for the whole code of a reason.
const codeFrom = 110

// Line is one journey in a list: when, which, how it ended, what was asked, how long it took, and why. It is no wider than
// the terminal and has no line end.
func Line(v trace.View, o Options) string {
	why, columns := v.Flag, 3
	if o.width() >= codeFrom {
		why, columns = v.Reason, 28
	}
	outcome := v.Outcome
	if v.Flag == "" {
		for i := range v.Hops {
			if h := &v.Hops[i]; h.Verdict == trace.Shadowed.String() {
				outcome, why = h.Verdict, h.Flag
				if o.width() >= codeFrom {
					why = h.Reason
				}
			}
		}
	}
	head := v.Start.Local().Format(time.TimeOnly) + " " + short(v.ID) + " "
	tail := " " + padLeft(millis(v.MS), 8) + "  " + pad(clip(o.text(why), columns), columns)
	room := o.width() - length(head) - 2 - length(tail)
	colour := ""
	if markOf(outcome) == markNo {
		colour = red
	}
	return strings.TrimRight(o.paint(dim, head)+o.mark(outcome)+" "+pad(o.glyphs(clipMiddle(o.text(inList(&v)), room)), room)+o.glyphs(o.paint(colour, tail)), " ")
}

// inList is what a journey was about, with how it ended in the first columns.
func inList(v *trace.View) string {
	status := "   "
	switch {
	case v.Kind == trace.Query.String():
		status = "dns"
	case v.Status > 0:
		status = fmt.Sprint(v.Status)
	}
	rest := v.Host + v.Path
	switch v.Kind {
	case trace.Request.String():
		if rest = pad(v.Method, 7) + " " + rest; v.Code != "" && v.Code != "OK" {
			rest = v.Code + " " + rest
		}
	case trace.Query.String():
		rest = pad(v.Method, 7) + " " + v.Host
	case trace.Drop.String():
		rest = pad("drop", 7) + " " + v.Proto
	case trace.Connection.String():
		rest = pad("conn", 7) + " " + rest
	default:
		rest = pad(v.Kind, 7) + " " + rest
		if v.Method != "" {
			rest = pad(v.Kind, 7) + " " + v.Method + " " + v.Host + v.Path
		}
	}
	return status + " " + rest
}
