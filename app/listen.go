package app

import (
	"context"
	"net"
	"net/http"

	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
)

// listen opens the doors and makes the gate for them.
func (a *App) listen(ctx context.Context) (d *doors.Doors, err error) {
	d = &doors.Doors{}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if declare.IsSecure(a.config) {
		if d.Secure, err = doors.TCP(ctx, a.options.HTTPS, "--https"); err != nil {
			return d, err
		}
		if a.config.Gate.HTTP3 {
			d.Packets = a.listenUDP(ctx, d.Secure.Addr())
		}
	}
	if d.Plain, err = doors.TCP(ctx, a.options.HTTP, "--http"); err != nil {
		return d, err
	}
	if d.Control, err = control.Listen(ctx, a.config); err != nil {
		return d, err
	}
	limits, err := limit.New(limit.Options{Now: a.around.Now, Account: a.account})
	if err != nil {
		return d, err
	}
	page, err := a.witness.Page()
	if err != nil {
		return d, err
	}
	d.Gate, err = gate.New(gate.Options{
		Table: a.house.Load().table, Recorder: a.recorder, Certs: a.base.certs, Now: a.around.Now, Log: a.log,
		Packets: d.Packets, Limits: limits, HTTPSPort: doors.Port(d.Secure), Dev: a.options.Dev, Enter: a.guard.Enter, Probe: a.witness.ProbeOf, Lookup: a.lookedUp, Diagnose: page, Timing: a.witness.IsVisit, Peers: peers(a.config), Times: gate.Times{
			Header: a.config.Gate.Header, Idle: a.config.Gate.Idle, Stall: a.config.Gate.Stall, Drain: a.config.Gate.Drain,
		},
	})
	if err == nil {
		d.Gate.SwapHeaders(a.config.Journeys.Headers)
	}
	a.gate = d.Gate
	return d, err
}

// peers is whom the gate believes, and how many it takes.
func peers(c *config.Config) gate.Peers {
	return gate.Peers{
		TrustedProxies: c.Gate.TrustedProxies, ProxyProtocol: c.Gate.ProxyProtocol, Connections: c.Gate.Connections, PerClient: c.Gate.PerClient,
	}
}

// listenUDP opens the door of HTTP/3 beside that of HTTPS. Where it can't, the site is served without: clients know HTTP/3
// only from answers that name it.
func (a *App) listenUDP(ctx context.Context, beside net.Addr) net.PacketConn {
	c, err := new(net.ListenConfig).ListenPacket(ctx, "udp", beside.String())
	if err != nil {
		a.log.Warn("HTTP/3 is not served: its UDP port can't be opened. Free it, or say gate.http3: false", "address", beside.String(), "error", err)
		return nil
	}
	return c
}

// account says for limits per account who is signed in, 0 for a stranger.
func (a *App) account(r *http.Request) int64 {
	token := caller.Token(r)
	if token == "" {
		return 0
	}
	who, err := a.house.Load().identity.Who(r.Context(), token)
	if err != nil || who.Stranger() {
		return 0 // the API will say what is wrong with the token
	}
	return int64(who.ID)
}
