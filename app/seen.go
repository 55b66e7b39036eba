package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/flows"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// seen is what the doors saw: drops, and live flows with the rules that let them in. It outlives declarations.
type seen struct {
	watch  *watch.Watch
	stamps *firewall.Stamps
	app    *App

	mu     sync.Mutex // guards the rest
	ledger *watch.Ledger
	policy *firewall.Policy // in force
}

// openSeen makes what watches the doors.
func (a *App) openSeen() error {
	s := &seen{app: a, stamps: &firewall.Stamps{}}
	if a.wall != nil {
		s.stamps = &a.wall.stamps
	}
	s.ledger = &watch.Ledger{Stamps: s.stamps}
	var err error
	s.watch, err = watch.New(watch.Options{Recorder: a.recorder, Now: a.around.Now, Log: a.log, Interface: interfaceName})
	a.seen = s
	return err
}

func interfaceName(number int) string {
	if i, err := net.InterfaceByIndex(number); err == nil {
		return i.Name
	}
	return ""
}

// guardDoors puts the groups of the house in force in this process, as far as the kernel does not enforce them, and tells
// who watches.
func (a *App) guardDoors(ctx context.Context, h *house) {
	byUs := a.wall.guards()
	a.guard.Swap(h.doors, byUs)
	if a.seen != nil {
		a.seen.enter(ctx, h, !byUs)
	}
}

// enter says which groups are in force from now on. Where rules are gone, the flows that they have let in are counted: they
// go on.
func (s *seen) enter(ctx context.Context, h *house, kernel bool) {
	c := h.config.Firewall
	s.watch.Enter(h.doors, kernel && c != nil && !c.Drops.Off)
	s.mu.Lock()
	gone := lost(s.policy, h.doors)
	s.policy = h.doors
	s.ledger.Enter(h.doors)
	s.mu.Unlock()
	if !kernel || !gone {
		return
	}
	var stale []ruleFlows
	err := s.survey(func(v *watch.Live) {
		if !v.Allowed {
			stale = addFlow(stale, v)
		}
	})
	if err != nil {
		s.app.log.WarnContext(ctx, "firewall: rules are gone, and the flows that they let in can't be counted", slog.Any("error", err))
		return
	}
	for _, r := range stale {
		s.app.log.WarnContext(ctx, "firewall: flows go on that no rule allows any more; roundtrip firewall cut --removed ends them",
			slog.String("let_in_by", r.name), slog.Int("flows", r.flows))
	}
}

// lost reports whether a rule of the former policy is not in the next one.
func lost(former, next *firewall.Policy) bool {
	if former == nil || next == nil {
		return false
	}
	return slices.ContainsFunc(former.Rules(), func(r *firewall.Rule) bool {
		return !slices.ContainsFunc(next.Rules(), func(n *firewall.Rule) bool { return n.Key() == r.Key() && slices.Equal(n.Networks, r.Networks) })
	})
}

// ruleFlows is how many flows a rule has let in.
type ruleFlows struct {
	name  string
	flows int
}

// addFlow counts a flow for the rule that let it in.
func addFlow(all []ruleFlows, v *watch.Live) []ruleFlows {
	name := v.Rule
	if name == "" {
		name = "no rule that is known"
	}
	at := slices.IndexFunc(all, func(r ruleFlows) bool { return r.name == name })
	if at < 0 {
		return append(all, ruleFlows{name, 1})
	}
	all[at].flows++
	return all
}

// survey calls each with every live flow of this machine, and its rule.
func (s *seen) survey(each func(*watch.Live)) error {
	table, err := flows.Open(flows.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.surveyOf(table, each), table.Close())
}

func (s *seen) surveyOf(table *flows.Table, each func(*watch.Live)) error {
	own, err := s.app.around.Addresses()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return table.Each(func(f *flows.Flow) {
		if v, ok := s.ledger.Look(f, own); ok {
			each(&v)
		}
	})
}

// refused notes what this process did not let in.
func (s *seen) refused(f firewall.Flow, v firewall.Verdict) {
	if s != nil {
		s.watch.Refused(f, v.Reason)
	}
}

// stamped is the verdict of the kernel on a connection, where its rule stands in the connection's mark; else ok is false.
func (s *seen) stamped(c net.Conn) (v firewall.Verdict, ok bool) {
	if s == nil || c == nil || s.stamps.Mask() == 0 {
		return v, false
	}
	mark, ok := watch.MarkOf(c)
	if !ok {
		return v, false
	}
	st, ok := s.stamps.Of(mark)
	if !ok || st.Rule == nil {
		return v, false
	}
	return firewall.Verdict{Allowed: true, Rule: st.Rule, Evidence: trace.Reported}, true
}
