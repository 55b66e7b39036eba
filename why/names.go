package why

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// goNames finds the addresses of the target as a browser of this machine would, and asks the unique name and our own server
// beside it.
func (p *probe) goNames(ctx context.Context) {
	began := p.o.Now()
	n := &Names{}
	p.facts.Names = n
	host := strings.ToLower(p.facts.Target.Host)
	switch a, literal := p.facts.Target.Addr(); {
	case literal:
		n.Source, n.Addresses = Literal, []netip.Addr{a}
	case p.o.Resolve[host].IsValid():
		n.Source, n.Addresses = Given, []netip.Addr{p.o.Resolve[host]}
	default:
		p.askNames(ctx, n, host)
	}
	n.Took = p.o.Now().Sub(began)
}

func (p *probe) askNames(ctx context.Context, n *Names, host string) {
	stub := &p.o.Resolver
	n.Source = Resolver
	if found := stub.hosts(host); len(found) > 0 {
		n.Source, n.Via, n.Addresses = Hosts, orElse(stub.HostsFile, "/etc/hosts"), found
	} else if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		n.Source, n.Addresses = Localhost, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	var group sync.WaitGroup
	if n.Source == Resolver {
		group.Go(func() { n.Real = stub.look(ctx, host) })
		if p.begun != nil && p.begun.Probe != "" {
			group.Go(func() {
				l := stub.look(ctx, p.begun.Probe)
				n.Probe = &l
			})
		}
	}
	if p.begun != nil && p.begun.Zone != "" {
		group.Go(func() { n.Direct = p.askOurs(ctx, host) })
	}
	group.Wait()
	if n.Source == Resolver {
		n.Via, n.Addresses = n.Real.Server, slices.Clone(n.Real.Addresses)
	}
	if n.Source == Resolver && p.begun != nil && p.begun.Zone != "" && !n.Probe.Has() && n.Real.Answered() {
		n.Parent = stub.parentOf(ctx, p.begun.Zone)
	}
}

// askOurs asks our own name server at every address where it may be reached; the first answer counts.
func (p *probe) askOurs(ctx context.Context, host string) *Lookup {
	at := p.begun.Names
	if len(at) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	answers := make(chan Lookup, len(at))
	for _, server := range at {
		go func() { answers <- p.o.Resolver.ask(ctx, server.String(), host, false) }()
	}
	var last Lookup
	for range at {
		if last = <-answers; last.Answered() {
			break
		}
	}
	return &last
}

// ttlText says how long something is still kept.
func ttlText(d time.Duration) string { return d.Round(time.Second).String() }
