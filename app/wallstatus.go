package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// wallStatus is how the firewall stands.
type wallStatus struct {
	Mode      string           `json:"mode"` // kernel, process, off
	Why       string           `json:"why,omitempty"`
	Running   bool             `json:"running"` // a server runs
	Until     *time.Time       `json:"confirm_until,omitempty"`
	Groups    []string         `json:"groups"`
	Behind    bool             `json:"behind"` // the kernel has other groups than the declaration
	Kernel    kernel.State     `json:"kernel"`
	Unread    string           `json:"unread,omitempty"` // why the kernel could not be asked
	Conntrack kernel.Conntrack `json:"conntrack"`
	Process   []processRule    `json:"process,omitempty"` // what the rules have admitted where the server enforces them
	Doors     []kernel.Door    `json:"reachable"`
	Marks     *marksAre        `json:"marks,omitempty"`       // whether requests can name their rule; none: no marks are declared
	Stale     int              `json:"stale_flows,omitempty"` // live flows that no rule allows any more
}

// well reports whether the kernel has what it ought to have.
func (s *wallStatus) well() bool {
	return len(s.Kernel.Drift) == 0 && (s.Mode != byKernel || !s.Behind)
}

// status looks at the kernel and at what listens. p is the policy in force, nil for none.
func (w *wall) status(ctx context.Context, p *firewall.Policy, how enforced) (wallStatus, error) {
	s := wallStatus{Mode: how.Mode, Why: how.Why, Running: true, Groups: []string{}, Conntrack: kernel.ReadConntrack()}
	standing, err := w.hands.Standing()
	if err != nil {
		return s, err
	}
	if !standing.Until.IsZero() {
		s.Until = &standing.Until
	}
	if p != nil {
		if err := w.loadStamps(); err != nil {
			return s, err
		}
		s.Groups = p.Groups()
		s.Behind = standing.InForce != nil && standing.InForce.Digest() != kernel.PlanOf(p, w.stamps.Number).Digest()
	}
	if s.Kernel, err = w.table.State(ctx, standing.InForce); err != nil {
		s.Unread = roundtrip.AsError(err).Public
	}
	sockets, err := kernel.Sockets(true)
	if err != nil {
		return s, nil //nolint:nilerr // another system: what listens is not known
	}
	switch s.Mode {
	case byKernel:
		s.Doors = kernel.Doors(p, sockets, nil)
	case byProcess:
		s.Doors = kernel.Doors(p, sockets, func(s kernel.Socket) bool { return s.PID == os.Getpid() })
	default:
		s.Doors = kernel.Doors(nil, sockets, nil)
	}
	return s, nil
}

// FirewallStatus prints how the firewall stands, and reports whether the kernel has what it ought to have.
func FirewallStatus(ctx context.Context, o FirewallOptions, s Surroundings) (well bool, err error) {
	_, h, wrong := doorsOf(o, s)
	if h == nil {
		return false, wrong
	}
	var reply bytes.Buffer
	running, err := askServer(ctx, h.config, "firewall", wallCommand{Do: "status"}, &reply)
	if err != nil {
		return false, err
	}
	var st wallStatus
	switch {
	case running:
		err = json.Unmarshal(reply.Bytes(), &st)
	case wrong != nil: // a server that runs knows its role; here nobody does
		return false, wrong
	default:
		st, err = statusHere(ctx, h, o, s)
	}
	if err != nil {
		return false, err
	}
	if o.JSON {
		e := json.NewEncoder(s.Out)
		e.SetIndent("", "  ")
		return st.well(), e.Encode(st)
	}
	writeStatus(s.Out, &st, s.Now())
	return st.well(), nil
}

// statusHere looks without a server.
func statusHere(ctx context.Context, h *house, o FirewallOptions, s Surroundings) (wallStatus, error) {
	w, err := wallOf(o, s)
	if err != nil {
		return wallStatus{}, err
	}
	how := enforced{byNobody, "no server runs, and the kernel has no groups of ours (roundtrip firewall apply brings them in)"}
	if w == nil {
		sockets, err := kernel.Sockets(true)
		return wallStatus{Mode: how.Mode, Why: how.Why, Groups: h.doors.Groups(), Conntrack: kernel.ReadConntrack(), Doors: kernel.Doors(nil, sockets, nil)}, err
	}
	standing, err := w.hands.Standing()
	if err != nil {
		return wallStatus{}, err
	}
	_, there, err := w.table.Digest(ctx)
	switch {
	case err != nil:
		how.Why = "no server runs, and the kernel can't be asked"
	case there && standing.InForce != nil:
		how = enforced{Mode: byKernel, Why: "no server runs: the table that the last one left stays"}
	case standing.InForce != nil && h.config.Firewall.Enforce != config.EnforceProcess:
		how.Why = "no server runs, and our table is gone from the kernel"
	}
	st, err := w.status(ctx, h.doors, how)
	st.Running = false
	return st, err
}

// writeStatus writes the status for people.
func writeStatus(out io.Writer, s *wallStatus, now time.Time) {
	sayAt(out, "mode", s.Mode)
	say := func(what, text string) {
		for i, line := range wrap(text, columns-11) {
			if i > 0 {
				what = ""
			}
			sayAt(out, what, line)
		}
	}
	if s.Why != "" {
		say("", s.Why)
	}
	if s.Until != nil {
		say("waits", fmt.Sprintf("to be confirmed; taken back in %s (roundtrip firewall confirm)", age(s.Until.Sub(now))))
	}
	say("groups", strings.Join(s.Groups, ", "))
	if s.Mode == byKernel && s.Behind {
		say("behind", "the declaration says something else than the kernel has (roundtrip firewall apply brings it in)")
	}
	if s.Unread != "" {
		say("unread", s.Unread)
	}
	if c := s.Conntrack; c.Max > 0 {
		text := fmt.Sprintf("%d of %d connections", c.Count, c.Max)
		if c.NearlyFull() {
			text += ": nearly full; when it is, new ones are dropped whatever the rules say. Raise net.netfilter.nf_conntrack_max"
		}
		say("tracked", text)
	}
	if m := s.Marks; m != nil && !m.Arrive {
		say("marks", "accepted connections do not keep them, so journeys name the rule that is predicted: "+m.Fix)
	}
	if s.Stale > 0 {
		say("go on", count(s.Stale, "flow")+" that no rule allows any more (roundtrip firewall flows --removed; cut --removed ends them)")
	}
	for _, d := range s.Kernel.Drift {
		say("DRIFT", d)
	}
	writeRules(out, &s.Kernel)
	writeProcessRules(out, s.Process)
	writeDoors(out, s)
}

// writeRules writes what each rule has admitted, and what was dropped.
func writeRules(out io.Writer, s *kernel.State) {
	if len(s.Rules)+len(s.Drops) == 0 {
		return
	}
	rows := make([][]string, 0, len(s.Rules)+len(s.Drops))
	for _, r := range s.Rules {
		rows = append(rows, []string{shorten(r.Name, ruleColumns), direction(r.Out), fmt.Sprint(r.Packets), fmt.Sprint(r.Bytes)})
	}
	for _, d := range s.Drops {
		rows = append(rows, []string{"dropped: " + strings.ReplaceAll(d.Reason, "_", " "), direction(d.Out), fmt.Sprint(d.Packets), fmt.Sprint(d.Bytes)})
	}
	fmt.Fprintln(out)
	writeTable(out, []string{"RULE", "WAY", "PACKETS", "BYTES"}, rows)
	fmt.Fprintln(out, "A rule counts the first packet of each connection; the rest pass with it.")
}

func direction(out bool) string {
	if out {
		return "out"
	}
	return "in"
}

const (
	ruleColumns = 40 // how much of a rule's name is shown
	fromColumns = 30 // and of who can reach a port
	byColumns   = 22 // and of the rules that let them
	progColumns = 15
)

// writeDoors writes which ports can be reached, and by whom.
func writeDoors(out io.Writer, s *wallStatus) {
	if len(s.Doors) == 0 {
		return
	}
	rows := make([][]string, 0, len(s.Doors))
	for _, d := range s.Doors {
		from, by, program := strings.Join(d.From, ", "), strings.Join(d.Rules, ", "), d.Program
		if from == "" {
			from = "nobody"
		}
		if by == "" {
			by = "-"
		}
		if program == "" {
			program = "?"
		}
		row := []string{fmt.Sprintf("%s/%d", d.Protocol, d.Port), shorten(program, progColumns), shorten(from, fromColumns), shorten(by, byColumns)}
		if !slices.ContainsFunc(rows, func(r []string) bool { return slices.Equal(r, row) }) { // IPv4 and IPv6 are often alike
			rows = append(rows, row)
		}
	}
	fmt.Fprintln(out)
	writeTable(out, []string{"LISTENS", "PROGRAM", "CAN BE REACHED FROM", "BY"}, rows)
}
