package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/atomicfile"
)

const (
	keptFile   = "firewall.json"  // what stands, and what waits
	lockFile   = "firewall.lock"  // held while the file above is changed
	ownerFile  = "firewall.owner" // held by the process that takes the change back if nobody confirms it
	trustedMax = 32               // plans that are remembered as confirmed
	tick       = 200 * time.Millisecond
)

// HandsOptions is what hands need.
type HandsOptions struct {
	Table *Table
	Dir   string // the data folder
	Now   func() time.Time
	Log   *slog.Logger
}

// Hands change the table so that nobody is locked out for long: a plan that was never confirmed is tried, and taken back
// unless somebody who can still reach the machine confirms it in time. What stands and what waits is kept in the data
// folder, so that any process can confirm, and what a process leaves behind that was killed is taken back by the next one.
// They are safe for use by many goroutines and processes.
type Hands struct {
	o     HandsOptions
	mu    sync.Mutex
	owner *os.File // locked while a trial of this process waits
}

// kept is the content of the file.
type kept struct {
	Confirmed *Plan    `json:"confirmed,omitempty"` // stands, or is what a trial is taken back to; nil: no table
	Trusted   []string `json:"trusted,omitempty"`   // meanings of plans that were confirmed once, the oldest first
	Waiting   *waiting `json:"waiting,omitempty"`
}

type waiting struct {
	Plan  *Plan     `json:"plan"`
	Until time.Time `json:"until"`
}

// NewHands makes hands. It opens nothing.
func NewHands(o HandsOptions) (*Hands, error) {
	if o.Table == nil || o.Dir == "" || o.Now == nil || o.Log == nil {
		return nil, roundtrip.E(roundtrip.Internal, "app.internal", "kernel.NewHands needs a table, a folder, a clock and a log")
	}
	return &Hands{o: o}, nil
}

// Change is what was done to the table.
type Change struct {
	Report
	Unchanged bool   // the table stands already as the plan says, and was confirmed or is on trial
	Trial     *Trial // not nil: it waits to be confirmed
}

// Trial is a plan in force that waits to be confirmed.
type Trial struct {
	hands  *Hands
	digest string
	Until  time.Time
}

// Apply brings a plan into force. Where wait is 0, or where the same plan was confirmed before, it stands at once; else it
// is on trial, and the caller must have [Trial.Wait] run. again writes it even where it stands already, which mends what
// others have changed.
func (h *Hands) Apply(ctx context.Context, p *Plan, wait time.Duration, again bool) (c Change, err error) {
	err = h.change(func(k *kept) (save bool, err error) {
		digest := p.Digest()
		stands := k.Waiting == nil && k.Confirmed != nil && k.Confirmed.Digest() == digest
		now, there, err := h.o.Table.Digest(ctx)
		switch {
		case err != nil:
			return false, err
		case there && k.former() == nil:
			return false, roundtrip.E(roundtrip.Unavailable, "firewall.kernel", "the kernel has a table %s that this data folder (%s) knows nothing of: "+
				"another server's, or its folder was lost. It stays as it is; roundtrip firewall off removes it", h.o.Table, h.o.Dir)
		case stands && now == digest && !again:
			c.Unchanged, c.Digest = true, digest
			return false, nil
		case wait == 0 || slices.Contains(k.Trusted, p.meaning()):
			c.Report, err = h.settle(ctx, k, p)
			return false, err
		case h.owner != nil && k.Waiting != nil && k.Waiting.Plan.Digest() == digest && now == digest && !again:
			c.Unchanged, c.Digest = true, digest // its trial goes on, and its time
			return false, nil
		}
		c, err = h.try(ctx, k, p, wait)
		return err == nil, err
	})
	return c, err
}

// settle has a plan stand at once. That it does is on the disk first: a table that nothing is known of would be taken for
// somebody else's.
func (h *Hands) settle(ctx context.Context, k *kept, p *Plan) (Report, error) {
	before, former := *k, k.former()
	k.Trusted = slices.Clone(k.Trusted)
	k.trust(p)
	if err := h.save(k); err != nil {
		return Report{}, err
	}
	r, err := h.o.Table.Apply(ctx, p, former)
	if err != nil {
		err = errors.Join(err, h.restore(ctx, former), h.save(&before))
		*k = before
	}
	return r, err
}

// former is the plan that is in force.
func (k *kept) former() *Plan {
	if k.Waiting != nil {
		return k.Waiting.Plan
	}
	return k.Confirmed
}

// trust makes a plan the one that stands.
func (k *kept) trust(p *Plan) {
	meaning := p.meaning()
	k.Confirmed, k.Waiting = p, nil
	k.Trusted = append(slices.DeleteFunc(k.Trusted, func(m string) bool { return m == meaning }), meaning)
	if n := len(k.Trusted); n > trustedMax {
		k.Trusted = k.Trusted[n-trustedMax:]
	}
}

// try puts a plan on trial. That it is one is on the disk before the kernel has it: who is killed in between leaves
// behind what the next process takes back.
func (h *Hands) try(ctx context.Context, k *kept, p *Plan, wait time.Duration) (c Change, err error) {
	if err := h.own(); err != nil {
		return c, err
	}
	former := k.former()
	k.Waiting = &waiting{p, h.o.Now().Add(wait)}
	if err := h.save(k); err != nil {
		return c, err
	}
	if c.Report, err = h.o.Table.Apply(ctx, p, former); err != nil {
		return c, errors.Join(err, h.takeBack(ctx, k))
	}
	c.Trial = &Trial{hands: h, digest: p.Digest(), Until: k.Waiting.Until}
	return c, nil
}

// restore brings a plan back after another one failed half way; nil is no table.
func (h *Hands) restore(ctx context.Context, p *Plan) error {
	ctx = context.WithoutCancel(ctx) // also where the reason is that we are told to stop
	if p == nil {
		_, err := h.o.Table.Off(ctx)
		return err
	}
	_, err := h.o.Table.Apply(ctx, p, p)
	return err
}

// takeBack ends a trial: what was confirmed before stands again, exactly.
func (h *Hands) takeBack(ctx context.Context, k *kept) error {
	if err := h.restore(ctx, k.Confirmed); err != nil {
		return err // it still waits, so that the next process tries again
	}
	k.Waiting = nil
	return h.save(k)
}

// Outcome is how a trial ended.
type Outcome uint8

// The outcomes of a trial.
const (
	Confirmed Outcome = iota + 1
	TakenBack
	Superseded // by another change, which has a trial of its own or needs none
)

// Wait waits until the trial is confirmed, and takes the plan back when its time is over or ctx ends.
func (t *Trial) Wait(ctx context.Context) (Outcome, error) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		ended := ctx.Err() != nil || !t.hands.o.Now().Before(t.Until)
		outcome, err := t.look(ctx, ended)
		if outcome != 0 || err != nil {
			return outcome, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// look says how the trial has ended, 0 while it has not. With ended it ends now.
func (t *Trial) look(ctx context.Context, ended bool) (outcome Outcome, err error) {
	err = t.hands.change(func(k *kept) (bool, error) {
		switch {
		case k.Waiting != nil && k.Waiting.Plan.Digest() == t.digest && k.Waiting.Until.Equal(t.Until):
			if !ended {
				return false, nil
			}
			outcome = TakenBack
			return false, t.hands.takeBack(ctx, k)
		case k.Waiting == nil && k.Confirmed != nil && k.Confirmed.Digest() == t.digest:
			outcome = Confirmed
		default:
			outcome = Superseded
		}
		return false, nil
	})
	return outcome, err
}

// Confirm lets the plan stand that is on trial, whoever has brought it in, and returns its digest.
func (h *Hands) Confirm(ctx context.Context) (digest string, err error) {
	err = h.change(func(k *kept) (bool, error) {
		if k.Waiting == nil {
			return false, roundtrip.E(roundtrip.Missing, "store.missing", "no change of the firewall waits to be confirmed: either it was confirmed, or its time was over and it was taken back (roundtrip firewall status says what stands)")
		}
		digest = k.Waiting.Plan.Digest()
		now, _, err := h.o.Table.Digest(ctx)
		if err != nil {
			return false, err
		}
		if now != digest {
			return false, roundtrip.E(roundtrip.Conflict, "firewall.kernel", "the table in the kernel is not the one that waits to be confirmed: somebody has changed or removed it. It will be taken back; apply again")
		}
		k.trust(k.Waiting.Plan)
		return true, nil
	})
	return digest, err
}

// Recover takes back what a process left on trial that is no longer there. It says whether there was something.
func (h *Hands) Recover(ctx context.Context) (tookBack bool, err error) {
	err = h.change(func(k *kept) (bool, error) {
		if k.Waiting == nil {
			return false, nil
		}
		if err := h.own(); err != nil {
			return false, nil //nolint:nilerr // its process lives, and takes it back itself
		}
		tookBack = true
		return false, h.takeBack(ctx, k)
	})
	return tookBack, err
}

// Off removes our table and nothing else, and forgets what stood. there says whether there was one.
func (h *Hands) Off(ctx context.Context) (there bool, err error) {
	err = h.change(func(k *kept) (bool, error) {
		there, err = h.o.Table.Off(ctx)
		k.Confirmed, k.Waiting = nil, nil
		return err == nil, err
	})
	return there, err
}

// Standing is what stands and what waits, as far as the data folder knows.
type Standing struct {
	InForce *Plan     // nil: no table
	Until   time.Time // not zero: it waits to be confirmed until then
}

// Standing reads it.
func (h *Hands) Standing() (Standing, error) {
	k, err := h.load()
	if err != nil {
		return Standing{}, err
	}
	s := Standing{InForce: k.former()}
	if k.Waiting != nil {
		s.Until = k.Waiting.Until
	}
	return s, nil
}

// change gives f what is kept, with the lock over it, and saves it where f says so. Where nothing waits any more, the
// process is free of its duty to take it back.
func (h *Hands) change(f func(*kept) (save bool, err error)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, err := os.OpenFile(filepath.Join(h.o.Dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // which drops the lock
	if err := syscall.Flock(int(l.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	k, err := h.load()
	if err != nil {
		return err
	}
	save, err := f(k)
	if save {
		err = errors.Join(err, h.save(k))
	}
	if k.Waiting == nil && h.owner != nil {
		_ = h.owner.Close()
		h.owner = nil
	}
	return err
}

// own makes this process the one that takes a trial back.
func (h *Hands) own() error {
	if h.owner != nil {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(h.o.Dir, ownerFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return roundtrip.E(roundtrip.Conflict, "firewall.kernel", "another change of the firewall waits to be confirmed: roundtrip firewall confirm lets it stand; else wait until it is taken back")
	}
	h.owner = f
	return nil
}

func (h *Hands) load() (*kept, error) {
	k := &kept{}
	b, err := os.ReadFile(filepath.Join(h.o.Dir, keptFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return k, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(b, k); err != nil {
		return nil, roundtrip.E(roundtrip.Internal, "start.kept_file", "%s can't be read (%v): remove it, and apply again", filepath.Join(h.o.Dir, keptFile), err)
	}
	return k, nil
}

func (h *Hands) save(k *kept) error {
	b, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(h.o.Dir, keptFile), b, 0o600)
}
