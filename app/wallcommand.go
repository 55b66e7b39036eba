package app

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
	"github.com/roundtrip-dev/roundtrip/config"
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

// wallCommand is the order on the control socket.
type wallCommand struct {
	Do      string // apply, off, status
	Yes     bool
	LockOut bool
	SSH     string // SSH_CONNECTION of who sent it
}

// wallAnswer is what came of an order to apply.
type wallAnswer struct {
	enforced
	Digest string
	Rules  int
	Until  time.Time // not zero: it waits to be confirmed
}

// doWall does an order in the server that runs.
func (a *App) doWall(ctx context.Context, order wallCommand, out io.Writer) error {
	if a.wall == nil {
		return roundtrip.E(roundtrip.Unavailable, "firewall.kernel", "this server leaves the kernel alone: roundtrip dev never touches it")
	}
	switch order.Do {
	case "apply":
		done := make(chan error, 1)
		select {
		case a.applies <- applying{entering{order.LockOut, order.Yes, true, order.SSH}, done}:
		case <-a.closing:
			return roundtrip.E(roundtrip.Unavailable, "app.stopping", "the server is stopping: nothing was changed")
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := <-done; err != nil {
			return err
		}
		answer, err := a.wall.answer()
		return errors.Join(err, json.NewEncoder(out).Encode(answer))
	case "off":
		there, err := a.wall.hands.Off(ctx)
		if err != nil {
			return err
		}
		if h := a.house.Load(); h.doors != nil {
			a.wall.set(enforced{byProcess, "roundtrip firewall off has removed our table"})
			a.guardDoors(ctx, h)
		}
		return json.NewEncoder(out).Encode(there)
	case "status":
		h := a.house.Load()
		status, err := a.wall.status(ctx, h.doors, a.wall.enforced())
		if status.Mode == byProcess {
			status.Process = a.processRules()
		}
		a.seen.addTo(&status, h.doors)
		return errors.Join(err, json.NewEncoder(out).Encode(status))
	}
	return noSuch("firewall " + order.Do)
}

// answer says how it stands after groups were brought in.
func (w *wall) answer() (wallAnswer, error) {
	standing, err := w.hands.Standing()
	answer := wallAnswer{enforced: w.enforced(), Until: standing.Until}
	if standing.InForce != nil {
		answer.Digest, answer.Rules = standing.InForce.Digest(), len(standing.InForce.Rules)
	}
	return answer, err
}

// doorsOf reads a declaration and compiles its groups for this machine, for a command.
func doorsOf(o FirewallOptions, s Surroundings) (*App, *house, error) {
	c, err := read(o.File, o.Data, s.withoutSecrets())
	if err != nil {
		return nil, nil, err
	}
	if c.Firewall == nil {
		return nil, nil, roundtrip.E(roundtrip.Missing, "store.missing", "%s declares no firewall: add a block firewall: with groups, and attach them (docs/firewall.md)", c.File)
	}
	a := &App{around: s, log: slog.New(slog.DiscardHandler), config: c, options: Options{Roles: o.Roles}, serves: true}
	h := &house{config: c}
	return a, h, a.assembleDoors(h)
}

// FirewallApply brings the groups into the kernel: by the server that runs, which reads its declaration again, or by itself.
// It waits until the change is confirmed or taken back.
func FirewallApply(ctx context.Context, o FirewallOptions, s Surroundings) error {
	a, h, wrong := doorsOf(o, s)
	if h == nil {
		return wrong
	}
	ssh, _ := s.Getenv("SSH_CONNECTION")
	var reply bytes.Buffer
	running, err := askServer(ctx, h.config, "firewall", wallCommand{"apply", o.Yes, o.LockOut, ssh}, &reply)
	if err != nil {
		return err
	}
	if !running && wrong != nil { // a server that runs knows its role; here nobody does
		return wrong
	}
	dir := dataFolder(h.config)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	w, err := newWall(dir, s, a.log)
	if err != nil {
		return err
	}
	w.confirm = confirmCommand(h.config, o.Data)
	answer := wallAnswer{}
	if running {
		if err := json.Unmarshal(reply.Bytes(), &answer); err != nil {
			return err
		}
		return w.afterApply(ctx, answer, o.Answers, w.follow)
	}
	if err := w.recover(ctx); err != nil {
		return err
	}
	declared := *h.config.Firewall
	if declared.Enforce == config.EnforceAuto {
		declared.Enforce = config.EnforceKernel // who says apply wants to hear why it can't be
	}
	change, err := w.enter(ctx, &declared, h.doors, entering{o.LockOut, o.Yes, true, ssh})
	if err != nil {
		return err
	}
	if answer, err = w.answer(); err != nil {
		return err
	}
	return w.afterApply(ctx, answer, o.Answers, func(ctx context.Context, _ wallAnswer) (kernel.Outcome, error) {
		return change.Trial.Wait(ctx)
	})
}

// afterApply says what was done, and waits for the change to be confirmed: here, where somebody types yes, or elsewhere.
func (w *wall) afterApply(ctx context.Context, answer wallAnswer, answers io.Reader, wait func(context.Context, wallAnswer) (kernel.Outcome, error)) error {
	out := w.around.Out
	if answer.Mode != byKernel {
		fmt.Fprintf(out, "The kernel has no groups of ours: %s.\n", answer.Why)
		return nil
	}
	fmt.Fprintf(out, "The groups are in force: %s in the kernel, table %s.\n", count(answer.Rules, "rule"), w.table)
	if answer.Until.IsZero() {
		return nil
	}
	fmt.Fprintf(out, "They are taken back in %s unless somebody confirms that this machine can still\nbe reached, best from a new session:\n\n  %s\n\n",
		age(answer.Until.Sub(w.around.Now()).Round(time.Second)), w.confirm)
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
func (w *wall) readYes(ctx context.Context, answers io.Reader) {
	for lines := bufio.NewScanner(answers); lines.Scan(); {
		if strings.EqualFold(strings.TrimSpace(lines.Text()), "yes") {
			if _, err := w.hands.Confirm(ctx); err != nil {
				fmt.Fprintln(w.around.Err, Explain(err))
			}
			return
		}
		fmt.Fprint(w.around.Out, "Type yes to keep the groups: ")
	}
}

// follow waits for a change that the server looks after. It may be left at any time.
func (w *wall) follow(ctx context.Context, answer wallAnswer) (kernel.Outcome, error) {
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
func FirewallConfirm(ctx context.Context, o FirewallOptions, s Surroundings) error {
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
func wallOf(o FirewallOptions, s Surroundings) (*wall, error) {
	c, err := read(o.File, o.Data, s.withoutSecrets())
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dataFolder(c)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no wall is a good answer here
	}
	return newWall(dataFolder(c), s, slog.New(slog.DiscardHandler))
}

// FirewallOff removes our table, and nothing else.
func FirewallOff(ctx context.Context, o FirewallOptions, s Surroundings) error {
	c, err := read(o.File, o.Data, s.withoutSecrets())
	if err != nil {
		return err
	}
	var reply bytes.Buffer
	running, err := askServer(ctx, c, "firewall", wallCommand{Do: "off"}, &reply)
	if err != nil {
		return err
	}
	var there bool
	if running {
		err = json.Unmarshal(reply.Bytes(), &there)
	} else {
		there, err = offHere(ctx, dataFolder(c), s)
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
func offHere(ctx context.Context, dir string, s Surroundings) (there bool, err error) {
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
