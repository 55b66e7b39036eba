package wall

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/flows"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Seen is what the doors saw: drops, and live flows with the rules that let them in. It outlives declarations.
type Seen struct {
	watch  *watch.Watch
	stamps *firewall.Stamps
	o      SeenOptions

	mu     sync.Mutex // guards the rest
	ledger *watch.Ledger
	policy *firewall.Policy // in force
}

func interfaceName(number int) string {
	if i, err := net.InterfaceByIndex(number); err == nil {
		return i.Name
	}
	return ""
}

// SeenOptions is what it needs of others.
type SeenOptions struct {
	Kernel    *Wall // who enforces the groups; nil: this process
	Recorder  *trace.Recorder
	Now       func() time.Time
	Log       *slog.Logger
	Addresses func() ([]netip.Addr, error) // of this machine
}

// NewSeen makes what watches the doors.
func NewSeen(o SeenOptions) (*Seen, error) {
	s := &Seen{o: o, stamps: &firewall.Stamps{}}
	if o.Kernel != nil {
		s.stamps = &o.Kernel.stamps
	}
	s.ledger = &watch.Ledger{Stamps: s.stamps}
	var err error
	s.watch, err = watch.New(watch.Options{Recorder: o.Recorder, Now: o.Now, Log: o.Log, Interface: interfaceName})
	return s, err
}

// Watch is what hears of drops.
func (s *Seen) Watch() *watch.Watch { return s.watch }

// Enter says which groups are in force from now on. Where rules are gone, the flows that they have let in are counted: they
// go on.
func (s *Seen) Enter(ctx context.Context, c *config.Firewall, p *firewall.Policy, kernel bool) {
	s.watch.Enter(p, kernel && c != nil && !c.Drops.Off)
	s.mu.Lock()
	gone := lost(s.policy, p)
	s.policy = p
	s.ledger.Enter(p)
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
		s.o.Log.WarnContext(ctx, "firewall: rules are gone, and the flows that they let in can't be counted", slog.Any("error", err))
		return
	}
	for _, r := range stale {
		s.o.Log.WarnContext(ctx, "firewall: flows go on that no rule allows any more; roundtrip firewall cut --removed ends them",
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
func (s *Seen) survey(each func(*watch.Live)) error {
	table, err := flows.Open(flows.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.surveyOf(table, each), table.Close())
}

func (s *Seen) surveyOf(table *flows.Table, each func(*watch.Live)) error {
	own, err := s.o.Addresses()
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
func (s *Seen) refused(f firewall.Flow, v firewall.Verdict) {
	if s != nil {
		s.watch.Refused(f, v.Reason)
	}
}

// stamped is the verdict of the kernel on a connection, where its rule stands in the connection's mark; else ok is false.
func (s *Seen) stamped(c net.Conn) (v firewall.Verdict, ok bool) {
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
