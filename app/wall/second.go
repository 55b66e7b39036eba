package wall

import (
	"context"
	"log/slog"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/process"
)

const (
	secondLooks = time.Second / 4
	secondGives = 2 * time.Second // to the process whose duty it is, after the time is over
)

// FirewallSecond stands by while a change of the firewall waits to be confirmed: it takes the change back in time if the
// process that has this duty was killed. It runs in a process of its own, and ends when nothing waits any more.
func FirewallSecond(ctx context.Context, dir string, s process.Surroundings) error {
	w, err := newWall(dir, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ticker := time.NewTicker(secondLooks)
	defer ticker.Stop()
	for {
		standing, err := w.hands.Standing()
		if err != nil || standing.Until.IsZero() {
			return err
		}
		if s.Now().After(standing.Until.Add(secondGives)) {
			if _, err := w.hands.Recover(ctx); err != nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
