package app

import (
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/overview"
	"github.com/roundtrip-dev/roundtrip/app/witness"
)

// Those who look at the stations from beside the path, and what they are given.

// openOverview makes who looks at all stations, when all of them are there.
func (a *App) openOverview() {
	a.looked = overview.New(overview.Options{
		Now: a.around.Now, Recorder: a.recorder, Book: &a.book, Refused: a.whyRefused, Doors: a.doors, Names: a.names,
		Guard: &a.guard, Wall: a.wall, Seen: a.seen, Certs: a.base.certs, Upstreams: a.base.ups, Store: a.base.store, Streams: a.base.live,
		House: func() overview.House {
			h := a.house.Load()
			return overview.House{Config: h.config, Doors: h.doors, Generation: h.generation}
		},
	})
}

// openWitness makes who testifies of probes. The gate asks it, so that it comes before the doors.
func (a *App) openWitness() (err error) {
	a.witness, err = witness.New(witness.Options{
		Dev: a.options.Dev, Authority: a.base.authority, Key: a.base.probe, Now: a.around.Now, Rand: a.around.Rand, Log: a.log,
		Recorder: a.recorder, Book: &a.book, Names: a.names, Machine: a.machine, Wall: a.wall, Seen: a.seen,
		Doors: func() *doors.Doors { return a.doors },
		House: func() witness.House {
			h := a.house.Load()
			return witness.House{Config: h.config, Doors: h.doors, Desk: h.desk()}
		},
	})
	return err
}
