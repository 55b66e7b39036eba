package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/trace/show"
)

const (
	journeysUsual = 100
	journeysMost  = 1000
	followingMost = 100 // a connection may have had more requests than anybody looks at
)

// sight is what an operator may see of a journey.
func sight(r *http.Request) trace.Sight {
	if o, _ := OperatorFrom(r.Context()); o.Role >= operators.Operate {
		return trace.Operator
	}
	return trace.Viewer
}

// filterOf reads the filter of a query: kinds, kept, route, host, path, reason, status.
func filterOf(q url.Values) (trace.Filter, error) {
	f := trace.Filter{Route: q.Get("route"), Host: q.Get("host"), Path: q.Get("path"), Reason: q.Get("reason")}
	for _, word := range words(q["kinds"]) {
		k, ok := kindOf(word)
		if !ok {
			return f, wrongFilter("kinds", "%q is no kind of journey; expected some of %s", word, strings.Join(kindWords(), ", "))
		}
		f.Kinds = append(f.Kinds, k)
	}
	for _, word := range words(q["kept"]) {
		k, ok := trace.KeptOf(word)
		if !ok {
			return f, wrongFilter("kept", "%q is no cause to keep a journey; expected some of %s", word, strings.Join(trace.KeptWords(), ", "))
		}
		f.Kept |= k
	}
	if text := q.Get("status"); !f.SetStatus(text) {
		return f, wrongFilter("status", "%q is no status; expected one such as 404, 4 for all of 4xx, or a call's PERMISSION_DENIED", text)
	}
	return f, nil
}

func wrongFilter(parameter, format string, args ...any) error {
	e := roundtrip.E(roundtrip.Invalid, "request.filter", format, args...)
	return e.With(roundtrip.Detail{Parameter: parameter, Code: "unknown_word", Message: e.Public})
}

// words splits values at commas.
func words(values []string) []string {
	var all []string
	for _, v := range values {
		for word := range strings.SplitSeq(v, ",") {
			if word = strings.TrimSpace(word); word != "" {
				all = append(all, word)
			}
		}
	}
	return all
}

func kindWords() []string {
	var all []string
	for k := trace.Request; k <= trace.Report; k++ {
		all = append(all, k.String())
	}
	return all
}

func kindOf(word string) (trace.Kind, bool) {
	for k := trace.Request; k <= trace.Report; k++ {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}

func (c *Console) views(r *http.Request, list []trace.Snapshot) []trace.View {
	shown := make([]trace.View, 0, len(list))
	for i := range list {
		shown = append(shown, list[i].View(sight(r), c.options.Places))
	}
	return shown
}

// journeys lists what is kept, the newest first.
func (c *Console) journeys(r *http.Request) (any, error) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	n, err := number(r, "n", journeysUsual, journeysMost)
	if err != nil {
		return nil, err
	}
	return struct {
		Journeys []trace.View `json:"journeys"`
		Stats    trace.Stats  `json:"stats"`
	}{c.views(r, c.options.Recorder.Select(f, n)), c.options.Recorder.Stats()}, nil
}

// find returns the journey of a path.
func (c *Console) find(id string) (trace.Snapshot, error) {
	if s, ok := c.options.Recorder.Find(id); ok {
		return s, nil
	}
	return trace.Snapshot{}, roundtrip.E(roundtrip.Missing, "console.not_there", "there is no journey %.40q any more: only the last ones are kept, and those that something was special about", id)
}

// journey shows one, with what followed from it and what it is linked with.
func (c *Console) journey(r *http.Request) (any, error) {
	s, err := c.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var linked []trace.Snapshot
	for _, l := range s.Links {
		if other, ok := c.options.Recorder.Find(l.ID.String()); ok {
			linked = append(linked, other)
		}
	}
	following := c.options.Recorder.Following(s.ID)
	more := max(0, len(following)-followingMost)
	return struct {
		Journey   trace.View   `json:"journey"`
		Following []trace.View `json:"following"`      // the newest last
		More      int          `json:"more,omitempty"` // that followed, too, before those
		Linked    []trace.View `json:"linked"`
	}{s.View(sight(r), c.options.Places), c.views(r, following[more:]), more, c.views(r, linked)}, nil
}

// pin keeps a journey until it is unpinned.
func (c *Console) pin(r *http.Request) (any, error) {
	var in struct {
		On bool `json:"on"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	s, err := c.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	what := "journey.unpin"
	if in.On {
		what = "journey.pin"
	}
	if err := Note(r.Context(), Entry{What: what, Target: s.ID.String()}); err != nil {
		return nil, err
	}
	if !c.options.Recorder.Pin(s.ID, in.On) {
		err := roundtrip.E(roundtrip.Unprocessable, "console.pins", "the journey can't be pinned: it is gone, or too many are pinned already")
		return nil, c.undone(r, what, s.ID.String(), err)
	}
	if s, err = c.find(s.ID.String()); err != nil {
		return nil, err
	}
	return s.View(sight(r), c.options.Places), nil
}

// diff puts two journeys beside each other, hop by hop, with what changed in the declaration between them.
func (c *Console) diff(r *http.Request) (any, error) {
	a, err := c.find(r.PathValue("a"))
	if err != nil {
		return nil, err
	}
	b, err := c.find(r.PathValue("b"))
	if err != nil {
		return nil, err
	}
	out := struct {
		A      trace.View      `json:"a"`
		B      trace.View      `json:"b"`
		Hops   []show.Pair     `json:"hops"`
		Config []config.Change `json:"config"`
	}{A: a.View(sight(r), c.options.Places), B: b.View(sight(r), c.options.Places), Config: []config.Change{}}
	out.Hops = show.Compare(out.A, out.B)
	if a.Generation != b.Generation && c.options.Diff != nil {
		out.Config = c.options.Diff(a.Generation, b.Generation)
	}
	return out, nil
}
