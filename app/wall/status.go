package wall

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
	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// Status is how the firewall stands.
type Status struct {
	Mode      string           `json:"mode"` // kernel, process, off
	Why       string           `json:"why,omitempty"`
	Running   bool             `json:"running"` // a server runs
	Until     *time.Time       `json:"confirm_until,omitempty"`
	Groups    []string         `json:"groups"`
	Behind    bool             `json:"behind"` // the kernel has other groups than the declaration
	Kernel    kernel.State     `json:"kernel"`
	Unread    string           `json:"unread,omitempty"` // why the kernel could not be asked
	Conntrack kernel.Conntrack `json:"conntrack"`
	Process   []RuleCount      `json:"process,omitempty"` // what the rules have admitted where the server enforces them
	Doors     []kernel.Door    `json:"reachable"`
	Marks     *marksAre        `json:"marks,omitempty"`       // whether requests can name their rule; none: no marks are declared
	Stale     int              `json:"stale_flows,omitempty"` // live flows that no rule allows any more
}

// Well reports whether the kernel has what it ought to have.
func (s *Status) Well() bool {
	return len(s.Kernel.Drift) == 0 && (s.Mode != ByKernel || !s.Behind)
}

// Status looks at the kernel and at what listens. p is the policy in force, nil for none.
func (w *Wall) Status(ctx context.Context, p *firewall.Policy, how Enforced) (Status, error) {
	s := Status{Mode: how.Mode, Why: how.Why, Running: true, Groups: []string{}, Conntrack: kernel.ReadConntrack()}
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
	case ByKernel:
		s.Doors = kernel.Doors(p, sockets, nil)
	case byProcess:
		s.Doors = kernel.Doors(p, sockets, func(s kernel.Socket) bool { return s.PID == os.Getpid() })
	default:
		s.Doors = kernel.Doors(nil, sockets, nil)
	}
	return s, nil
}

// FirewallStatus prints how the firewall stands, and reports whether the kernel has what it ought to have.
func FirewallStatus(ctx context.Context, o FirewallOptions, s process.Surroundings) (well bool, err error) {
	c, p, wrong := doorsOf(o, s)
	if c == nil {
		return false, wrong
	}
	var reply bytes.Buffer
	running, err := control.Ask(ctx, c, "firewall", Command{Do: "status"}, &reply)
	if err != nil {
		return false, err
	}
	var st Status
	switch {
	case running:
		err = json.Unmarshal(reply.Bytes(), &st)
	case wrong != nil: // a server that runs knows its role; here nobody does
		return false, wrong
	default:
		st, err = statusHere(ctx, c, p, o, s)
	}
	if err != nil {
		return false, err
	}
	if o.JSON {
		e := json.NewEncoder(s.Out)
		e.SetIndent("", "  ")
		return st.Well(), e.Encode(st)
	}
	writeStatus(s.Out, &st, s.Now())
	return st.Well(), nil
}

// statusHere looks without a server.
func statusHere(ctx context.Context, c *config.Config, p *firewall.Policy, o FirewallOptions, s process.Surroundings) (Status, error) {
	w, err := wallOf(o, s)
	if err != nil {
		return Status{}, err
	}
	how := Enforced{byNobody, "no server runs, and the kernel has no groups of ours (roundtrip firewall apply brings them in)"}
	if w == nil {
		sockets, err := kernel.Sockets(true)
		return Status{Mode: how.Mode, Why: how.Why, Groups: p.Groups(), Conntrack: kernel.ReadConntrack(), Doors: kernel.Doors(nil, sockets, nil)}, err
	}
	standing, err := w.hands.Standing()
	if err != nil {
		return Status{}, err
	}
	_, there, err := w.table.Digest(ctx)
	switch {
	case err != nil:
		how.Why = "no server runs, and the kernel can't be asked"
	case there && standing.InForce != nil:
		how = Enforced{Mode: ByKernel, Why: "no server runs: the table that the last one left stays"}
	case standing.InForce != nil && c.Firewall.Enforce != config.EnforceProcess:
		how.Why = "no server runs, and our table is gone from the kernel"
	}
	st, err := w.Status(ctx, p, how)
	st.Running = false
	return st, err
}

// writeStatus writes the status for people.
func writeStatus(out io.Writer, s *Status, now time.Time) {
	terminal.Say(out, "mode", s.Mode)
	say := func(what, text string) {
		for i, line := range terminal.Wrap(text, terminal.Columns-11) {
			if i > 0 {
				what = ""
			}
			terminal.Say(out, what, line)
		}
	}
	if s.Why != "" {
		say("", s.Why)
	}
	if s.Until != nil {
		say("waits", fmt.Sprintf("to be confirmed; taken back in %s (roundtrip firewall confirm)", terminal.Age(s.Until.Sub(now))))
	}
	say("groups", strings.Join(s.Groups, ", "))
	if s.Mode == ByKernel && s.Behind {
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
		say("go on", terminal.Count(s.Stale, "flow")+" that no rule allows any more (roundtrip firewall flows --removed; cut --removed ends them)")
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
		rows = append(rows, []string{terminal.Shorten(r.Name, ruleColumns), Direction(r.Out), fmt.Sprint(r.Packets), fmt.Sprint(r.Bytes)})
	}
	for _, d := range s.Drops {
		rows = append(rows, []string{"dropped: " + strings.ReplaceAll(d.Reason, "_", " "), Direction(d.Out), fmt.Sprint(d.Packets), fmt.Sprint(d.Bytes)})
	}
	fmt.Fprintln(out)
	terminal.Table(out, []string{"RULE", "WAY", "PACKETS", "BYTES"}, rows)
	fmt.Fprintln(out, "A rule counts the first packet of each connection; the rest pass with it.")
}

// Direction is the way of a rule.
func Direction(out bool) string {
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
func writeDoors(out io.Writer, s *Status) {
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
		row := []string{fmt.Sprintf("%s/%d", d.Protocol, d.Port), terminal.Shorten(program, progColumns), terminal.Shorten(from, fromColumns), terminal.Shorten(by, byColumns)}
		if !slices.ContainsFunc(rows, func(r []string) bool { return slices.Equal(r, row) }) { // IPv4 and IPv6 are often alike
			rows = append(rows, row)
		}
	}
	fmt.Fprintln(out)
	terminal.Table(out, []string{"LISTENS", "PROGRAM", "CAN BE REACHED FROM", "BY"}, rows)
}
