package wall

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// driftEvery is how often our table is compared with what it ought to be.
const driftEvery = 10 * time.Second

// Watch looks after changes that wait to be confirmed, and tells when somebody else changes our table. It mends nothing
// by itself: another administrator may have done it on purpose, and two who mend against each other help nobody. guard has this
// process enforce the groups.
func (w *Wall) Watch(ctx context.Context, guard func(context.Context)) error {
	if w == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	var trials sync.WaitGroup
	defer trials.Wait()
	ticker := time.NewTicker(driftEvery)
	defer ticker.Stop()
	var seen drift
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case t := <-w.trials:
			trials.Go(func() { w.afterTrial(ctx, t, guard) })
		case <-ticker.C:
			seen.look(ctx, w)
		}
	}
}

// afterTrial waits for a change to be confirmed, and has this process enforce the groups where the kernel does not any more.
func (w *Wall) afterTrial(ctx context.Context, t *kernel.Trial, guard func(context.Context)) {
	outcome, err := t.Wait(ctx)
	switch {
	case err != nil:
		w.log.Error("firewall: a change that was not confirmed could not be taken back", "error", terminal.Explain(err))
	case outcome == kernel.Confirmed:
		w.log.Info("firewall: the change was confirmed")
	case outcome == kernel.TakenBack && ctx.Err() == nil:
		standing, err := w.hands.Standing()
		if err != nil || standing.InForce != nil {
			w.log.Warn("firewall: nobody confirmed the change, so it was taken back: the groups that stood before it stand again. " +
				"To try it again: roundtrip firewall apply")
			return
		}
		w.set(Enforced{byProcess, "the change was not confirmed in time, so it was taken back (roundtrip firewall apply tries it again)"})
		guard(ctx)
		w.log.Warn("firewall: nobody confirmed the change, so it was taken back: this process enforces the groups, for its own listeners. " +
			"To try it again: roundtrip firewall apply")
	}
}

// drift is what is known of our table.
type drift struct {
	generation uint32
	text       string
}

// look compares our table with what it ought to be, where any table has changed since, and tells what is new.
func (d *drift) look(ctx context.Context, w *Wall) {
	if w.Enforced().Mode != ByKernel {
		return
	}
	generation, err := w.table.Generation(ctx)
	if err != nil || generation == d.generation {
		return
	}
	standing, err := w.hands.Standing()
	if err != nil || standing.InForce == nil {
		return
	}
	state, err := w.table.State(ctx, standing.InForce)
	if err != nil {
		w.log.Error("firewall: our table can't be read", "error", terminal.Explain(err))
		return
	}
	d.generation = generation
	text := strings.Join(state.Drift, "; ")
	if text == d.text {
		return
	}
	if d.text = text; text == "" {
		w.log.Info("firewall: our table is again as it ought to be")
		return
	}
	w.log.Warn("firewall: somebody has changed our table in the kernel; roundtrip firewall apply mends it", "table", w.table.String(), "drift", text)
}
