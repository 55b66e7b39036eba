package journeys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/trace/show"
)

// JourneyOptions says whose journeys a command is about, and how they are shown.
type JourneyOptions struct {
	File string // a roundtrip.yaml or its folder
	Data string // the folder of the database, "" for the declared one
	JSON bool
	Show show.Options
}

// ListOptions says which journeys are listed.
type ListOptions struct {
	JourneyOptions

	Kinds, Kept       []string
	Route, Host, Path string
	Reason            string
	Status            string
	Most              int
	Live              bool // go on with those that end from now on
}

// errNoServer tells that only a server that runs knows the answer.
func errNoServer(c *config.Config) error {
	return fmt.Errorf("no server runs here with %s, and only it remembers its journeys: start it with roundtrip dev or roundtrip serve, or name the folder of --data", c.File)
}

// Ask sends an order to the server of a declaration and reads its answer. The file may have mistakes by now: the server that
// runs was started with a better one.
func (o *JourneyOptions) Ask(ctx context.Context, s process.Surroundings, path string, order, answer any) (*config.Config, error) {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if _, mistaken := errors.AsType[*config.Problems](err); mistaken {
		half := declare.Located(o.File, o.Data, s)
		if half == nil {
			half = unread(o.File, o.Data)
		}
		if half != nil {
			c, err = half, nil
		}
	}
	if err != nil {
		return nil, err
	}
	var reply bytes.Buffer
	running, err := control.Ask(ctx, c, path, order, &reply)
	if err != nil {
		return c, err
	}
	if !running {
		return c, errNoServer(c)
	}
	return c, json.Unmarshal(reply.Bytes(), answer)
}

// unread stands for a declaration that can't be read at all by now: where a server of it has its control socket in the folder
// where data lies as long as nothing else is declared. nil where there is none.
func unread(file, data string) *config.Config {
	dir := file
	if info, err := os.Stat(file); err != nil || !info.IsDir() {
		dir = filepath.Dir(file)
	}
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	c := &config.Config{File: file, Dir: dir, Store: config.Store{Database: filepath.Join(data, "unread.db")}}
	if _, err := os.Stat(control.Path(c)); err != nil {
		return nil
	}
	return c
}

// Journeys prints the journeys that the server remembers, the newest last.
func Journeys(ctx context.Context, o ListOptions, s process.Surroundings) error {
	order := journeysCommand{
		Kinds: o.Kinds, Kept: o.Kept, Route: o.Route, Host: o.Host, Path: o.Path, Reason: o.Reason, Status: o.Status, Most: o.Most,
	}
	var l JourneyList
	c, err := o.Ask(ctx, s, "journeys", order, &l)
	if err != nil {
		return err
	}
	switch {
	case o.JSON && !o.Live:
		return terminal.SafeJSON(s.Out, l, "  ")
	case !o.JSON:
		o.list(s, c, &l)
	}
	if !o.Live || l.Off != "" {
		return nil
	}
	return o.follow(ctx, s, order)
}

// list prints journeys, or why there are none.
func (o *ListOptions) list(s process.Surroundings, c *config.Config, l *JourneyList) {
	for i := range l.Journeys {
		fmt.Fprintln(s.Out, show.Line(l.Journeys[i], o.Show))
	}
	up := terminal.Age(s.Now().Sub(l.Started))
	say := func(format string, args ...any) {
		for _, line := range o.Show.Paragraph("", fmt.Sprintf(format, args...), o.Show.Columns()) {
			fmt.Fprintln(s.Out, line)
		}
	}
	switch n := len(l.Journeys); {
	case l.Off != "":
		say("no journeys are kept: %s says journeys: off", l.Off)
	case n == 0 && l.Stats.Recorded == 0:
		say("no journey yet: the server of %s has run for %s, and nobody has asked it anything", c.File, up)
	case n == 0:
		say("none of the %d journeys that are held fits; %d ended since the start, %s ago", l.Stats.Held, l.Stats.Recorded, up)
	case o.Live:
	default:
		fmt.Fprintln(s.Out)
		say("%s of %d held; %d ended since the start, %s ago. roundtrip journey ID shows one.",
			terminal.Count(n, "journey"), l.Stats.Held, l.Stats.Recorded, up)
	}
}

// liveMost is how many journeys are fetched at once while they are followed.
const liveMost = 200

// follow goes on with what ends from now on, until ctx ends or the server stops.
func (o *ListOptions) follow(ctx context.Context, s process.Surroundings, order journeysCommand) error {
	order.Live, order.Most = true, liveMost
	tick := time.NewTicker(control.LiveEvery)
	defer tick.Stop()
	for {
		var l JourneyList
		if _, err := o.Ask(ctx, s, "journeys", order, &l); err != nil {
			if ctx.Err() != nil {
				return nil // somebody has seen enough
			}
			return err
		}
		order.After = l.Next
		if l.Missed > 0 && !o.JSON {
			fmt.Fprintf(s.Out, "         %d more went by unseen\n", l.Missed)
		}
		for i := range l.Journeys {
			if o.JSON {
				if err := terminal.SafeJSON(s.Out, l.Journeys[i], ""); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintln(s.Out, show.Line(l.Journeys[i], o.Show))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Journey draws one journey, and returns it.
func Journey(ctx context.Context, o JourneyOptions, id string, s process.Surroundings) (*trace.View, error) {
	var answer JourneyAnswer
	if _, err := o.Ask(ctx, s, "journey", journeyCommand{id}, &answer); err != nil {
		return nil, err
	}
	if o.JSON {
		return &answer.Journey, terminal.SafeJSON(s.Out, answer, "  ")
	}
	o.Show.Now, o.Show.Joined = s.Now(), joined(&answer)
	return &answer.Journey, show.Waterfall(s.Out, answer.Journey, o.Show)
}

// joined lists what a journey is joined with: what its links lead to, then what followed from it.
func joined(a *JourneyAnswer) []show.Joined {
	var all []show.Joined
	for _, l := range a.Journey.Links {
		j := show.Joined{Role: l.Role, Evidence: l.Evidence, ID: l.ID}
		for i := range a.Linked {
			if a.Linked[i].ID == l.ID {
				j.View = &a.Linked[i]
			}
		}
		all = append(all, j)
	}
	for i := range a.Following {
		f := &a.Following[i]
		j := show.Joined{Role: f.Kind, ID: f.ID, View: f}
		for _, l := range f.Links {
			if l.ID == a.Journey.ID {
				j.Evidence = l.Evidence
			}
		}
		all = append(all, j)
	}
	return all
}

// Differ draws what differs between two journeys.
func Differ(ctx context.Context, o JourneyOptions, a, b string, s process.Surroundings) error {
	var d JourneyDiff
	if _, err := o.Ask(ctx, s, "diff", diffCommand{a, b}, &d); err != nil {
		return err
	}
	if o.JSON {
		return terminal.SafeJSON(s.Out, d, "  ")
	}
	changes := make([]show.Change, len(d.Config))
	for i, c := range d.Config {
		changes[i] = show.Change(c)
	}
	return show.Diff(s.Out, d.A, d.B, changes, o.Show)
}

// PinJourney keeps a journey as long as the server runs; on false lets it go again.
func PinJourney(ctx context.Context, o JourneyOptions, id string, on bool, s process.Surroundings) error {
	var pinned trace.View
	if _, err := o.Ask(ctx, s, "pin", pinCommand{id, on}, &pinned); err != nil {
		return err
	}
	words := "not pinned any more: "
	if on {
		words = "pinned until the server stops: "
	}
	fmt.Fprintln(s.Out, words+pinned.ID)
	return nil
}
