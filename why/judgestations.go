package why

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// stations are those behind the gate's door, as the server's record has them: one step for each layer.
func (s *Sides) stations(v *trace.View, told said) []Step {
	if v == nil {
		return nil
	}
	var steps []Step
	var at []string // layers
	for i, h := range v.Hops {
		if slices.Contains([]string{"dns", "firewall", "tcp", "tls", "cors"}, h.Layer) && i != v.Decided {
			continue
		}
		step := stationStep(&h)
		if i == v.Decided {
			r := trace.ReasonOf(v.Reason)
			step.Flag, step.Fix, step.Where = r.Flag(), r.Fix(), orElse(v.Where, h.Where)
			if word, _, _ := strings.Cut(h.Reason, "."); told.Detail != "" && slices.Contains([]string{"route", "request", "schema", "stream", "file"}, word) {
				step.Sentence = strings.TrimSpace(printable(told.Detail) + " " + h.Note) // these tell everybody all of it
			}
		}
		k := slices.Index(at, h.Layer)
		if k < 0 {
			at, steps = append(at, h.Layer), append(steps, step)
			continue
		}
		before := steps[k]
		if i == v.Decided { // it stands for the layer; what was tried before it is told beside
			step.MS, step.Notes = step.MS+before.MS, before.Notes
			steps[k], step = step, before
		} else {
			steps[k].MS += h.MS
		}
		if note := stationNote(&step); note != "" && step.Sentence != steps[k].Sentence {
			steps[k].Notes = append(steps[k].Notes, note)
		}
	}
	for i := range steps { // the record has one deciding hop; what failed beside it was made good
		if steps[i].refused() && (v.Decided < 0 || steps[i].Reason != v.Reason) {
			steps[i].Verdict = trace.Shadowed.String()
		}
	}
	return steps
}

// stationNote tells of a further hop of a layer, where it says something.
func stationNote(s *Step) string {
	switch {
	case s.refused():
		return sentence(s.Sentence)
	case s.MS >= 1:
		return sentence(fmt.Sprintf("%s, %s", s.Sentence, duration(s.MS)))
	}
	return ""
}

func stationStep(h *trace.HopView) Step {
	text := h.Name
	if h.Note != "" && h.Note != h.Where && h.Note != h.Name {
		text = strings.TrimPrefix(text+": "+h.Note, ": ")
	}
	step := Step{
		Layer: h.Layer, Title: h.Layer, Verdict: h.Verdict, Sentence: text, MS: h.MS, Side: There, Evidence: h.Evidence,
		Reason: h.Reason, Flag: h.Flag, Where: h.Where,
	}
	if r := trace.ReasonOf(h.Reason); r != trace.None {
		step.Sentence = strings.TrimSuffix(r.Text()+" ("+text+")", " ()")
	}
	if len(h.N) == 2 && h.Layer == trace.Pool.String() {
		step.Sentence = strings.TrimSpace(step.Sentence + fmt.Sprintf(" %d of %d in use", h.N[0], h.N[1]))
	}
	return step
}

// slowAfter is from when on it is said where the time went.
const slowAfter = 300 * time.Millisecond

// well says in one sentence that it works, and where the time went.
func (s *Sides) well(a *Answer) {
	e := s.Facts.Answer
	if e == nil {
		a.Sentence = "Nothing stops it as far as was looked."
		return
	}
	a.Sentence = fmt.Sprintf("It works: %s in %.1f ms.", statusText(e.Status), millis(e.Took))
	if e.Call != nil {
		a.Sentence = fmt.Sprintf("It works: %s in %.1f ms.", e.Call.text(), millis(e.Took))
	}
	if e.Status >= 300 && e.Status < 400 && e.Status != http.StatusNotModified && e.Header.Get("Location") != "" {
		a.Sentence = fmt.Sprintf("It works: %s to %s.", statusText(e.Status), printable(e.Header.Get("Location")))
	}
	if a.Server == nil || e.Took < slowAfter || a.Server.MS < millis(slowAfter) {
		return
	}
	layer, share := slowest(a.Server)
	if share < 50 {
		return
	}
	a.Sentence = fmt.Sprintf("It works, but it took %.0f ms, and %d %% of that is %s.", a.Server.MS, share, layer)
	a.Layer = layer
	if layer == trace.SQL.String() || layer == trace.Pool.String() {
		code := map[string]string{trace.SQL.String(): "store.slow_query", trace.Pool.String(): "store.pool_exhausted"}[layer]
		r := trace.ReasonOf(code)
		a.Reason, a.Flag, a.Fix = r.Code(), r.Flag(), r.Fix()
	}
	if h := longest(a.Server, layer); h != nil {
		a.Where = h.Where
		if h.Note != "" {
			a.Sentence += " " + sentence(orElse(h.Name, layer)+": "+printable(h.Note))
		} else if h.Name != "" {
			a.Sentence += " " + sentence("The slowest: "+h.Name)
		}
	}
}

// slowest is the layer that took the largest share of the time, in percent.
func slowest(v *trace.View) (layer string, share int) {
	sums := map[string]float64{}
	for _, h := range v.Hops {
		if h.T >= 0 && h.T+h.MS <= v.MS+1 {
			sums[h.Layer] += h.MS
		}
	}
	most := 0.0
	for _, h := range v.Hops { // in their order, so that the answer is the same each time
		if sums[h.Layer] > most {
			layer, most = h.Layer, sums[h.Layer]
		}
	}
	return layer, min(100, int(100*most/v.MS+0.5))
}

func longest(v *trace.View, layer string) *trace.HopView {
	var found *trace.HopView
	for i := range v.Hops {
		if v.Hops[i].Layer == layer && (found == nil || v.Hops[i].MS > found.MS) {
			found = &v.Hops[i]
		}
	}
	return found
}
