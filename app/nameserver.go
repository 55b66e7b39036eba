package app

import (
	"net/netip"

	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// The name server is in app/names; here it is joined with the house.

// machine is where this server runs, for what is derived from that.
func (a *App) machine() *names.Machine {
	return &names.Machine{
		HTTPS: a.options.HTTPS, HTTP: a.options.HTTP, DNS: a.options.DNS, Dev: a.options.Dev, Serves: a.serves, Open: a.doors,
		Addresses: a.around.Addresses, Log: a.log,
	}
}

func (a *App) facts(c *config.Config) *derive.Facts { return a.machine().Facts(c) }

// openNames makes the name server ready.
func (a *App) openNames(b *base) (*names.Server, error) {
	return names.Open(a.config, names.Options{
		Listen: a.options.DNS, Dev: a.options.Dev, Now: a.around.Now, Rand: a.around.Rand, Log: a.log, Recorder: a.recorder,
		Probe: b.probe, Cookie: b.dnsCookie,
		Config: func() *config.Config { return a.house.Load().config }, Facts: a.facts, Upstreams: b.ups.State,
		Refused: a.whyRefused, Admit: a.guard.Query,
		Visit: func(port uint16) func(*trace.Journey, bool, netip.AddrPort) {
			return a.guard.Visit(port, a.lookups.note)
		},
	})
}

// whyRefused is why the declaration on the disk is not in force, "" where it is.
func (a *App) whyRefused() string {
	if text := a.refused.Load(); text != nil {
		return *text
	}
	return ""
}
