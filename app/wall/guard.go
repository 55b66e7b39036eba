package wall

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Guard is the firewall's word at the doors of this process. What it enforces is swapped with the declaration.
type Guard struct {
	firewall.Guard

	Seen     *Seen           // hears of what was refused; nil: nobody does
	Recorder *trace.Recorder // keeps journeys of refused queries; nil: nobody does
	Now      func() time.Time
}

// Visit puts the rule that let a query in before the other hops of its journey, and tells note of those that were answered.
func (g *Guard) Visit(port uint16, note func(*trace.Journey)) func(j *trace.Journey, udp bool, client netip.AddrPort) {
	return func(j *trace.Journey, udp bool, client netip.AddrPort) {
		f := firewall.Flow{Protocol: firewall.TCP, Remote: client.Addr(), Port: port}
		if udp {
			f.Protocol = firewall.UDP
		}
		if v := g.Look(f); v.Implied != firewall.ByAbsence {
			j.Add(v.Hop())
		}
		if j.Status == 0 {
			note(j)
		}
	}
}

// Enter is the firewall's word on a connection that comes to the gate.
func (g *Guard) Enter(c wire.Coming) (trace.Hop, error) {
	f := firewall.Flow{Protocol: firewall.TCP, Remote: c.Client, Port: c.Port}
	if c.UDP {
		f.Protocol = firewall.UDP
	}
	v := g.Admit(f)
	switch {
	case v.Implied == firewall.ByAbsence:
		return trace.Hop{}, nil
	case !v.Allowed:
		g.Seen.refused(f, v)
		return v.Hop(), &barred{guard: &g.Guard, flow: f}
	}
	if by, ok := g.Seen.stamped(c.Conn); ok {
		v = by
	}
	return v.Hop(), nil
}

// Leave is the firewall's word on connections that this server makes itself: to upstreams, webhooks and push services. It
// is the Control of their dialers.
func (g *Guard) Leave(network, address string, _ syscall.RawConn) error {
	if strings.HasPrefix(network, "unix") {
		return nil // it leads nowhere
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	f := firewall.Flow{Out: true, Protocol: firewall.TCP, Remote: to.Addr(), Port: to.Port()}
	if strings.HasPrefix(network, "udp") {
		f.Protocol = firewall.UDP
	}
	v := g.Admit(f)
	if v.Allowed {
		return nil
	}
	return &roundtrip.Error{
		Kind: roundtrip.Unavailable, Reason: v.Reason.Code(), Public: "The firewall of this server does not let the request go on.",
		Err: &barred{guard: &g.Guard, flow: f},
	}
}

// barred is why a connection may not come in. It is put into words only where somebody reads them.
type barred struct {
	guard *firewall.Guard
	flow  firewall.Flow
}

func (e *barred) Error() string {
	p, _ := e.guard.Policy()
	if p == nil {
		return trace.ReasonOf("firewall.no_rule").Text()
	}
	return e.flow.Traffic() + " " + p.Explain(e.flow).Short()
}

// Query is the firewall's word on datagrams and connections that come to the name server on a port.
func (g *Guard) Query(port uint16) func(udp bool, client netip.AddrPort) bool {
	told := &sparing{every: 100 * time.Millisecond}
	return func(udp bool, client netip.AddrPort) bool {
		f := firewall.Flow{Protocol: firewall.TCP, Remote: client.Addr(), Port: port}
		if udp {
			f.Protocol = firewall.UDP
		}
		v := g.Admit(f)
		if v.Allowed {
			return true
		}
		g.Seen.refused(f, v)
		if told.now(g.Now()) {
			g.keepBarred(v, &barred{guard: &g.Guard, flow: f})
		}
		return false
	}
}

// keepBarred keeps a journey of what may not come in.
func (g *Guard) keepBarred(v firewall.Verdict, why *barred) {
	j := g.Recorder.Begin(trace.Drop)
	if j == nil {
		return
	}
	j.Client, j.Proto = why.flow.Remote.Unmap().WithZone(""), why.flow.Traffic()
	hop := v.Hop()
	hop.Note = why.Error()
	j.Add(hop)
	g.Recorder.End(j)
}

// sparing says now and then that something may be told, so that a flood of it stays a trickle.
type sparing struct {
	every time.Duration
	last  atomic.Int64 // nanoseconds since 1970
}

func (s *sparing) now(t time.Time) bool {
	last := s.last.Load()
	return t.UnixNano()-last >= int64(s.every) && s.last.CompareAndSwap(last, t.UnixNano())
}

// RuleCount is how often a rule has let something through a door of this server.
type RuleCount struct {
	Rule  string `json:"rule"` // "" for what was refused
	Out   bool   `json:"out,omitempty"`
	Flows uint64 `json:"flows"` // connections, and datagrams of DNS
}

// Rules are how often each rule has let something through.
func (g *Guard) Rules() []RuleCount {
	var all []RuleCount
	for _, c := range g.Counts() {
		r := RuleCount{Flows: c.Flows}
		if c.Rule != nil {
			r.Rule, r.Out = c.Rule.Name, c.Rule.Out
		}
		all = append(all, r)
	}
	return all
}

func writeProcessRules(out io.Writer, all []RuleCount) {
	if len(all) == 0 {
		return
	}
	rows := make([][]string, 0, len(all))
	for _, r := range all {
		name := terminal.Shorten(r.Rule, ruleColumns)
		if r.Rule == "" {
			name = "refused: no rule"
		}
		rows = append(rows, []string{name, Direction(r.Out), fmt.Sprint(r.Flows)})
	}
	fmt.Fprintln(out)
	terminal.Table(out, []string{"RULE", "WAY", "ADMITTED"}, rows)
	fmt.Fprintln(out, "Connections, and datagrams of DNS, at the doors of this server.")
}
