package kernel_test

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// clock is a clock that tests set.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

func hands(t testing.TB, k *kernel.Table, dir string, now func() time.Time) *kernel.Hands {
	t.Helper()
	h, err := kernel.NewHands(kernel.HandsOptions{Table: k, Dir: dir, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func planOf(t testing.TB, port uint16) *kernel.Plan {
	t.Helper()
	return kernel.PlanOf(policyOf(t, nil, in(anywhere(), ports(firewall.TCP, port, port))), nil)
}

// stands fails the test unless the kernel has exactly the plan; nil is no table.
func stands(t testing.TB, k *kernel.Table, want *kernel.Plan) {
	t.Helper()
	state, err := k.State(context.WithoutCancel(t.Context()), want)
	if err != nil || len(state.Drift) > 0 || state.There != (want != nil) {
		t.Fatalf("%v: there %t, %q", err, state.There, state.Drift)
	}
}

func TestHands_ConfirmedByAnotherProcess(t *testing.T) {
	k, dir, c := table(t, space(t)), t.TempDir(), newClock()
	mine, other := hands(t, k, dir, c.now), hands(t, k, dir, c.now)
	plan := planOf(t, 80)
	change, err := mine.Apply(t.Context(), plan, time.Minute, false)
	if err != nil || change.Trial == nil {
		t.Fatalf("%+v, %v", change, err)
	}
	stands(t, k, plan) // it is in force while it waits
	if _, err := other.Apply(t.Context(), planOf(t, 81), time.Minute, false); err == nil || !strings.Contains(err.Error(), "another change") {
		t.Errorf("two processes have a change on trial: %v", err)
	}
	if digest, err := other.Confirm(t.Context()); err != nil || digest != plan.Digest() {
		t.Fatal(digest, err)
	}
	if outcome, err := change.Trial.Wait(t.Context()); err != nil || outcome != kernel.Confirmed {
		t.Fatal(outcome, err)
	}
	if _, err := other.Confirm(t.Context()); err == nil {
		t.Error("confirmed twice")
	}
	if change, err = mine.Apply(t.Context(), plan, time.Minute, false); err != nil || !change.Unchanged {
		t.Errorf("the same again: %+v, %v", change, err)
	}
	if change, err = other.Apply(t.Context(), planOf(t, 81), 0, false); err != nil || change.Trial != nil {
		t.Errorf("without waiting: %+v, %v", change, err)
	}
	if change, err = mine.Apply(t.Context(), plan, time.Minute, false); err != nil || change.Trial != nil || change.Unchanged {
		t.Errorf("confirmed before, and needs it again: %+v, %v", change, err)
	}
	stands(t, k, plan)
}

func TestHands_TakesBackWhatNobodyConfirms(t *testing.T) {
	for name, end := range map[string]func(c *clock, cancel func()){
		"in time":          func(c *clock, _ func()) { c.advance(time.Minute) },
		"before we stop":   func(_ *clock, cancel func()) { cancel() },
		"its table is off": func(c *clock, _ func()) { c.advance(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			k, c := table(t, space(t)), newClock()
			h := hands(t, k, t.TempDir(), c.now)
			former := kernel.PlanOf(everything(t, 0xff0000), nil)
			if _, err := h.Apply(t.Context(), former, 0, false); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			change, err := h.Apply(ctx, planOf(t, 80), time.Minute, false)
			if err != nil || change.Trial == nil {
				t.Fatal(err)
			}
			if name == "its table is off" {
				run(t, "nft", "delete table inet roundtrip")
			}
			end(c, cancel)
			if outcome, err := change.Trial.Wait(ctx); err != nil || outcome != kernel.TakenBack {
				t.Fatal(outcome, err)
			}
			stands(t, k, former)
		})
	}
}

func TestHands_FirstPlanIsTakenBackToNoTable(t *testing.T) {
	k, c := table(t, space(t)), newClock()
	h := hands(t, k, t.TempDir(), c.now)
	change, err := h.Apply(t.Context(), planOf(t, 80), time.Minute, false)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	if outcome, err := change.Trial.Wait(t.Context()); err != nil || outcome != kernel.TakenBack {
		t.Fatal(outcome, err)
	}
	stands(t, k, nil)
}

func TestHands_NewChangeSupersedesATrial(t *testing.T) {
	k, c := table(t, space(t)), newClock()
	h := hands(t, k, t.TempDir(), c.now)
	first, err := h.Apply(t.Context(), planOf(t, 80), time.Minute, false)
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Apply(t.Context(), planOf(t, 81), 2*time.Minute, false)
	if err != nil || second.Trial == nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	if outcome, err := first.Trial.Wait(t.Context()); err != nil || outcome != kernel.Superseded {
		t.Fatal(outcome, err)
	}
	stands(t, k, planOf(t, 81))
	c.advance(time.Minute)
	if outcome, err := second.Trial.Wait(t.Context()); err != nil || outcome != kernel.TakenBack {
		t.Fatal(outcome, err)
	}
	stands(t, k, nil)
}

func TestHands_TheSameAgainGoesOnWaiting(t *testing.T) {
	k, c := table(t, space(t)), newClock()
	h := hands(t, k, t.TempDir(), c.now)
	first, err := h.Apply(t.Context(), planOf(t, 80), time.Minute, false)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(50 * time.Second)
	if change, err := h.Apply(t.Context(), planOf(t, 80), time.Minute, false); err != nil || !change.Unchanged || change.Trial != nil {
		t.Fatalf("%+v, %v", change, err)
	}
	c.advance(10 * time.Second)
	if outcome, err := first.Trial.Wait(t.Context()); err != nil || outcome != kernel.TakenBack {
		t.Fatal(outcome, err)
	}
	stands(t, k, nil)
}

func TestHands_OffRemovesWhatWaits(t *testing.T) {
	k, c := table(t, space(t)), newClock()
	h := hands(t, k, t.TempDir(), c.now)
	change, err := h.Apply(t.Context(), planOf(t, 80), time.Minute, false)
	if err != nil {
		t.Fatal(err)
	}
	if there, err := h.Off(t.Context()); err != nil || !there {
		t.Fatal(there, err)
	}
	if outcome, err := change.Trial.Wait(t.Context()); err != nil || outcome != kernel.Superseded {
		t.Fatal(outcome, err)
	}
	stands(t, k, nil)
}

// TestHands_KilledProcess kills a process while its change waits; the next one takes it back.
func TestHands_KilledProcess(t *testing.T) {
	if dir := os.Getenv("RTK_TRIAL"); dir != "" {
		holdTrial(t, dir) // does not return
	}
	k, dir := table(t, space(t)), t.TempDir()
	h := hands(t, k, dir, time.Now)
	former := kernel.PlanOf(everything(t, 0), nil)
	if _, err := h.Apply(t.Context(), former, 0, false); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestHands_KilledProcess$") // starts in the namespace of this thread
	child.Env = append(os.Environ(), "RTK_TRIAL="+dir)
	child.Stderr = os.Stderr
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "waits\n" {
		t.Fatal(line, err)
	}
	stands(t, k, planOf(t, 80))
	if took, err := h.Recover(t.Context()); err != nil || took {
		t.Errorf("taken back under a living process: %t, %v", took, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	stands(t, k, planOf(t, 80))
	if took, err := h.Recover(t.Context()); err != nil || !took {
		t.Fatal(took, err)
	}
	stands(t, k, former)
	if _, err := os.Stat(filepath.Join(dir, "firewall.json")); err != nil {
		t.Error(err)
	}
}

func holdTrial(t *testing.T, dir string) {
	k, err := kernel.New(kernel.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	change, err := hands(t, k, dir, time.Now).Apply(t.Context(), planOf(t, 80), time.Hour, false)
	if err != nil || change.Trial == nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString("waits\n")
	_, _ = change.Trial.Wait(t.Context())
}

func TestHands_LeaveTheTableOfAnotherFolderAlone(t *testing.T) {
	k, c := table(t, space(t)), newClock()
	if _, err := hands(t, k, t.TempDir(), c.now).Apply(t.Context(), planOf(t, 80), 0, false); err != nil {
		t.Fatal(err)
	}
	other := hands(t, k, t.TempDir(), c.now)
	for _, wait := range []time.Duration{0, time.Minute} {
		if _, err := other.Apply(t.Context(), planOf(t, 81), wait, false); err == nil || !strings.Contains(err.Error(), "knows nothing of") {
			t.Errorf("the table of another folder was replaced: %v", err)
		}
	}
	stands(t, k, planOf(t, 80))
	if there, err := other.Off(t.Context()); err != nil || !there { // who says so knows what he does
		t.Error(there, err)
	}
}
