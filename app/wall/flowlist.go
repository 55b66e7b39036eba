package wall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/flows"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// FlowsOptions says which live flows a command is about.
type FlowsOptions struct {
	File    string               // a roundtrip.yaml or its folder
	Data    string               // the folder of the database, "" for the declared one
	Rule    string               // those that this rule let in: web 2; "" for those of all
	Removed bool                 // those that no rule allows any more
	JSON    bool                 // list them as JSON
	Sure    func() (bool, error) // asks whether to cut; nil: it is sure
}

// FlowsCommand is the order on the control socket.
type FlowsCommand struct {
	Rule    string
	Removed bool
	Cut     bool
}

// flowsAnswer is the flows, and what came of cutting them.
type flowsAnswer struct {
	Mode    string    `json:"mode"`  // kernel, process, off
	Flows   []flowAs  `json:"flows"` // 10,000 at the most, those first that could not be opened now
	Total   int       `json:"total"`
	Marks   *marksAre `json:"marks,omitempty"`
	Cut     int       `json:"cut"`     // flows that were ended
	Sockets int       `json:"sockets"` // of them those whose socket was this machine's: the other end was told
	Faults  []string  `json:"faults,omitempty"`

	stale, allowed int // how many of each are listed
}

// marksAre is whether accepted connections have the marks of the kernel, so that requests name their rule.
type marksAre struct {
	Mask   uint32 `json:"mask"`
	Arrive bool   `json:"arrive"`
	Fix    string `json:"fix,omitempty"`
}

// flowAs is one live flow.
type flowAs struct {
	Traffic  string `json:"traffic"` // tcp/443
	Out      bool   `json:"out,omitempty"`
	Remote   string `json:"remote"`
	Local    string `json:"local"`
	Rule     string `json:"rule,omitempty"` // that let it in
	Says     string `json:"says,omitempty"` // what that rule says, or said
	Removed  bool   `json:"removed"`        // that rule is gone
	Evidence string `json:"evidence"`
	Allowed  bool   `json:"allowed"` // it could be opened now
	Because  string `json:"because,omitempty"`
	Bytes    uint64 `json:"bytes,omitempty"`
}

// Flows lists the flows that an order is about, and cuts them where it says so.
func (s *Seen) Flows(order FlowsCommand, out io.Writer) error {
	a := flowsAnswer{Mode: s.o.Kernel.Enforced().Mode, Flows: []flowAs{}}
	s.mu.Lock()
	p := s.policy
	s.mu.Unlock()
	if p == nil {
		a.Mode = byNobody
	} else {
		a.Marks = marksOf(p.Declared())
	}
	order.Rule = ruleName(order.Rule)
	standing := p != nil && slices.ContainsFunc(p.Rules(), func(r *firewall.Rule) bool { return r.Name == order.Rule })
	table, err := flows.Open(flows.Options{})
	if err != nil {
		return roundtrip.E(roundtrip.Unavailable, "firewall.kernel", "the kernel's table of connections can't be read: %s", err)
	}
	var chosen []flows.Flow // to be cut when the table has told of all: it is not to be changed while it does
	err = s.surveyOf(table, func(v *watch.Live) {
		if !order.wants(v, standing) {
			return
		}
		a.add(v)
		if order.Cut {
			chosen = append(chosen, v.Flow)
		}
	})
	for i := range chosen {
		a.cut(table, &chosen[i])
	}
	if err = errors.Join(err, table.Close()); err != nil {
		return err
	}
	sortFlows(a.Flows)
	return json.NewEncoder(out).Encode(a)
}

// flowsMost is how many flows an answer lists, half of them those that could be opened now: a table may have a million.
const flowsMost = 10_000

// add lists a flow, as long as there is room.
func (a *flowsAnswer) add(v *watch.Live) {
	a.Total++
	room := &a.stale
	if v.Allowed {
		room = &a.allowed
	}
	if *room < flowsMost/2 {
		*room++
		a.Flows = append(a.Flows, flowOf(v))
	}
}

// wants reports whether an order is about a flow. A rule's name means the rule that is in force; where none has it (standing
// is false), or the flows of removed rules are wanted, the one that had it last.
func (o FlowsCommand) wants(v *watch.Live, standing bool) bool {
	if o.Removed && v.Allowed {
		return false
	}
	return o.Rule == "" || (v.Rule == o.Rule && (o.Removed || v.Removed != standing))
}

// ruleName is the name of a rule as it may be typed: web 2 is web rule 2.
func ruleName(typed string) string {
	words := strings.Fields(typed)
	if len(words) == 2 {
		return words[0] + " rule " + words[1]
	}
	return strings.Join(words, " ")
}

// cut ends one flow.
func (a *flowsAnswer) cut(table *flows.Table, f *flows.Flow) {
	done, err := table.Cut(f)
	if err != nil && !slices.Contains(a.Faults, err.Error()) {
		a.Faults = append(a.Faults, err.Error())
	}
	if done.Entry || done.Socket {
		a.Cut++
	}
	if done.Socket {
		a.Sockets++
	}
}

// marksOf says whether requests can name their rule; nil where no marks are declared.
func marksOf(c *config.Firewall) *marksAre {
	m := marksAre{Mask: c.Marks.Mask}
	if m.Mask == 0 {
		return nil
	}
	var err error
	if m.Arrive, m.Fix, err = watch.MarksArrive(); err != nil {
		m.Fix = err.Error()
	}
	return &m
}

// AddTo adds to a status what is known of marks and of flows that go on. Where the flows can't be listed, they are not counted.
func (s *Seen) AddTo(status *Status, p *firewall.Policy) {
	if status.Mode != ByKernel || p == nil {
		return
	}
	status.Marks = marksOf(p.Declared())
	_ = s.survey(func(v *watch.Live) { // what was counted before it failed is there at least
		if !v.Allowed {
			status.Stale++
		}
	})
}

func flowOf(v *watch.Live) flowAs {
	remote := v.From
	if v.Asked.Out {
		remote = v.To
	}
	f := flowAs{
		Traffic: v.Asked.Traffic(), Out: v.Asked.Out, Remote: remote.String(), Local: v.Local.String(), Rule: v.Rule, Says: v.Says,
		Removed: v.Removed, Evidence: v.Evidence.String(), Allowed: v.Allowed, Because: v.Because, Bytes: v.Bytes,
	}
	if remote.Port() == 0 {
		f.Remote, f.Local = remote.Addr().String(), v.Local.Addr().String()
	}
	return f
}

// sortFlows puts those that no rule allows any more first.
func sortFlows(all []flowAs) {
	slices.SortFunc(all, func(a, b flowAs) int {
		if a.Allowed != b.Allowed {
			if b.Allowed {
				return -1
			}
			return 1
		}
		if c := strings.Compare(a.Rule, b.Rule); c != 0 {
			return c
		}
		return strings.Compare(a.Remote, b.Remote)
	})
}

func askFlows(ctx context.Context, o FlowsOptions, s process.Surroundings, cut bool) (*flowsAnswer, error) {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return nil, err
	}
	var answer bytes.Buffer
	running, err := control.Ask(ctx, c, "flows", FlowsCommand{Rule: o.Rule, Removed: o.Removed, Cut: cut}, &answer)
	if err != nil {
		return nil, err
	}
	if !running {
		return nil, errNobodySees()
	}
	a := &flowsAnswer{}
	return a, json.Unmarshal(answer.Bytes(), a)
}

// Flows prints the live flows of this machine with the rules that let them in.
func Flows(ctx context.Context, o FlowsOptions, s process.Surroundings) error {
	a, err := askFlows(ctx, o, s, false)
	if err != nil {
		return err
	}
	if o.JSON {
		e := json.NewEncoder(s.Out)
		e.SetIndent("", "  ")
		return e.Encode(a)
	}
	writeFlows(s.Out, a, flowsShown)
	return nil
}

// Cut ends live flows: those of a rule, or those that no rule allows any more. It asks first, unless it is sure.
func Cut(ctx context.Context, o FlowsOptions, s process.Surroundings) error {
	a, err := askFlows(ctx, o, s, false)
	if err != nil {
		return err
	}
	if len(a.Flows) == 0 {
		fmt.Fprintln(s.Out, "There is no such flow.")
		return nil
	}
	if o.Sure != nil {
		writeFlows(s.Out, a, flowsShown)
		fmt.Fprintf(s.Out, "\nEnd %s? Type yes: ", terminal.Count(a.Total, "flow"))
		if sure, err := o.Sure(); err != nil || !sure {
			fmt.Fprintln(s.Out, "Nothing was ended.")
			return err
		}
	}
	if a, err = askFlows(ctx, o, s, true); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "Ended %s, %s of them with a reset to the other end.\n", terminal.Count(a.Cut, "flow"), fmt.Sprint(a.Sockets))
	if len(a.Faults) > 0 {
		return errors.New(strings.Join(a.Faults, "; "))
	}
	return nil
}

const (
	flowsShown    = 200 // flows that people are shown
	remoteColumns = 30
)

// writeFlows writes the flows for people.
func writeFlows(out io.Writer, a *flowsAnswer, most int) {
	if len(a.Flows) == 0 {
		fmt.Fprintln(out, "There is no such flow.")
	} else {
		rows := make([][]string, 0, len(a.Flows))
		for i := range a.Flows[:min(most, len(a.Flows))] {
			rows = append(rows, a.Flows[i].row())
		}
		terminal.Table(out, []string{"WHAT", "REMOTE", "LET IN BY", "KNOWN", "NOW"}, rows)
		if more := a.Total - min(most, len(a.Flows)); more > 0 {
			fmt.Fprintf(out, "and %s more\n", terminal.Count(more, "flow"))
		}
	}
	var notes []string
	switch a.Mode {
	case byProcess:
		notes = append(notes, "The server enforces the groups itself. What is shown are flows that the kernel happens to know; it knows all of them only while it enforces the groups.")
	case byNobody:
		notes = append(notes, "No groups are in force: every flow is allowed.")
	}
	switch {
	case a.Marks == nil && a.Mode == ByKernel:
		notes = append(notes, "Connections carry no marks, so the rules are predicted from the addresses; firewall.marks.mask turns marks on.")
	case a.Marks != nil && !a.Marks.Arrive && a.Mode == ByKernel:
		notes = append(notes, "Accepted connections do not keep their mark, so journeys name the rule that is predicted. To change that: "+a.Marks.Fix)
	}
	for i, n := range notes {
		if i == 0 {
			fmt.Fprintln(out)
		}
		for _, line := range terminal.Wrap(n, terminal.Columns) {
			fmt.Fprintln(out, line)
		}
	}
}

func (f *flowAs) row() []string {
	what, rule, now := f.Traffic, f.Rule, "allowed"
	if f.Out {
		what += " out"
	}
	switch {
	case rule == "" && f.Allowed:
		rule = "-"
	case rule == "":
		rule = "unknown"
	case f.Removed:
		rule += " (gone)"
	}
	if !f.Allowed {
		now = "refused"
	}
	known := f.Evidence
	if known == trace.Reported.String() {
		known = "by mark"
	}
	return []string{what, terminal.Shorten(f.Remote, remoteColumns), rule, known, now}
}
