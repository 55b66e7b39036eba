package upstreams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// UpstreamOptions says whose upstreams a command is about.
type UpstreamOptions struct {
	File string // a roundtrip.yaml or its folder
	Data string // the folder of the database, "" for the declared one
	JSON bool
}

// upstreamCommand is the order on the control socket.
type upstreamCommand struct{}

// State is one upstream of one route, as the server that runs sees it.
type State struct {
	Route string `json:"route"` // its site and path
	pool.State
}

// List returns how the upstreams of all routes are, by route and as declared in each.
func (u *Servers) List() []State {
	byRoute := u.State()
	var all []State
	for _, name := range slices.Sorted(maps.Keys(byRoute)) {
		for _, st := range byRoute[name] {
			all = append(all, State{Route: name, State: st})
		}
	}
	return all
}

// Upstreams prints how the servers behind proxy routes are, as the server that runs sees them: nobody else knows. It reports
// whether none of them is ejected or unwell.
func Upstreams(ctx context.Context, o UpstreamOptions, s process.Surroundings) (well bool, err error) {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return false, err
	}
	var answer bytes.Buffer
	running, err := control.Ask(ctx, c, "upstreams", upstreamCommand{}, &answer)
	if err != nil {
		return false, err
	}
	if !running {
		return false, errors.New("no server runs with this declaration here, and only it knows its upstreams; start it with roundtrip serve, or name the folder of --data")
	}
	var states []State
	if err := json.Unmarshal(answer.Bytes(), &states); err != nil {
		return false, err
	}
	if o.JSON {
		err = terminal.JSON(s.Out, states)
	} else {
		writeUpstreams(s.Out, states, s.Now())
	}
	return !slices.ContainsFunc(states, func(st State) bool {
		return st.Standing == pool.Ejected || st.Standing == pool.Unwell
	}), err
}

const (
	routeColumns    = 26 // how much of a route is shown
	upstreamColumns = 28 // and of an upstream's URL
)

// writeUpstreams writes the table, and below it what went wrong last with each.
func writeUpstreams(out io.Writer, states []State, now time.Time) {
	if len(states) == 0 {
		fmt.Fprintln(out, "no route of the declaration hands requests to other servers")
		return
	}
	rows := make([][]string, 0, len(states))
	for i := range states {
		st := &states[i]
		rows = append(rows, []string{
			terminal.Shorten(st.Route, routeColumns), terminal.Shorten(st.Upstream, upstreamColumns), string(st.Standing), terminal.Age(now.Sub(st.Since)), fmt.Sprint(st.Running),
		})
	}
	terminal.Table(out, []string{"ROUTE", "UPSTREAM", "IS", "FOR", "RUNS"}, rows)
	for i := range states {
		st := &states[i]
		if st.Error == "" {
			continue
		}
		text := fmt.Sprintf("%s of %s is %s; it last failed %s ago: %s", st.Upstream, st.Route, st.Standing, terminal.Age(now.Sub(st.ErrorAt)), st.Error)
		if left := st.Until.Sub(now); st.Standing == pool.Ejected && left > 0 {
			text += fmt.Sprintf(" (tried again in %s)", terminal.Age(left))
		}
		fmt.Fprintln(out)
		for _, line := range terminal.Wrap(text, terminal.Columns) {
			fmt.Fprintln(out, line)
		}
	}
}
