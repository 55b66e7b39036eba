package names

import (
	"context"
	"errors"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/dns/stub"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// Listen opens the sockets of the name server where zones are declared. In dev a taken port is no reason not to run.
func (n *Server) Listen(ctx context.Context) error {
	o := &n.o
	c := o.Config()
	if len(c.DNS.Zones) == 0 {
		return nil
	}
	n.refresh()
	doors, err := listenNames(ctx, o.Listen)
	if err != nil && o.Dev {
		o.Log.Warn("DNS is not served; the rest is", "error", terminal.Explain(err))
		return nil
	}
	if err != nil {
		return err
	}
	n.doors = doors
	signer, err := probe.New(o.Probe)
	if err != nil {
		return err
	}
	if n.transfer, err = transfer.New(transfer.Options{
		Zones: n.set.Load, Declared: n.declared.Load, Now: o.Now, Rand: o.Rand, Log: o.Log, Recorder: o.Recorder,
	}); err != nil {
		return err
	}
	serve := dns.Options{
		Zones: n.set.Load, UDP: doors.udp, TCP: doors.tcp, Recorder: o.Recorder, Now: o.Now, Rand: o.Rand, Log: o.Log,
		Config: c.DNS, Secret: o.Cookie, Slow: n.transfer.Serve, Probe: signer, Admit: o.Admit(doors.own().Port()), Visit: o.Visit(doors.own().Port()),
	}
	if o.Dev {
		forward, err := stub.New(stub.Options{Self: doors.all()})
		if err != nil {
			return err
		}
		serve.Forward = forward.Forward
	}
	n.server, err = dns.New(serve)
	return err
}

// Run serves until ctx ends, and keeps the zones at what this machine is.
func (n *Server) Run(ctx context.Context) error {
	if n.server == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var notify error
	group.Go(func() { notify = n.transfer.Run(ctx) })
	group.Go(func() { n.watch(ctx) })
	err := n.server.Run(ctx)
	cancel()
	group.Wait()
	return errors.Join(err, notify)
}

// Runs reports whether the name server has its sockets. It is nil's too: a command has none.
func (n *Server) Runs() bool { return n != nil && n.server != nil }

// Zones are those that are served now, nil for none. It is nil's too.
func (n *Server) Zones() *zone.Set {
	if n == nil {
		return nil
	}
	return n.set.Load()
}

// At says where DNS is served, "" for nowhere; All has the addresses of the sockets, and Own is one at which this machine reaches
// its own name server, not valid where there is none.
func (n *Server) At() string { return n.doors.addresses() }

// All is said at [names.At].
func (n *Server) All() []netip.AddrPort { return n.doors.all() }

// Own is said at [names.At].
func (n *Server) Own() netip.AddrPort { return n.doors.own() }

// Ready is closed when the server answers.
func (n *Server) Ready() <-chan struct{} {
	if n.server == nil {
		return nil
	}
	return n.server.Ready()
}

// Close closes the sockets, where any are open.
func (n *Server) Close() {
	if n.doors != nil {
		n.doors.close()
	}
}

const (
	healthEvery  = 500 * time.Millisecond // how often it is looked at which upstreams are well
	healthApart  = 3 * time.Second        // how far apart changes for their sake are, since each is a new serial
	machineEvery = 30 * time.Second       // how often the addresses of this machine are looked at
)

// watch follows the health of upstreams and the addresses of the machine until ctx ends.
func (n *Server) watch(ctx context.Context) {
	health, machine := time.NewTicker(healthEvery), time.NewTicker(machineEvery)
	defer health.Stop()
	defer machine.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-health.C:
			n.followHealth()
			if n.large.Swap(false) {
				debug.FreeOSMemory()
			}
		case <-machine.C:
			n.refresh()
		}
	}
}
