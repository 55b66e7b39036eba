package witness

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/why"
)

const (
	sawWait  = 500 * time.Millisecond // for what is about to be written: a journey ends after its answer was sent
	sawAgain = 10 * time.Millisecond
	sawMost  = 4096 // journeys that are looked through
)

// Saw says what this server saw of a probe. It waits a moment for what has to come.
func (wit *Witness) Saw(ctx context.Context, asked why.Asked) (*why.Saw, error) {
	tick := time.NewTicker(sawAgain)
	defer tick.Stop()
	end := time.NewTimer(sawWait)
	defer end.Stop()
	for {
		saw, owed := wit.saw(asked)
		if !owed && enough(saw, &asked) {
			return saw, nil
		}
		select {
		case <-tick.C:
		case <-end.C:
			return saw, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enough reports whether everything is there that the probe must have left behind, if it came here at all.
func enough(saw *why.Saw, asked *why.Asked) bool {
	if len(saw.Requests) < len(asked.Request) {
		return false
	}
	return !asked.Failed || len(saw.Drops) > 0 || len(saw.Connections) > 0
}

// saw looks once. owed says that a note of one of the requests is still to come.
func (wit *Witness) saw(asked why.Asked) (saw *why.Saw, owed bool) {
	own := wit.o.Machine().Own()
	saw = &why.Saw{Listens: wit.listens(), Own: own}
	for _, s := range wit.o.Recorder.Select(trace.Filter{Kinds: []trace.Kind{trace.Query, trace.Request, trace.Connection}, Since: asked.Since}, sawMost) {
		id := s.ID.String()
		switch {
		case s.Kind == trace.Query && id == asked.Query:
			saw.Queries = append(saw.Queries, wit.viewOf(&s))
		case s.Kind == trace.Request && slices.Contains(asked.Request, id):
			owed = owed || s.Awaits
			saw.Requests = append(saw.Requests, wit.viewOf(&s))
		case s.Kind == trace.Connection:
			if exact, ok := isOurs(&s, &asked); ok {
				saw.Connections = append(saw.Connections, why.Connection{Exact: exact, View: wit.viewOf(&s)})
			}
		}
	}
	slices.SortStableFunc(saw.Connections, func(x, y why.Connection) int { // those that are certain first
		switch {
		case x.Exact == y.Exact:
			return 0
		case x.Exact:
			return -1
		}
		return 1
	})
	if len(asked.To) == 0 {
		return saw, owed
	}
	wit.sawDoors(saw, &asked)
	return saw, owed
}

// viewOf is a journey as the operator of this machine sees it.
func (wit *Witness) viewOf(s *trace.Snapshot) trace.View {
	return s.View(trace.Operator, wit.o.Book.Where)
}

// isOurs reports whether a connection is one of those that the probe tried: for certain by its port, else by what it was for.
// Where no translator of addresses can stand between, one from another address is a stranger's.
func isOurs(s *trace.Snapshot, asked *why.Asked) (exact, ok bool) {
	for _, h := range s.Hops {
		if h.Layer != trace.TCP || h.N[0] == 0 {
			continue
		}
		return true, slices.ContainsFunc(asked.From, func(f netip.AddrPort) bool { return int64(f.Port()) == h.N[0] })
	}
	refused := s.Reason != trace.None
	if s.Client.IsValid() && len(asked.From) > 0 && !slices.ContainsFunc(asked.From, func(f netip.AddrPort) bool { return mayBe(f.Addr(), s.Client.Unmap()) }) {
		return false, false
	}
	return false, refused && (s.Host == "" || strings.EqualFold(s.Host, asked.Host) || strings.HasPrefix(s.Reason.Code(), "firewall."))
}

// mayBe reports whether what was sent from one address may come in from another.
func mayBe(from, client netip.Addr) bool {
	return from == client || !from.IsValid() || from.IsUnspecified() || from.IsPrivate() || client.IsLoopback() && from.IsLoopback()
}

// sawDoors says what the firewall did with the last try, and what it would do.
func (wit *Witness) sawDoors(saw *why.Saw, asked *why.Asked) {
	p := wit.o.House().Doors
	if p == nil {
		return
	}
	from, to := asked.From[len(asked.From)-1], asked.To[len(asked.To)-1]
	remote := from.Addr()
	for _, d := range wit.o.Seen.Watch().Packets(asked.Since) {
		exact := slices.ContainsFunc(asked.From, func(f netip.AddrPort) bool {
			return f.Port() == d.From.Port() && (f.Addr().IsUnspecified() || f.Addr() == d.From.Addr().Unmap())
		})
		if d.Protocol != firewall.TCP || !exact || d.To.Port() != asked.Port {
			continue
		}
		remote = d.From.Addr().Unmap()
		door := doorOf(p.Explain(firewall.Flow{Protocol: firewall.TCP, Remote: remote, Port: asked.Port}), wit.o.Wall.Enforced().Mode)
		saw.Drops = append(saw.Drops, why.Drop{
			Exact: true, Reason: d.Reason.Code(), Text: door.Text, Evidence: trace.Reported.String(), Fix: door.Fix, Where: door.Where,
		})
	}
	if !remote.IsValid() || remote.IsUnspecified() { // the client does not know from which of its addresses it tried
		remote = probeSource(wit, to)
	}
	if remote.IsValid() {
		saw.Door = doorOf(p.Explain(firewall.Flow{Protocol: firewall.TCP, Remote: remote, Port: asked.Port}), wit.o.Wall.Enforced().Mode)
	}
}

// probeSource is the address from which this machine speaks with itself.
func probeSource(wit *Witness, to netip.AddrPort) netip.Addr {
	if to.Addr().IsLoopback() || slices.Contains(wit.o.Machine().Own(), to.Addr()) {
		return to.Addr()
	}
	return netip.Addr{}
}

// doorOf puts an explanation into the words of a probe.
func doorOf(e firewall.Explanation, mode string) *why.Door {
	d := &why.Door{Allowed: e.Allowed, Mode: mode, Rule: e.Rule, Where: e.Where, Evidence: trace.Predicted.String(), Text: e.Because}
	if e.Allowed {
		return d
	}
	reason := trace.ReasonOf("firewall.no_rule")
	d.Reason, d.Fix = reason.Code(), reason.Fix()
	d.Text = "no rule allows " + e.Flow
	if len(e.Blockers) > 0 {
		d.Text += "; the nearest: " + e.Blockers[0].Why
		d.Where = e.Blockers[0].Where
	}
	if len(e.Would) > 0 {
		d.Fix = "it would pass if " + strings.Join(e.Would, ", or if ")
	}
	return d
}
