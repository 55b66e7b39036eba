package wall

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// FirewallOptions says what a command does to the firewall in the kernel.
type FirewallOptions struct {
	File    string    // a roundtrip.yaml or its folder
	Data    string    // the folder of the database, "" for the declared one
	Roles   []string  // of this machine; none: those among whose machines it is
	Yes     bool      // apply: the change need not be confirmed
	LockOut bool      // apply: it may refuse sessions of operators
	JSON    bool      // status
	Answers io.Reader // apply: where somebody may type yes; nil: nobody is there
}

// Command is the order on the control socket.
type Command struct {
	Do      string // apply, off, status
	Yes     bool
	LockOut bool
	SSH     string // SSH_CONNECTION of who sent it
}

// Answer is what came of an order to apply.
type Answer struct {
	Enforced
	Digest string
	Rules  int
	Until  time.Time // not zero: it waits to be confirmed
}

// Server is what an order needs of the server that runs.
type Server struct {
	Apply  func(context.Context, Entering) error // reads the declaration again and brings its groups in
	Guard  func(context.Context)                 // has the process enforce the groups, as far as the kernel does not
	Policy func() *firewall.Policy               // in force, nil for none
	Rules  func() []RuleCount                    // what the rules have admitted at the doors of the process
	Seen   *Seen
}

// Do does an order in the server that runs.
func (w *Wall) Do(ctx context.Context, order Command, s *Server, out io.Writer) error {
	if w == nil {
		return roundtrip.E(roundtrip.Unavailable, "firewall.kernel", "this server leaves the kernel alone: roundtrip dev never touches it")
	}
	switch order.Do {
	case "apply":
		if err := s.Apply(ctx, Entering{order.LockOut, order.Yes, true, order.SSH}); err != nil {
			return err
		}
		answer, err := w.answer()
		return errors.Join(err, json.NewEncoder(out).Encode(answer))
	case "off":
		there, err := w.hands.Off(ctx)
		if err != nil {
			return err
		}
		if s.Policy() != nil {
			w.set(Enforced{byProcess, "roundtrip firewall off has removed our table"})
			s.Guard(ctx)
		}
		return json.NewEncoder(out).Encode(there)
	case "status":
		p := s.Policy()
		status, err := w.Status(ctx, p, w.Enforced())
		if status.Mode == byProcess {
			status.Process = s.Rules()
		}
		s.Seen.AddTo(&status, p)
		return errors.Join(err, json.NewEncoder(out).Encode(status))
	}
	return control.NoSuch("firewall " + order.Do)
}

// answer says how it stands after groups were brought in.
func (w *Wall) answer() (Answer, error) {
	standing, err := w.hands.Standing()
	answer := Answer{Enforced: w.Enforced(), Until: standing.Until}
	if standing.InForce != nil {
		answer.Digest, answer.Rules = standing.InForce.Digest(), len(standing.InForce.Rules)
	}
	return answer, err
}

// doorsOf reads a declaration and compiles its groups for this machine, for a command. Where only the latter fails, the
// declaration is there too: a server that runs may know better which machine this is.
func doorsOf(o FirewallOptions, s process.Surroundings) (*config.Config, *firewall.Policy, error) {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return nil, nil, err
	}
	if c.Firewall == nil {
		return nil, nil, roundtrip.E(roundtrip.Missing, "store.missing", "%s declares no firewall: add a block firewall: with groups, and attach them (docs/firewall.md)", c.File)
	}
	p, _, err := Compile(c, Machine{Roles: o.Roles, Addresses: s.Addresses})
	return c, p, err
}

// FirewallApply brings the groups into the kernel: by the server that runs, which reads its declaration again, or by itself.
// It waits until the change is confirmed or taken back.
func FirewallApply(ctx context.Context, o FirewallOptions, s process.Surroundings) error {
	c, p, wrong := doorsOf(o, s)
	if c == nil {
		return wrong
	}
	ssh, _ := s.Getenv("SSH_CONNECTION")
	var reply bytes.Buffer
	running, err := control.Ask(ctx, c, "firewall", Command{"apply", o.Yes, o.LockOut, ssh}, &reply)
	if err != nil {
		return err
	}
	if !running && wrong != nil { // a server that runs knows its role; here nobody does
		return wrong
	}
	dir := declare.DataFolder(c)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	w, err := newWall(dir, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	w.confirm = confirmCommand(c, o.Data)
	answer := Answer{}
	if running {
		if err := json.Unmarshal(reply.Bytes(), &answer); err != nil {
			return err
		}
		return w.afterApply(ctx, answer, o.Answers, w.follow)
	}
	if err := w.recover(ctx); err != nil {
		return err
	}
	declared := *c.Firewall
	if declared.Enforce == config.EnforceAuto {
		declared.Enforce = config.EnforceKernel // who says apply wants to hear why it can't be
	}
	change, err := w.enter(ctx, &declared, p, Entering{o.LockOut, o.Yes, true, ssh})
	if err != nil {
		return err
	}
	if answer, err = w.answer(); err != nil {
		return err
	}
	return w.afterApply(ctx, answer, o.Answers, func(ctx context.Context, _ Answer) (kernel.Outcome, error) {
		return change.Trial.Wait(ctx)
	})
}

// afterApply says what was done, and waits for the change to be confirmed: here, where somebody types yes, or elsewhere.
func (w *Wall) afterApply(ctx context.Context, answer Answer, answers io.Reader, wait func(context.Context, Answer) (kernel.Outcome, error)) error {
	out := w.around.Out
	if answer.Mode != ByKernel {
		fmt.Fprintf(out, "The kernel has no groups of ours: %s.\n", answer.Why)
		return nil
	}
	fmt.Fprintf(out, "The groups are in force: %s in the kernel, table %s.\n", terminal.Count(answer.Rules, "rule"), w.table)
	if answer.Until.IsZero() {
		return nil
	}
	fmt.Fprintf(out, "They are taken back in %s unless somebody confirms that this machine can still\nbe reached, best from a new session:\n\n  %s\n\n",
		terminal.Age(answer.Until.Sub(w.around.Now()).Round(time.Second)), w.confirm)
	if answers != nil {
		fmt.Fprint(out, "Or type yes here: ")
		go w.readYes(ctx, answers)
	}
	outcome, err := wait(ctx, answer)
	switch {
	case err != nil:
		return err
	case outcome == kernel.Confirmed:
		fmt.Fprintln(out, "Confirmed: the groups stay.")
		return nil
	case outcome == kernel.Superseded:
		return roundtrip.E(roundtrip.Conflict, "firewall.kernel", "another change has taken the place of this one: roundtrip firewall status says what stands")
	}
	return roundtrip.E(roundtrip.Unavailable, "firewall.kernel", "nobody confirmed the change, so it was taken back: what stood before it stands again")
}

// readYes confirms when somebody types it.
func (w *Wall) readYes(ctx context.Context, answers io.Reader) {
	for lines := bufio.NewScanner(answers); lines.Scan(); {
		if strings.EqualFold(strings.TrimSpace(lines.Text()), "yes") {
			if _, err := w.hands.Confirm(ctx); err != nil {
				fmt.Fprintln(w.around.Err, terminal.Explain(err))
			}
			return
		}
		fmt.Fprint(w.around.Out, "Type yes to keep the groups: ")
	}
}

// follow waits for a change that the server looks after. It may be left at any time.
func (w *Wall) follow(ctx context.Context, answer Answer) (kernel.Outcome, error) {
	ticker := time.NewTicker(time.Second / 5)
	defer ticker.Stop()
	for {
		standing, err := w.hands.Standing()
		digest := ""
		if standing.InForce != nil {
			digest = standing.InForce.Digest()
		}
		switch {
		case err != nil:
			return 0, err
		case digest == answer.Digest && standing.Until.IsZero():
			return kernel.Confirmed, nil
		case !standing.Until.IsZero() && !standing.Until.Equal(answer.Until):
			return kernel.Superseded, nil
		case standing.Until.IsZero():
			return kernel.TakenBack, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, roundtrip.E(roundtrip.Unavailable, "firewall.kernel", "left; the server takes the change back unless it is confirmed by %s", answer.Until.Format(time.TimeOnly))
		}
	}
}

// FirewallConfirm lets the change stand that waits.
func FirewallConfirm(ctx context.Context, o FirewallOptions, s process.Surroundings) error {
	w, err := wallOf(o, s)
	if err != nil {
		return err
	}
	if w == nil {
		return errNothingWaits()
	}
	if _, err := w.hands.Confirm(ctx); err != nil {
		return err
	}
	fmt.Fprintln(s.Out, "Confirmed: the groups stay. The same groups need it no more.")
	return nil
}

func errNothingWaits() error {
	return roundtrip.E(roundtrip.Missing, "store.missing", "no change of the firewall waits to be confirmed")
}

// wallOf makes the wall of a declaration's data folder; nil where there is no such folder.
func wallOf(o FirewallOptions, s process.Surroundings) (*Wall, error) {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(declare.DataFolder(c)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no wall is a good answer here
	}
	return newWall(declare.DataFolder(c), s, slog.New(slog.DiscardHandler))
}

// FirewallOff removes our table, and nothing else.
func FirewallOff(ctx context.Context, o FirewallOptions, s process.Surroundings) error {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return err
	}
	var reply bytes.Buffer
	running, err := control.Ask(ctx, c, "firewall", Command{Do: "off"}, &reply)
	if err != nil {
		return err
	}
	var there bool
	if running {
		err = json.Unmarshal(reply.Bytes(), &there)
	} else {
		there, err = offHere(ctx, declare.DataFolder(c), s)
	}
	switch {
	case err != nil:
		return err
	case !there:
		fmt.Fprintln(s.Out, "There was no table of ours in the kernel.")
	default:
		fmt.Fprintln(s.Out, "Our table was removed from the kernel; tables of others were not touched.")
	}
	fmt.Fprintln(s.Out, "The next start of the server, reload or apply brings the groups in again, unless\nthe declaration says enforce: process.")
	if running {
		fmt.Fprintln(s.Out, "Until then the server enforces them itself, for its own listeners.")
	}
	return nil
}

// offHere removes our table without a server.
func offHere(ctx context.Context, dir string, s process.Surroundings) (there bool, err error) {
	log := slog.New(slog.DiscardHandler)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) { // nothing is kept: the table alone
		table, err := kernel.New(kernel.Options{Now: s.Now, Log: log})
		if err != nil {
			return false, err
		}
		return table.Off(ctx)
	}
	w, err := newWall(dir, s, log)
	if err != nil {
		return false, err
	}
	return w.hands.Off(ctx)
}
