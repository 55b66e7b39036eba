// Package wall is the firewall within the whole (2 may this address connect?): groups are compiled for this machine ([Compile]),
// brought into the kernel ([Wall]) or enforced at the doors of this process ([Guard]), and what they let in or dropped is seen
// ([Seen]). Commands about it ask the server that runs, or look themselves.
package wall

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
	"github.com/roundtrip-dev/roundtrip/internal/atomicfile"
)

// Wall is the groups in the kernel. It outlives declarations: each one that is entered brings its own groups in. Where there
// is no wall (nil), in dev and in commands, groups are enforced in this process or nowhere.
type Wall struct {
	table    *kernel.Table
	hands    *kernel.Hands
	log      *slog.Logger
	around   process.Surroundings
	override config.Enforcement // instead of the declared one; "" leaves that
	stamps   firewall.Stamps    // the numbers that rules stamp on connections, as kept in the data folder
	kept     string             // where
	confirm  string             // the command that confirms a change here
	trials   chan *kernel.Trial // changes that wait to be confirmed, for who waits for them
	dir      string             // the data folder

	mu     sync.Mutex // guards how and loaded
	how    Enforced
	loaded bool // the stamps were read
}

// Enforced says who enforces the groups, and why it is not the kernel.
type Enforced struct {
	Mode string // kernel, process, off: no groups are declared
	Why  string
}

// The modes.
const (
	ByKernel  = "kernel"
	byProcess = "process"
	byNobody  = "off"
)

// trialsMax is how many changes may wait for somebody to look after them; each new one ends the one before.
const trialsMax = 16

// newWall makes the wall of a data folder. It opens nothing.
func newWall(dir string, s process.Surroundings, log *slog.Logger) (*Wall, error) {
	table, err := kernel.New(kernel.Options{Now: s.Now, Log: log})
	if err != nil {
		return nil, err
	}
	hands, err := kernel.NewHands(kernel.HandsOptions{Table: table, Dir: dir, Now: s.Now, Log: log})
	if err != nil {
		return nil, err
	}
	return &Wall{table: table, hands: hands, log: log, around: s, dir: dir, kept: filepath.Join(dir, stampsFile), trials: make(chan *kernel.Trial, trialsMax)}, nil
}

// stampsFile keeps which number each rule has stamped on connections: they live longer than a process.
const stampsFile = "firewall-stamps.json"

// plan makes the plan of a policy, whose rules get their numbers for it.
func (w *Wall) plan(p *firewall.Policy) (*kernel.Plan, error) {
	mask := p.Declared().Marks.Mask
	if mask == 0 {
		return kernel.PlanOf(p, nil), nil
	}
	if err := w.loadStamps(); err != nil {
		return nil, err
	}
	if err := w.stamps.Enter(p, mask); err != nil {
		return nil, roundtrip.E(roundtrip.Invalid, "command.invalid", "%v", err)
	}
	b, err := json.Marshal(&w.stamps)
	if err != nil {
		return nil, err
	}
	return kernel.PlanOf(p, w.stamps.Number), atomicfile.Write(w.kept, b, 0o600)
}

// loadStamps reads the numbers once.
func (w *Wall) loadStamps() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loaded {
		return nil
	}
	b, err := os.ReadFile(w.kept)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case err == nil:
		err = json.Unmarshal(b, &w.stamps)
	}
	w.loaded = err == nil
	if err != nil {
		return roundtrip.E(roundtrip.Internal, "start.kept_file", "%s can't be read (%v): remove it", w.kept, err)
	}
	return nil
}

// Options says of which server the wall is.
type Options struct {
	Config  *config.Config     // of the start
	Data    string             // the folder of --data, "" for the declared one
	Enforce config.Enforcement // instead of the declared one; "" leaves that
	Log     *slog.Logger
}

// Open makes the wall of a server, and takes back what one before it has left on trial when it was killed.
func Open(ctx context.Context, o Options, s process.Surroundings) (*Wall, error) {
	dir := declare.DataFolder(o.Config)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	w, err := newWall(dir, s, o.Log)
	if err != nil {
		return nil, err
	}
	w.override, w.confirm = o.Enforce, confirmCommand(o.Config, o.Data)
	return w, w.recover(ctx)
}

// confirmCommand is the command that confirms a change from any folder.
func confirmCommand(c *config.Config, data string) string {
	command := "roundtrip firewall confirm " + terminal.ShellWord(c.File)
	if data != "" {
		command += " --data " + terminal.ShellWord(declare.DataFolder(c))
	}
	return command
}

// recover takes back what a process has left on trial that was killed. Where we may not look, there is nothing of ours.
func (w *Wall) recover(ctx context.Context) error {
	took, err := w.hands.Recover(ctx)
	if took && err == nil {
		w.log.Warn("firewall: a change that nobody had confirmed was taken back: the process that waited for it was killed")
	}
	return err
}

// Entering says how groups are brought in.
type Entering struct {
	LockOut bool   // also where it refuses sessions of operators
	Yes     bool   // without waiting to be confirmed
	Again   bool   // also where they stand already, which mends what others have changed
	SSH     string // SSH_CONNECTION of who asked for it
}

// enter brings the groups of a declaration into the kernel, or says why this process enforces them. Where it fails, what
// stood before stands. c is nil where no groups are declared.
func (w *Wall) enter(ctx context.Context, c *config.Firewall, p *firewall.Policy, e Entering) (kernel.Change, error) {
	if w == nil {
		return kernel.Change{}, nil
	}
	if c == nil || p == nil {
		return kernel.Change{}, w.leave(ctx, Enforced{byNobody, "no groups are declared"})
	}
	enforce := c.Enforce
	if w.override != "" {
		enforce = w.override
	}
	if enforce == config.EnforceProcess {
		why := "the declaration says enforce: process"
		if w.override != "" {
			why = "--enforce process was given"
		}
		return kernel.Change{}, w.leave(ctx, Enforced{byProcess, why})
	}
	change, err := w.bring(ctx, c, p, e)
	switch {
	case err == nil:
		w.set(Enforced{Mode: ByKernel})
	case enforce == config.EnforceKernel || !w.impossible(err):
		return change, err
	default:
		w.log.Warn("firewall: the groups are enforced in this process alone, for listeners of ours", "error", terminal.Explain(err))
		w.set(Enforced{byProcess, roundtrip.AsError(err).Public})
		return kernel.Change{}, nil
	}
	return change, nil
}

// Change brings the groups of a declaration in, in the place of those that are in force now; c, next and now are nil where
// none are declared.
func (w *Wall) Change(ctx context.Context, c *config.Firewall, next, now *firewall.Policy, e Entering) error {
	_, err := w.enter(ctx, c, next, e)
	if err != nil && w != nil && now != nil { // marks name the rules of what stands
		_, wrong := w.plan(now)
		err = errors.Join(err, wrong)
	}
	return err
}

// impossible reports whether the kernel can't do it here at all, where enforce: auto has this process do it. Where groups of
// ours stand in the kernel, it can, and what went wrong is to be told.
func (w *Wall) impossible(err error) bool {
	e := roundtrip.AsError(err)
	if e.Reason == "firewall.not_permitted" {
		return true
	}
	standing, wrong := w.hands.Standing()
	return wrong == nil && standing.InForce == nil && e.Reason == "firewall.kernel" && e.Kind == roundtrip.Unavailable
}

// bring brings the groups into the kernel.
func (w *Wall) bring(ctx context.Context, c *config.Firewall, p *firewall.Policy, e Entering) (kernel.Change, error) {
	if err := w.table.Available(ctx); err != nil {
		return kernel.Change{}, err
	}
	plan, err := w.plan(p)
	if err != nil {
		return kernel.Change{}, err
	}
	standing, err := w.hands.Standing()
	if err != nil {
		return kernel.Change{}, err
	}
	if stands := standing.InForce != nil && standing.InForce.Digest() == plan.Digest(); !stands && !e.LockOut {
		sessions, err := kernel.Sessions(e.SSH)
		if err != nil {
			return kernel.Change{}, err
		}
		if err := kernel.KeepsOperators(p, sessions); err != nil {
			return kernel.Change{}, err
		}
	}
	wait := c.Rollback
	if e.Yes {
		wait = 0
	}
	change, err := w.hands.Apply(ctx, plan, wait, e.Again)
	if err != nil {
		return change, err
	}
	w.tell(change, wait)
	return change, nil
}

// tell logs a change, and hands it to who waits for it to be confirmed.
func (w *Wall) tell(change kernel.Change, wait time.Duration) {
	if change.Unchanged {
		return
	}
	w.log.Info("firewall: the groups are in the kernel", "table", w.table.String(), "digest", change.Digest, "rules", change.Rules,
		"sets", change.Sets, "ranges", change.Ranges, "ms", change.Took.Milliseconds())
	if change.Trial == nil {
		return
	}
	w.log.Warn("firewall: this change is taken back unless it is confirmed", "with", w.confirm, "within", wait.String(), "digest", change.Digest)
	w.trials <- change.Trial
	if w.around.Second == nil {
		return
	}
	if err := w.around.Second(w.dir); err != nil {
		w.log.Warn("firewall: nobody takes the change back if this process is killed, but the next start", "error", err)
	}
}

// leave removes what this data folder knows of in the kernel. Where nothing is known of, nothing is touched.
func (w *Wall) leave(ctx context.Context, how Enforced) error {
	w.set(how)
	standing, err := w.hands.Standing()
	if err != nil || standing.InForce == nil {
		return err
	}
	there, err := w.hands.Off(ctx)
	switch {
	case err != nil && roundtrip.AsError(err).Reason == "firewall.not_permitted":
		w.log.Warn("firewall: our table stays in the kernel, for it can't be removed", "table", w.table.String(), "error", terminal.Explain(err))
		return nil
	case there:
		w.log.Warn("firewall: our table was removed from the kernel", "table", w.table.String(), "why", how.Why)
	}
	return err
}

func (w *Wall) set(how Enforced) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.how = how
}

// Enforced says who enforces the groups.
func (w *Wall) Enforced() Enforced {
	if w == nil {
		return Enforced{byProcess, "the kernel is left alone here"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.how
}

// Guards reports whether this process has to enforce the groups itself.
func (w *Wall) Guards() bool { return w.Enforced().Mode != ByKernel }

// GiveUp takes back what still waits when the server ends before anybody looks after it.
func (w *Wall) GiveUp(ctx context.Context) error {
	if w == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel() // which ends the wait at once
	var err error
	for {
		select {
		case t := <-w.trials:
			_, wrong := t.Wait(ctx)
			err = errors.Join(err, wrong)
		default:
			return err
		}
	}
}
