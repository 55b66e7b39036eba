package app

import (
	"context"
	"errors"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/dns/stub"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// listen opens the sockets of the name server where zones are declared. In dev a taken port is no reason not to run.
func (n *names) listen(ctx context.Context) error {
	a := n.app
	c := a.house.Load().config
	if len(c.DNS.Zones) == 0 {
		return nil
	}
	n.refresh()
	doors, err := listenNames(ctx, a.options.DNS)
	if err != nil && a.options.Dev {
		a.log.Warn("DNS is not served; the rest is", "error", Explain(err))
		return nil
	}
	if err != nil {
		return err
	}
	n.doors = doors
	signer, err := probe.New(a.base.probe)
	if err != nil {
		return err
	}
	if n.transfer, err = transfer.New(transfer.Options{
		Zones: n.set.Load, Declared: n.declared.Load, Now: a.around.Now, Rand: a.around.Rand, Log: a.log, Recorder: a.recorder,
	}); err != nil {
		return err
	}
	o := dns.Options{
		Zones: n.set.Load, UDP: doors.udp, TCP: doors.tcp, Recorder: a.recorder, Now: a.around.Now, Rand: a.around.Rand, Log: a.log,
		Config: c.DNS, Secret: a.base.dnsCookie, Slow: n.transfer.Serve, Probe: signer, Admit: a.queryDoor(doors.own().Port()), Visit: a.sawQuery(doors.own().Port()),
	}
	if a.options.Dev {
		forward, err := stub.New(stub.Options{Self: doors.all()})
		if err != nil {
			return err
		}
		o.Forward = forward.Forward
	}
	n.server, err = dns.New(o)
	return err
}

// run serves until ctx ends, and keeps the zones at what this machine is.
func (n *names) run(ctx context.Context) error {
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

// ready is closed when the server answers.
func (n *names) ready() <-chan struct{} {
	if n.server == nil {
		return nil
	}
	return n.server.Ready()
}

func (n *names) close() {
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
func (n *names) watch(ctx context.Context) {
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

// sawQuery puts the rule that let a query in before the other hops of its journey.
func (a *App) sawQuery(port uint16) func(j *trace.Journey, udp bool, client netip.AddrPort) {
	return func(j *trace.Journey, udp bool, client netip.AddrPort) {
		f := firewall.Flow{Protocol: firewall.TCP, Remote: client.Addr(), Port: port}
		if udp {
			f.Protocol = firewall.UDP
		}
		if v := a.guard.Look(f); v.Implied != firewall.ByAbsence {
			j.Add(v.Hop())
		}
		if j.Status == 0 {
			a.lookups.note(j)
		}
	}
}
