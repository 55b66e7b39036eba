// Package journeys answers who asks for journeys: [Diary] in the server that runs, the rest in the command that asks it.
package journeys

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/places"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/trace/show"
)

// Diary is what a server has of journeys, for who asks.
type Diary struct {
	Recorder   *trace.Recorder // nil: none are kept
	Book       *places.Book    // where in the declarations stands what they were decided by
	Started    time.Time       // when the server was
	Generation func() uint32   // of the declaration in force
}

// journeysCommand asks for journeys.
type journeysCommand struct {
	Kinds, Kept       []string // kinds: none leaves out connections and queries that went well, all takes everything
	Route, Host, Path string
	Reason            string
	Status            string // 404, 4, 4xx, or a call's PERMISSION_DENIED
	Most              int
	After             string // the cursor of the answer before; Live only
	Live              bool   // those that end from now on, or after the cursor
}

// JourneyList is what a server has of journeys.
type JourneyList struct {
	Journeys []trace.View `json:"journeys"` // the newest last
	Stats    trace.Stats  `json:"stats"`
	Started  time.Time    `json:"started"`          // when the server was
	Off      string       `json:"off,omitempty"`    // where the declaration says that none are kept
	Next     string       `json:"next,omitempty"`   // a cursor behind these
	Missed   int          `json:"missed,omitempty"` // how many went by between the last look and this one
}

// filter reads what journeys are wanted.
func (o *journeysCommand) filter() (trace.Filter, error) {
	f := trace.Filter{Route: o.Route, Host: o.Host, Path: o.Path}
	for _, word := range o.Kinds {
		if word == allKinds {
			continue
		}
		k, ok := kindOf(word)
		if !ok {
			return f, wrongWord("--kind", word, append(kindWords(), allKinds))
		}
		f.Kinds = append(f.Kinds, k)
	}
	for _, word := range o.Kept {
		k, ok := trace.KeptOf(word)
		if !ok {
			return f, wrongWord("--only", word, trace.KeptWords())
		}
		f.Kept |= k
	}
	if !f.SetStatus(o.Status) {
		return f, roundtrip.E(roundtrip.Invalid, "request.invalid", "--status takes a status such as 404, 4 for all of 4xx, or how a call ended, such as PERMISSION_DENIED, not %q", o.Status)
	}
	var err error
	f.Reason, err = reasonWord(o.Reason)
	return f, err
}

// allKinds is the word for every kind of journey.
const allKinds = "all"

// isDull reports whether a journey is one of the many that nobody looks for: a connection or a query that went well.
func isDull(s *trace.Snapshot) bool {
	return (s.Kind == trace.Connection || s.Kind == trace.Query) && s.Reason == trace.None
}

// othersMost is among how many connections and queries those are looked for that did not go well.
const othersMost = 512

// selectJourneys returns the newest journeys, the newest first.
func (j *Diary) selectJourneys(o *journeysCommand, f trace.Filter) []trace.Snapshot {
	if len(o.Kinds) > 0 {
		return j.Recorder.Select(f, o.Most)
	}
	lively, others := f, f
	lively.Kinds = []trace.Kind{trace.Request, trace.Drop, trace.Event, trace.Push, trace.Report}
	others.Kinds = []trace.Kind{trace.Connection, trace.Query}
	all := append(j.Recorder.Select(lively, o.Most), j.Recorder.Select(others, max(o.Most, othersMost))...)
	all = slices.DeleteFunc(all, func(s trace.Snapshot) bool { return isDull(&s) })
	slices.SortStableFunc(all, func(x, y trace.Snapshot) int { return y.Start.Compare(x.Start) })
	return all[:min(o.Most, len(all))]
}

func wrongWord(what, word string, words []string) error {
	text := fmt.Sprintf("%s takes %s, not %q", what, strings.Join(words, ", "), word)
	if near := nearest.Of(word, words); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", text)
}

func kindWords() []string {
	var words []string
	for k := trace.Request; k.String() != "unknown"; k++ {
		words = append(words, k.String())
	}
	return words
}

func kindOf(word string) (trace.Kind, bool) {
	for k := trace.Request; k.String() != "unknown"; k++ {
		if strings.EqualFold(k.String(), word) {
			return k, true
		}
	}
	return 0, false
}

// reasonWord takes a code, the first part of one, or a flag.
func reasonWord(word string) (string, error) {
	if word == "" {
		return "", nil
	}
	var codes []string
	for _, r := range trace.Reasons() {
		code := r.Code()
		if strings.EqualFold(r.Flag(), word) {
			return code, nil
		}
		if code == word || strings.HasPrefix(code, word+".") {
			return word, nil
		}
		codes = append(codes, code)
	}
	text := fmt.Sprintf("--reason takes a code, the first part of one such as cors, or a flag, not %q", word)
	if near := nearest.Of(word, codes); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return "", roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", text)
}

// List answers the order journeys.
func (j *Diary) List(_ context.Context, o journeysCommand, out io.Writer) error {
	f, err := o.filter()
	if err != nil {
		return err
	}
	l := JourneyList{Journeys: []trace.View{}, Stats: j.Recorder.Stats(), Started: j.Started}
	if j.Recorder == nil {
		l.Off = j.Book.Key(j.Generation(), "journeys")
	}
	var all []trace.Snapshot
	if o.Live {
		var next trace.Cursor
		all, next, l.Missed = j.Recorder.After(trace.ParseCursor(o.After), f, o.Most)
		l.Next = next.String()
	} else {
		all = j.selectJourneys(&o, f)
		slices.Reverse(all)
	}
	for i := range all {
		if o.Live && len(o.Kinds) == 0 && isDull(&all[i]) {
			continue
		}
		l.Journeys = append(l.Journeys, all[i].View(trace.Operator, j.Book.Where))
	}
	return json.NewEncoder(out).Encode(l)
}

// journeyCommand asks for one journey.
type journeyCommand struct{ ID string }

// JourneyAnswer is one journey with those that it is joined with.
type JourneyAnswer struct {
	Journey   trace.View   `json:"journey"`
	Linked    []trace.View `json:"linked"`    // that its links lead to, as far as they are still kept
	Following []trace.View `json:"following"` // whose links lead to it, the oldest first
}

// find finds one journey and what it is joined with.
func (j *Diary) find(id string) (*JourneyAnswer, error) {
	s, ok := j.Recorder.Find(strings.ToLower(id))
	if !ok {
		return nil, j.noJourney(id)
	}
	answer := &JourneyAnswer{Journey: s.View(trace.Operator, j.Book.Where), Linked: []trace.View{}, Following: []trace.View{}}
	for _, l := range s.Links {
		if other, ok := j.Recorder.Find(l.ID.String()); ok {
			answer.Linked = append(answer.Linked, other.View(trace.Operator, j.Book.Where))
		}
	}
	for _, other := range j.Recorder.Following(s.ID) {
		answer.Following = append(answer.Following, other.View(trace.Operator, j.Book.Where))
	}
	return answer, nil
}

// noJourney says why an id leads to nothing.
func (j *Diary) noJourney(id string) error {
	switch st := j.Recorder.Stats(); {
	case j.Recorder == nil:
		return roundtrip.E(roundtrip.Missing, "store.missing", "no journeys are kept: the declaration says journeys: off (%s)", j.Book.Key(j.Generation(), "journeys"))
	case strings.Trim(strings.ToLower(id), "0123456789abcdef") != "" || len(id) > 2*len(trace.ID{}):
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "%q is no id of a journey: expected hex digits, as in the header X-Journey", id)
	case len(id) < 6:
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "%q is too short: at least six digits of the id are needed", id)
	default:
		return roundtrip.E(roundtrip.Missing, "store.missing",
			"no journey begins with %s, or more than one does. %d are held of the %d since the start; the others had to make place. "+
				"Those that were refused, failed or were slow are held longest (docs/journeys.md)", id, st.Held, st.Recorded)
	}
}

// Show answers the order journey.
func (j *Diary) Show(_ context.Context, o journeyCommand, out io.Writer) error {
	answer, err := j.find(o.ID)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(answer)
}

// diffCommand asks for the difference of two journeys.
type diffCommand struct{ A, B string }

// JourneyDiff is two journeys beside each other.
type JourneyDiff struct {
	A      trace.View      `json:"a"`
	B      trace.View      `json:"b"`
	Hops   []show.Pair     `json:"hops"`
	Config []config.Change `json:"config"` // what the declaration of B has differently; empty where both had the same one
}

// diffJourneys compares two journeys, and the declarations that were in force.
func (j *Diary) diffJourneys(first, second string) (*JourneyDiff, error) {
	x, err := j.find(first)
	if err != nil {
		return nil, err
	}
	y, err := j.find(second)
	if err != nil {
		return nil, err
	}
	d := &JourneyDiff{A: x.Journey, B: y.Journey, Hops: show.Compare(x.Journey, y.Journey), Config: []config.Change{}}
	if d.A.Config != d.B.Config {
		d.Config = append(d.Config, j.Book.Diff(d.A.Config, d.B.Config)...)
	}
	return d, nil
}

// Diff answers the order diff.
func (j *Diary) Diff(_ context.Context, o diffCommand, out io.Writer) error {
	d, err := j.diffJourneys(o.A, o.B)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(d)
}

// pinCommand keeps a journey as long as the server runs, or lets it go.
type pinCommand struct {
	ID string
	On bool
}

// Pin answers the order pin.
func (j *Diary) Pin(_ context.Context, o pinCommand, out io.Writer) error {
	s, ok := j.Recorder.Find(strings.ToLower(o.ID))
	if !ok {
		return j.noJourney(o.ID)
	}
	if !j.Recorder.Pin(s.ID, o.On) {
		return roundtrip.E(roundtrip.Unavailable, "request.invalid", "the journey can't be pinned: as many are as may be, or it was pushed out in this moment. Let one go with roundtrip journey pin --off ID")
	}
	return json.NewEncoder(out).Encode(s.View(trace.Operator, j.Book.Where))
}
