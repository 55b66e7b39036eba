// Package watch is what the doors saw: which packets were dropped and why, which flows are alive and by which rule, and how
// to end those that a rule let in which is gone.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/flows"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/nflog"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	keepEvery  = 100 * time.Millisecond // one journey of drops
	keepEach   = 10 * time.Second       // one journey of the same drop
	againAfter = 10 * time.Second       // when a listener that failed is opened again
	fillEvery  = 5 * time.Second        // the connection table is asked whether it was full
	nameEvery  = 10 * time.Second       // network interfaces are asked for their names
)

// Options says what a watch is handed.
type Options struct {
	Recorder  *trace.Recorder  // of journeys of drops; nil: none are kept
	Now       func() time.Time // the clock
	Log       *slog.Logger
	Interface func(number int) string // the name of a network interface; nil: they have none
	Group     uint16                  // of NFLOG; 0: firewall.LogGroup
	NetNS     int                     // descriptor of the network namespace; 0: the one of this process
}

// Watch gathers drops. It is safe for use by many goroutines.
type Watch struct {
	options Options
	ready   chan struct{}
	change  chan struct{}

	mu        sync.Mutex // guards all below
	drops     *fold
	packets   packets
	policy    *firewall.Policy
	listening bool
	lost      int64 // times that the kernel threw packets away, since nobody read in time
	odd       int64 // messages that could not be read
	wrong     error // why nothing is heard of the kernel's drops
	kept      time.Time
	full      uint64 // the counter of the full connection table, when it was asked last
	counted   bool   // it was asked
	cards     map[int]string
	named     time.Time // when cards was emptied
}

// New makes a watch. It opens nothing.
func New(o Options) (*Watch, error) {
	if o.Now == nil || o.Log == nil {
		return nil, errors.New("watch.New: Options.Now and Log must be set")
	}
	if o.Group == 0 {
		o.Group = firewall.LogGroup
	}
	return &Watch{options: o, ready: make(chan struct{}), change: make(chan struct{}, 1), drops: newFold(), cards: map[int]string{}}, nil
}

// Enter says which policy is in force from now on, nil for none, and whether the kernel enforces it and tells of its drops.
func (w *Watch) Enter(p *firewall.Policy, listen bool) {
	w.mu.Lock()
	w.policy, w.listening = p, listen && p != nil
	w.mu.Unlock()
	select {
	case w.change <- struct{}{}:
	default: // Run has not seen the last change yet, and will see this one with it
	}
}

// Ready is closed once Run listens, or knows that there is nothing to listen to.
func (w *Watch) Ready() <-chan struct{} { return w.ready }

// Run listens to the kernel while the kernel enforces the groups. It returns when ctx ends: that it can't listen is logged,
// and tried again, for a server serves whether somebody watches or not.
func (w *Watch) Run(ctx context.Context) error {
	var stop func()
	var failed <-chan error
	var again <-chan time.Time
	defer func() {
		if stop != nil {
			stop()
		}
	}()
	for first := true; ; first = false {
		w.mu.Lock()
		want := w.listening
		w.mu.Unlock()
		switch {
		case want && stop == nil:
			again = nil
			if stop, failed = w.listen(ctx); stop == nil {
				again = time.After(againAfter)
			}
		case !want && stop != nil:
			stop()
			stop, failed = nil, nil
		}
		if first {
			close(w.ready)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.change:
		case <-again:
		case err := <-failed:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			stop()
			w.fault(err)
			stop, failed, again = nil, nil, time.After(againAfter)
		}
	}
}

// listen opens the socket of drops and the table of connections, and reads both until it is stopped or a socket fails.
func (w *Watch) listen(ctx context.Context) (stop func(), failed <-chan error) {
	r, err := nflog.Open(nflog.Options{Group: w.options.Group, NetNS: w.options.NetNS})
	if err != nil {
		w.fault(err)
		return nil, nil
	}
	table, err := flows.Open(flows.Options{NetNS: w.options.NetNS})
	if err != nil {
		w.fault(errors.Join(err, r.Close()))
		return nil, nil
	}
	w.fault(nil)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 2)
	var group sync.WaitGroup
	group.Go(func() { ended <- r.Run(ctx, func(p nflog.Packet) { w.packet(&p, r) }) })
	group.Go(func() { ended <- w.measure(ctx, table) })
	return func() {
		cancel()
		group.Wait()
		_, _ = r.Close(), table.Close()
	}, ended
}

// fault notes why nothing is heard, nil for all is well.
func (w *Watch) fault(err error) {
	w.mu.Lock()
	said := w.wrong != nil && err != nil && w.wrong.Error() == err.Error()
	w.wrong = err
	w.mu.Unlock()
	if err != nil && !said {
		w.options.Log.Warn("what the kernel drops is not heard of: it is dropped all the same", slog.Any("error", err))
	}
}

// packet notes one packet that the kernel dropped.
func (w *Watch) packet(p *nflog.Packet, r *nflog.Reader) {
	out, reason, ours := firewall.ParseLogPrefix(p.Prefix)
	if !ours {
		return // of another table that logs to the same group
	}
	f := firewall.Flow{Out: out, Protocol: p.Protocol, Remote: p.From, Port: p.ToPort, Type: p.Type, Code: p.Code}
	local := p.To
	if out {
		f.Remote, local = p.To, p.From
	}
	number := p.In
	if out {
		number = p.Out
	}
	w.mu.Lock()
	w.lost, w.odd = r.Lost(), r.Odd()
	d := w.note(f, reason, trace.Reported, 1)
	d.Local, d.Interface = local, w.card(number, d.Last)
	if !out {
		w.packets.add(Packet{netip.AddrPortFrom(p.From, p.FromPort), netip.AddrPortFrom(p.To, p.ToPort), p.Protocol, d.Reason, d.Last})
	}
	w.mu.Unlock()
}

// card is the name of a network interface. To ask costs more than all else about a packet, so it is asked now and then: names
// change rarely.
func (w *Watch) card(number int, now time.Time) string {
	if number == 0 || w.options.Interface == nil {
		return ""
	}
	if now.Sub(w.named) >= nameEvery {
		clear(w.cards)
		w.named = now
	}
	name, ok := w.cards[number]
	if !ok {
		name = w.options.Interface(number)
		w.cards[number] = name
	}
	return name
}

// Refused notes a connection or datagram that this process refused.
func (w *Watch) Refused(f firewall.Flow, reason trace.Reason) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.Remote = f.Remote.Unmap().WithZone("")
	w.count(f, reason, trace.Seen, 1)
}

// note counts a drop and keeps a journey of it now and then.
func (w *Watch) note(f firewall.Flow, reason trace.Reason, evidence trace.Evidence, packets uint64) *Drop {
	d, now := w.count(f, reason, evidence, packets)
	if now.Sub(w.kept) < keepEvery || now.Sub(d.told) < keepEach {
		return d
	}
	w.kept, d.told = now, now
	j := w.options.Recorder.Begin(trace.Drop)
	if j == nil {
		return d
	}
	j.Client = f.Remote
	if f.Protocol != 0 {
		j.Proto = f.Traffic()
	}
	j.Add(trace.Hop{
		Layer: trace.Firewall, Verdict: trace.Deny, Evidence: evidence, Reason: d.Reason, Name: "groups", Note: w.why(d).Short,
		N: [2]int64{int64(d.Packets), 0},
	})
	w.options.Recorder.End(j)
	return d
}

func (w *Watch) count(f firewall.Flow, reason trace.Reason, evidence trace.Evidence, packets uint64) (*Drop, time.Time) {
	now := w.options.Now()
	d := w.drops.add(dropKey{reason, f}, packets, now)
	if d.Evidence = evidence; d.Packets == packets && reason == trace.ReasonOf("firewall.no_rule") && w.policy != nil {
		d.Reason = w.policy.Refusal(f) // the first of its kind: is it a stale group?
	}
	return d, now
}

// measure asks now and then whether the table of connections was full.
func (w *Watch) measure(ctx context.Context, table *flows.Table) error {
	tick := time.NewTicker(fillEvery)
	defer tick.Stop()
	for {
		fill, err := table.Fill()
		if err != nil {
			return err
		}
		w.filled(fill)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// filled notes what the full table cost since it was asked last. Who was dropped, the kernel does not tell.
func (w *Watch) filled(fill flows.Fill) {
	w.mu.Lock()
	before, known := w.full, w.counted
	w.full, w.counted = fill.Dropped, true
	more := fill.Dropped - before
	tell := known && fill.Dropped > before
	if tell {
		w.note(firewall.Flow{Remote: netip.Addr{}}, trace.ReasonOf("firewall.table_full"), trace.Reported, more)
	}
	w.mu.Unlock()
	if tell {
		w.options.Log.Warn("the table of connections was full, and packets were dropped whatever the rules say",
			slog.Uint64("packets", more), slog.Uint64("connections", uint64(fill.Entries)), slog.Uint64("room", uint64(fill.Max)))
	}
}
