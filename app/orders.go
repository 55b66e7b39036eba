package app

import (
	"context"
	"encoding/json"
	"io"

	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/journeys"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/people"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/app/wall"
)

// orders are the commands that a running server takes, by their path on the control socket.
func (a *App) orders() map[string]control.Order {
	j := &journeys.Diary{Recorder: a.recorder, Book: &a.book, Started: a.started, Generation: func() uint32 { return a.house.Load().generation }}
	return map[string]control.Order{
		"user": control.Taking(func(ctx context.Context, o people.Command, out io.Writer) error {
			return a.house.Load().desk().Do(ctx, o, a.around.Now(), out)
		}),
		"webhooks": control.Taking(a.doWebhooks),
		"drops": control.Taking(func(ctx context.Context, o wall.DropsCommand, out io.Writer) error {
			return json.NewEncoder(out).Encode(a.seen.Drops(ctx, o))
		}),
		"flows":    control.Taking(func(_ context.Context, o wall.FlowsCommand, out io.Writer) error { return a.seen.Flows(o, out) }),
		"firewall": control.Taking(a.doWall),
		"certs": func(_ context.Context, _ *json.Decoder, out io.Writer) error {
			return terminal.JSON(out, a.base.certs.States())
		},
		"upstreams": func(_ context.Context, _ *json.Decoder, out io.Writer) error {
			return terminal.JSON(out, a.base.ups.List())
		},
		"journeys": control.Taking(j.List),
		"journey":  control.Taking(j.Show),
		"diff":     control.Taking(j.Diff),
		"pin":      control.Taking(j.Pin),
		"status": func(ctx context.Context, _ *json.Decoder, out io.Writer) error {
			return json.NewEncoder(out).Encode(a.looked.Look(ctx))
		},
		"why-begin": control.Taking(a.witness.DoBegin),
		"why-saw":   control.Taking(a.witness.DoSaw),
		"why-end":   control.Taking(a.witness.DoEnd),

		"operator": control.Taking(a.doOperator),
		"zone":     a.nameOrder("zone"),
		"explain":  a.nameOrder("explain"),
		"names":    a.nameOrder("names"),
	}
}

func (a *App) nameOrder(path string) control.Order {
	return control.Taking(func(_ context.Context, o names.Command, out io.Writer) error { return a.names.Do(path, o, out) })
}

// runControl serves the control socket until ctx ends.
func (a *App) runControl(d *doors.Doors) func(context.Context) error {
	return func(ctx context.Context) error {
		return control.Serve(ctx, d.Control, a.orders(), func() { close(a.closing) }) // who waits for its turn would wait forever: what it waits for has ended
	}
}
