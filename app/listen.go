package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
)

// doors are the open listeners and the gate behind them.
type doors struct {
	gate    *gate.Gate
	secure  net.Listener   // nil where no site has TLS
	packets net.PacketConn // of HTTP/3; nil where it is not served
	plain   net.Listener
	control net.Listener // a Unix socket for this machine's operator
}

// listen opens the doors and makes the gate for them.
func (a *App) listen(ctx context.Context) (d *doors, err error) {
	d = &doors{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if isSecure(a.config) {
		if d.secure, err = listenTCP(ctx, a.options.HTTPS, "--https"); err != nil {
			return d, err
		}
		if a.config.Gate.HTTP3 {
			d.packets = a.listenUDP(ctx, d.secure.Addr())
		}
	}
	if d.plain, err = listenTCP(ctx, a.options.HTTP, "--http"); err != nil {
		return d, err
	}
	if d.control, err = listenControl(ctx, a.config); err != nil {
		return d, err
	}
	limits, err := limit.New(limit.Options{Now: a.around.Now, Account: a.account})
	if err != nil {
		return d, err
	}
	page, err := a.diagnosis()
	if err != nil {
		return d, err
	}
	d.gate, err = gate.New(gate.Options{
		Table: a.house.Load().table, Recorder: a.recorder, Certs: a.base.certs, Now: a.around.Now, Log: a.log,
		Packets: d.packets, Limits: limits, HTTPSPort: port(d.secure), Dev: a.options.Dev, Enter: a.enterDoor, Probe: a.probeOf, Lookup: a.lookedUp, Diagnose: page, Timing: a.isVisit, Peers: peers(a.config), Times: gate.Times{
			Header: a.config.Gate.Header, Idle: a.config.Gate.Idle, Stall: a.config.Gate.Stall, Drain: a.config.Gate.Drain,
		},
	})
	if err == nil {
		d.gate.SwapHeaders(a.config.Journeys.Headers)
	}
	a.gate = d.gate
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

// listenTCP opens one door, and says what to do if it can't.
func listenTCP(ctx context.Context, address, flag string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "start.address_in_use", Err: err, Public: fmt.Sprintf(
			"another program listens on %s already: stop it, or choose another address with %s", address, flag)}
	case errors.Is(err, syscall.EACCES):
		return nil, &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "start.address_forbidden", Err: err, Public: fmt.Sprintf(
			"this user may not listen on %s: run as root, allow it (setcap cap_net_bind_service=+ep on the program), or choose a port above 1023 with %s", address, flag)}
	}
	return nil, &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "start.address", Err: err, Public: fmt.Sprintf(
		"can't listen on %s: %s takes an address and a port, such as 127.0.0.1:8080, or :8080 for every address of this machine", address, flag)}
}

func (d *doors) close() {
	for _, l := range []net.Listener{d.secure, d.plain, d.control} {
		if l != nil {
			_ = l.Close() // the gate has closed it already where it ran
		}
	}
	if d.packets != nil {
		_ = d.packets.Close()
	}
}

func port(l net.Listener) int {
	if l == nil {
		return 0
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

func address(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}
