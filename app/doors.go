package app

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// assembleDoors compiles the security groups of this machine (2 may this address connect?).
func (a *App) assembleDoors(h *house) error {
	c := h.config.Firewall
	if c == nil {
		return nil
	}
	who, err := a.whoIs(h.config)
	if err != nil {
		return err
	}
	p, mistakes := firewall.Compile(c, who)
	if p == nil {
		return doorProblems(h.config, mistakes).Err()
	}
	h.doors = p
	for _, m := range mistakes {
		text := m.Message
		if m.Expected != "" {
			text += "; expected " + m.Expected
		}
		h.warnings = append(h.warnings, policy.Warning{Pos: m.Pos, Message: text})
	}
	return nil
}

// doorProblems lists what is wrong with the groups, as the other mistakes of the declaration are.
func doorProblems(c *config.Config, mistakes []firewall.Mistake) *config.Problems {
	p := c.Problems()
	for _, m := range mistakes {
		if !m.Warning {
			p.Add(m.Pos, "%s", m.Message).Expected = m.Expected
		}
	}
	return p
}

// whoIs says which roles this machine has: the ones that --role names, or those among whose addresses is one of its own. In
// dev, and where a command looks at a declaration that is another machine's, it has them all.
func (a *App) whoIs(c *config.Config) (firewall.Who, error) {
	f, problems := c.Firewall, c.Problems()
	if len(a.options.Roles) > 0 {
		known := roleNames(f)
		for _, role := range a.options.Roles {
			if !slices.Contains(known, role) {
				problems.Add(f.Pos, "--role %s names no role of the firewall", role).Expect("one of %s", strings.Join(known, ", ")).Near(role, known)
			}
		}
		return firewall.Who{Roles: a.options.Roles}, problems.Err()
	}
	if len(f.Machines) == 0 || a.around.Addresses == nil || a.options.Dev || !a.serves {
		return firewall.Who{Every: true}, nil
	}
	own, err := a.around.Addresses()
	if err != nil {
		return firewall.Who{}, err
	}
	roles := firewall.RolesOf(f, own)
	if len(roles) == 0 {
		problems.Add(f.Pos, "no address of this machine stands under machines:, so it is not known which groups hold for it").
			Expect("one of %s there, or --role with one of %s", addressList(own), strings.Join(roleNames(f), ", "))
	}
	return firewall.Who{Roles: roles}, problems.Err()
}

func roleNames(f *config.Firewall) []string {
	var all []string
	for _, at := range f.Attach {
		all = append(all, at.Role)
	}
	return all
}

// rolesHere are the roles of this machine in the firewall that is in force.
func (a *App) rolesHere() []string {
	if p := a.house.Load().doors; p != nil {
		return p.Roles()
	}
	return nil
}

// addressList joins the addresses by which others may know this machine.
func addressList(own []netip.Addr) string {
	var all []string
	for _, addr := range own {
		if addr.IsGlobalUnicast() {
			all = append(all, addr.String())
		}
	}
	if len(all) == 0 {
		return "its addresses"
	}
	return strings.Join(all, ", ")
}

// enterDoor is the firewall's word on a connection that comes to the gate.
func (a *App) enterDoor(c wire.Coming) (trace.Hop, error) {
	f := firewall.Flow{Protocol: firewall.TCP, Remote: c.Client, Port: c.Port}
	if c.UDP {
		f.Protocol = firewall.UDP
	}
	v := a.guard.Admit(f)
	switch {
	case v.Implied == firewall.ByAbsence:
		return trace.Hop{}, nil
	case !v.Allowed:
		a.seen.refused(f, v)
		return v.Hop(), &barred{guard: &a.guard, flow: f}
	}
	if by, ok := a.seen.stamped(c.Conn); ok {
		v = by
	}
	return v.Hop(), nil
}

// leaveDoor is the firewall's word on connections that this server makes itself: to upstreams, webhooks and push services. It
// is the Control of their dialers.
func (a *App) leaveDoor(network, address string, _ syscall.RawConn) error {
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
	v := a.guard.Admit(f)
	if v.Allowed {
		return nil
	}
	return &roundtrip.Error{
		Kind: roundtrip.Unavailable, Reason: v.Reason.Code(), Public: "The firewall of this server does not let the request go on.",
		Err: &barred{guard: &a.guard, flow: f},
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

// queryDoor is the firewall's word on datagrams and connections that come to the name server on a port.
func (a *App) queryDoor(port uint16) func(udp bool, client netip.AddrPort) bool {
	told := &sparing{every: 100 * time.Millisecond}
	return func(udp bool, client netip.AddrPort) bool {
		f := firewall.Flow{Protocol: firewall.TCP, Remote: client.Addr(), Port: port}
		if udp {
			f.Protocol = firewall.UDP
		}
		v := a.guard.Admit(f)
		if v.Allowed {
			return true
		}
		a.seen.refused(f, v)
		if told.now(a.around.Now()) {
			a.keepBarred(v, &barred{guard: &a.guard, flow: f})
		}
		return false
	}
}

// keepBarred keeps a journey of what may not come in.
func (a *App) keepBarred(v firewall.Verdict, why *barred) {
	j := a.recorder.Begin(trace.Drop)
	if j == nil {
		return
	}
	j.Client, j.Proto = why.flow.Remote.Unmap().WithZone(""), why.flow.Traffic()
	hop := v.Hop()
	hop.Note = why.Error()
	j.Add(hop)
	a.recorder.End(j)
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

// processRule is how often a rule has let something through a door of this server.
type processRule struct {
	Rule  string `json:"rule"` // "" for what was refused
	Out   bool   `json:"out,omitempty"`
	Flows uint64 `json:"flows"` // connections, and datagrams of DNS
}

func (a *App) processRules() []processRule {
	var all []processRule
	for _, c := range a.guard.Counts() {
		r := processRule{Flows: c.Flows}
		if c.Rule != nil {
			r.Rule, r.Out = c.Rule.Name, c.Rule.Out
		}
		all = append(all, r)
	}
	return all
}

func writeProcessRules(out io.Writer, all []processRule) {
	if len(all) == 0 {
		return
	}
	rows := make([][]string, 0, len(all))
	for _, r := range all {
		name := shorten(r.Rule, ruleColumns)
		if r.Rule == "" {
			name = "refused: no rule"
		}
		rows = append(rows, []string{name, direction(r.Out), fmt.Sprint(r.Flows)})
	}
	fmt.Fprintln(out)
	writeTable(out, []string{"RULE", "WAY", "ADMITTED"}, rows)
	fmt.Fprintln(out, "Connections, and datagrams of DNS, at the doors of this server.")
}
