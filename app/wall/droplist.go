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
	"time"

	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall/watch"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// DropsOptions says what a command wants to see of dropped packets.
type DropsOptions struct {
	File string // a roundtrip.yaml or its folder
	Data string // the folder of the database, "" for the declared one
	Most int    // how many different drops
	Live bool   // go on with those that come
	JSON bool
}

// DropsCommand is the order on the control socket.
type DropsCommand struct {
	Turn uint64 // those that changed after it
	Most int
}

// dropsAnswer is what is known of drops.
type dropsAnswer struct {
	Mode      string      `json:"mode"` // kernel, process, off
	Drops     []Dropped   `json:"drops"`
	Counted   []countedAs `json:"counted,omitempty"` // by the kernel, which tells of some only
	Turn      uint64      `json:"turn"`
	Lost      int64       `json:"lost"`      // times that the kernel threw packets away before they were read
	Unread    int64       `json:"unread"`    // messages of the kernel that could not be read
	Forgotten uint64      `json:"forgotten"` // packets of drops that had to make place for others
	Fault     string      `json:"fault,omitempty"`
}

// Dropped is packets that were dropped for the same reason, on their way to or from the same address.
type Dropped struct {
	Traffic   string    `json:"traffic,omitempty"` // tcp/5432
	Out       bool      `json:"out,omitempty"`
	Remote    string    `json:"remote,omitempty"`
	Local     string    `json:"local,omitempty"`
	Interface string    `json:"interface,omitempty"`
	Packets   uint64    `json:"packets"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Reason    string    `json:"reason"`
	Text      string    `json:"text"`
	Evidence  string    `json:"evidence"`
	Nearest   string    `json:"nearest,omitempty"` // the rule that came nearest, and what it lacks
	Would     []string  `json:"would_pass_if,omitempty"`
	Short     string    `json:"short"`
}

// countedAs is how many packets the kernel dropped for one reason.
type countedAs struct {
	Out     bool   `json:"out,omitempty"`
	Reason  string `json:"reason"`
	Packets uint64 `json:"packets"`
}

// Drops answers the order.
func (s *Seen) Drops(ctx context.Context, order DropsCommand) dropsAnswer {
	l := s.watch.Drops(order.Turn, order.Most)
	a := dropsAnswer{
		Mode: s.o.Kernel.Enforced().Mode, Drops: []Dropped{}, Turn: l.Turn, Lost: l.Lost, Unread: l.Odd, Forgotten: l.Forgotten, Fault: l.Fault,
	}
	s.mu.Lock()
	if s.policy == nil {
		a.Mode = byNobody
	}
	s.mu.Unlock()
	for i := range l.Drops {
		a.Drops = append(a.Drops, DropOf(&l.Drops[i]))
	}
	if order.Turn == 0 && a.Mode == ByKernel {
		a.Counted = s.o.Kernel.counted(ctx)
	}
	return a
}

// DropOf says of a drop what is shown of it.
func DropOf(d *watch.Told) Dropped {
	v := Dropped{
		Out: d.Flow.Out, Interface: d.Interface, Packets: d.Packets, First: d.First, Last: d.Last,
		Reason: d.Reason.Code(), Text: d.Reason.Text(), Evidence: d.Evidence.String(), Nearest: d.Nearest, Would: d.Would, Short: d.Short,
	}
	if d.Flow.Remote.IsValid() {
		v.Remote, v.Traffic = d.Flow.Remote.String(), d.Flow.Traffic()
	}
	if d.Local.IsValid() {
		v.Local = d.Local.String()
	}
	return v
}

// counted asks the kernel how many packets it has dropped. Where it can't be asked, there is nothing to show.
func (w *Wall) counted(ctx context.Context) []countedAs {
	standing, err := w.hands.Standing()
	if err != nil || standing.InForce == nil {
		return nil
	}
	state, err := w.table.State(ctx, standing.InForce)
	if err != nil {
		return nil
	}
	var all []countedAs
	for _, d := range state.Drops {
		all = append(all, countedAs{d.Out, "firewall." + d.Reason, d.Packets})
	}
	return all
}

// Drops prints what was dropped, as the server that runs has seen it.
func Drops(ctx context.Context, o DropsOptions, s process.Surroundings) error {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return err
	}
	a, err := askDrops(ctx, c, DropsCommand{Most: o.Most})
	if err != nil {
		return err
	}
	switch {
	case o.JSON && !o.Live:
		e := json.NewEncoder(s.Out)
		e.SetIndent("", "  ")
		return e.Encode(a)
	case !o.Live:
		writeDrops(s.Out, a, s.Now())
		return nil
	}
	return followDrops(ctx, c, o, a, s.Out)
}

func askDrops(ctx context.Context, c *config.Config, order DropsCommand) (*dropsAnswer, error) {
	var answer bytes.Buffer
	running, err := control.Ask(ctx, c, "drops", order, &answer)
	if err != nil {
		return nil, err
	}
	if !running {
		return nil, errNobodySees()
	}
	a := &dropsAnswer{}
	return a, json.Unmarshal(answer.Bytes(), a)
}

func errNobodySees() error {
	return errors.New("no server runs with this declaration here, and only one that runs hears of drops and knows the flows; start it with roundtrip serve, or name the folder of --data. roundtrip firewall status counts without one")
}

// followDrops prints a line for each drop that changes, the oldest first, until ctx ends or the server stops.
func followDrops(ctx context.Context, c *config.Config, o DropsOptions, a *dropsAnswer, out io.Writer) error {
	tick := time.NewTicker(control.LiveEvery)
	defer tick.Stop()
	for {
		slices.Reverse(a.Drops)
		for i := range a.Drops {
			if o.JSON {
				if err := json.NewEncoder(out).Encode(a.Drops[i]); err != nil {
					return err
				}
				continue
			}
			d := &a.Drops[i]
			for k, line := range terminal.Wrap(fmt.Sprintf("%s  %s ×%d  %s", d.Last.Local().Format(time.TimeOnly), d.what(), d.Packets, strings.TrimPrefix(d.Short, d.Traffic+" ")), terminal.Columns-4) {
				fmt.Fprintln(out, strings.Repeat(" ", min(k, 1)*4)+line)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		next, err := askDrops(ctx, c, DropsCommand{Turn: a.Turn, Most: o.Most})
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		a = next
	}
}

// what says what was dropped, and whose it was.
func (d *Dropped) what() string {
	switch {
	case d.Remote == "":
		return "new flows of any kind"
	case d.Out:
		return d.Traffic + " to " + d.Remote
	}
	return d.Traffic + " from " + d.Remote
}

// writeDrops writes the list for people: who, what, how often, why, and what would let it pass.
func writeDrops(out io.Writer, a *dropsAnswer, now time.Time) {
	if a.Mode == byNobody {
		fmt.Fprintln(out, "The declaration has no firewall, so nothing is dropped.")
		return
	}
	for i := range a.Drops {
		writeDrop(out, &a.Drops[i], now)
	}
	if len(a.Drops) == 0 {
		fmt.Fprintln(out, "Nothing was dropped since the server started.")
	}
	var notes []string
	var told, counted uint64
	for i := range a.Drops {
		if a.Drops[i].Evidence == trace.Reported.String() {
			told += a.Drops[i].Packets
		}
	}
	for _, c := range a.Counted {
		counted += c.Packets
	}
	if counted > told+a.Forgotten {
		notes = append(notes, fmt.Sprintf("The kernel has dropped %s in all; it tells of as many a second as firewall.drops.rate says.", terminal.Count64(counted, "packet")))
	}
	if a.Forgotten > 0 {
		notes = append(notes, fmt.Sprintf("Drops of %s are not listed any more: newer ones took their place.", terminal.Count64(a.Forgotten, "packet")))
	}
	if a.Lost > 0 {
		notes = append(notes, fmt.Sprintf("%d times the kernel threw packets away before they were read: lower firewall.drops.rate.", a.Lost))
	}
	if a.Fault != "" {
		notes = append(notes, "What the kernel drops is not heard of: "+a.Fault+".")
	}
	if a.Mode == byProcess {
		notes = append(notes, "This process enforces the groups: it sees what comes to its own listeners, and nothing else.")
	}
	for _, n := range notes {
		for _, line := range terminal.Wrap(n, terminal.Columns) {
			fmt.Fprintln(out, line)
		}
	}
}

func writeDrop(out io.Writer, d *Dropped, now time.Time) {
	often := fmt.Sprintf("×%d  %s ago", d.Packets, terminal.Age(now.Sub(d.Last)))
	if d.Packets > 1 {
		often += ", since " + terminal.Age(now.Sub(d.First))
	}
	head := d.what()
	if n := terminal.Columns - len([]rune(head)) - len([]rune(often)); n > 1 {
		fmt.Fprintf(out, "%s%s%s\n", head, strings.Repeat(" ", n), often)
	} else {
		fmt.Fprintf(out, "%s\n    %s\n", head, often)
	}
	lines := []string{d.Reason + ": " + d.Text}
	if d.Nearest != "" {
		lines = append(lines, d.Nearest)
	}
	if len(d.Would) == 0 {
		lines = append(lines, d.Short)
	}
	for i, w := range d.Would {
		if i == 0 {
			lines = append(lines, "would pass if "+w)
		} else {
			lines = append(lines, "or if "+w)
		}
	}
	for _, text := range lines {
		for i, line := range terminal.Wrap(text, terminal.Columns-6) {
			fmt.Fprintln(out, strings.Repeat(" ", 4+min(i, 1)*2)+line)
		}
	}
	fmt.Fprintln(out)
}
