package overview

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/console"
)

// journeys is whether what happens is recorded.
func (l *look) journeys() console.Station {
	s := console.Station{Layer: "journeys", Title: "Journeys", State: console.Off, Sentence: "journeys: off keeps none, so that nobody can see what happened", Where: l.where("journeys")}
	if l.of.Recorder == nil {
		return s
	}
	s.State, s.Sentence = console.Well, l.traffic.sentence()
	st := l.of.Recorder.Stats()
	t := console.Table{Title: "Recorder", Columns: []string{"what", "how many"}}
	add := func(what string, n uint64) {
		t.Rows = append(t.Rows, console.Row{State: console.Well, Cells: []string{what, fmt.Sprint(n)}})
	}
	add("ended since the start", st.Recorded)
	add("can be looked at now", uint64(st.Held))
	add("of these, held longer than most", uint64(st.HeldKept))
	add("pinned", uint64(st.Pinned))
	add("let go, since their network had its share", st.Bounded)
	add("hops that had no room", st.Hops)
	add("lines of the log that were lost", st.LogLines)
	if st.LogLines > 0 {
		s.State, s.Fix = console.Warn, "look at the disk that standard error goes to"
		s.Sentence = fmt.Sprintf("%d lines of the log could not be written", st.LogLines)
	}
	s.Tables = append(s.Tables, t)
	return s
}

// declarationLayer is what the station of the declaration has in place of a layer.
const declarationLayer = "config"

// generationsShown is how many declarations the station of the declaration lists.
const generationsShown = 8

// declaration is whether the file on the disk is in force.
func (l *look) declaration() console.Station {
	c := l.house.Config
	s := console.Station{Layer: declarationLayer, Title: "Declaration", State: console.Well, Where: c.File}
	s.Sentence = fmt.Sprintf("generation %d of %s is in force", l.config, c.File)
	switch refused := l.of.Refused(); {
	case refused != "":
		s.State, s.Sentence = console.Warn, "the file on the disk was refused, what was in force before still is: "+strings.TrimSuffix(oneLine(refused), ".")
		s.Fix = "correct the file and save it: roundtrip check shows its mistakes, roundtrip plan what it would change"
	default:
		if now, err := os.ReadFile(c.File); err == nil && !bytes.Equal(now, c.Source) {
			s.State, s.Sentence = console.Warn, "the file on the disk has changed and was not read again"
			s.Fix = "send the server SIGHUP (systemctl reload), which reads it"
		}
	}
	t := console.Table{Title: "Generations", Columns: []string{"generation", "in force for", "changes"}}
	for i, g := range l.of.Book.Generations() {
		if i == generationsShown {
			break
		}
		var paths []string
		for _, change := range g.Changes {
			paths = append(paths, change.Path)
		}
		t.Rows = append(t.Rows, console.Row{State: console.Well, Cells: []string{fmt.Sprint(g.Number), terminal.Age(l.now.Sub(g.At)), strings.Join(paths, ", ")}})
	}
	s.Tables = append(s.Tables, t)
	return s
}
