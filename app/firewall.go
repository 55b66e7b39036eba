package app

import (
	"context"
	"io"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// The firewall is in app/wall; here it is joined with the house.

// assembleDoors compiles the security groups of this machine (2 may this address connect?).
func (a *App) assembleDoors(h *house) error {
	var err error
	var warnings []policy.Warning
	h.doors, warnings, err = wall.Compile(h.config, wall.Machine{
		Roles: a.options.Roles, Every: a.options.Dev || !a.serves, Addresses: a.around.Addresses,
	})
	h.warnings = append(h.warnings, warnings...)
	return err
}

// openWall makes the wall of a server, and takes back what one before it has left on trial when it was killed.
func (a *App) openWall(ctx context.Context) (err error) {
	if a.options.Dev || !a.around.Kernel {
		return nil
	}
	a.wall, err = wall.Open(ctx, wall.Options{Config: a.config, Data: a.options.Data, Enforce: a.options.Enforce, Log: a.log}, a.around)
	return err
}

// openSeen makes what watches the doors.
func (a *App) openSeen() (err error) {
	a.seen, err = wall.NewSeen(wall.SeenOptions{Kernel: a.wall, Recorder: a.recorder, Now: a.around.Now, Log: a.log, Addresses: a.around.Addresses})
	a.guard.Seen = a.seen
	return err
}

// firstEntering is how groups are brought in when the server starts. Later on, the session that it was started from may be
// somebody else's.
func (a *App) firstEntering() wall.Entering {
	ssh, _ := a.around.Getenv("SSH_CONNECTION")
	return wall.Entering{LockOut: a.options.LockOut, SSH: ssh}
}

// enterWall brings the groups of a house into the kernel.
func (a *App) enterWall(ctx context.Context, h *house, e wall.Entering) error {
	var now *firewall.Policy
	if old := a.house.Load(); old != nil {
		now = old.doors
	}
	return a.wall.Change(ctx, h.config.Firewall, h.doors, now, e)
}

// guardDoors puts the groups of the house in force in this process, as far as the kernel does not enforce them, and tells
// who watches.
func (a *App) guardDoors(ctx context.Context, h *house) {
	byUs := a.wall.Guards()
	a.guard.Swap(h.doors, byUs)
	if a.seen != nil {
		a.seen.Enter(ctx, h.config.Firewall, h.doors, !byUs)
	}
}

// guardAgain has this process enforce the groups in force, where the kernel does not any more.
func (a *App) guardAgain(ctx context.Context) { a.guardDoors(ctx, a.house.Load()) }

// rolesHere are the roles of this machine in the firewall that is in force.
func (a *App) rolesHere() []string {
	if p := a.house.Load().doors; p != nil {
		return p.Roles()
	}
	return nil
}

// applying is an order to a running server: read the declaration again, and bring its groups in like this.
type applying struct {
	how  wall.Entering
	done chan error // takes one
}

// doWall does an order about the firewall.
func (a *App) doWall(ctx context.Context, order wall.Command, out io.Writer) error {
	return a.wall.Do(ctx, order, &wall.Server{
		Apply: a.apply, Guard: a.guardAgain, Policy: func() *firewall.Policy { return a.house.Load().doors }, Rules: a.guard.Rules, Seen: a.seen,
	}, out)
}

// apply reads the declaration again and brings its groups in.
func (a *App) apply(ctx context.Context, e wall.Entering) error {
	done := make(chan error, 1)
	select {
	case a.applies <- applying{e, done}:
	case <-a.closing:
		return roundtrip.E(roundtrip.Unavailable, "app.stopping", "the server is stopping: nothing was changed")
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done
}
