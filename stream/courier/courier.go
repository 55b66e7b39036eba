// Package courier does the jobs of the outbox that speak to others: it claims those that are due, has each done, and puts
// off what failed, for longer each time, until it gives up. The senders of station 9 are built on it.
package courier

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Outbox is where the jobs lie. *sqlite.Store is one.
type Outbox interface {
	ClaimJobs(ctx context.Context, kind string, limit int) ([]store.Job, error)
	NextJob(ctx context.Context, kind string) (due time.Time, ok bool, err error)
	FinishJob(ctx context.Context, id int64) error
	FailJob(ctx context.Context, id int64, reason string, due time.Time) error
	BuryJob(ctx context.Context, id int64, reason string) error
}

// Outcome is how a try went. The zero Outcome is a failure that is tried again.
type Outcome struct {
	Done  bool
	Over  bool          // it failed and never will do: a dead letter at once
	Why   string        // where it is not done: for the operator, who gets the start of it in one line
	Retry time.Duration // not before so long, as the other side asked; 0: as we like

	Reason   string         // of the catalogue in package trace, where it is not done
	Skipped  bool           // it is done because nothing had to be told any more; Why says so
	Status   int            // what the other side answered, in the words of its protocol; 0 where it did not
	Evidence trace.Evidence // Reported where the other side answered: that it took a message does not say that anybody saw it
}

// Options is what a Courier is made of. All of it must be given but Grace and Log.
type Options struct {
	Kind   string // of the jobs
	What   string // of the jobs, for the log: "webhook message"
	Outbox Outbox
	Do     func(ctx context.Context, job store.Job) Outcome // less than a minute: a claim lasts no longer
	AtOnce int                                              // how many jobs are under way, each of another key
	GiveUp time.Duration                                    // how old a job becomes before it is given up
	Spare  bool                                             // all jobs go to one receiver: one that fails again and again is asked seldom
	Drop   bool                                             // what is given up is dropped, and no dead letter
	Grace  time.Duration                                    // how long what is under way may take when the courier is told to stop; default 3 s
	Now    func() time.Time
	Jitter func() float64 // 0 to 1, at random: spreads tries that would come at once
	Log    *slog.Logger   // nil: nothing is logged

	Recorder *trace.Recorder // keeps a journey of each try, which Do finds in its context; nil: none is kept
	Layer    trace.Layer     // of that journey
	Name     string          // of the receiver in it: no person's
}

const (
	grace = 3 * time.Second
	poll  = 30 * time.Second // how often the outbox is looked at without a hint
)

// Courier does the jobs of one kind.
type Courier struct {
	o      Options
	hint   chan struct{}
	health health
}

// New makes a Courier. It opens nothing.
func New(o Options) (*Courier, error) {
	if o.Kind == "" || o.What == "" || o.Outbox == nil || o.Do == nil || o.AtOnce <= 0 || o.GiveUp <= 0 || o.Now == nil || o.Jitter == nil {
		return nil, errors.New("courier.New: all options but Spare, Grace and Log must be given")
	}
	if o.Grace <= 0 {
		o.Grace = grace
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Courier{o: o, hint: make(chan struct{}, 1)}, nil
}

// Hint says that there may be a job: it is looked for soon. It never blocks.
func (c *Courier) Hint() {
	select {
	case c.hint <- struct{}{}:
	default:
	}
}

// Run does what is due until ctx ends. What is under way then may take a little longer, so that hardly anything is done
// twice because of a restart.
func (c *Courier) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		c.Deliver(ctx)
		timer.Reset(c.pause(ctx))
		select {
		case <-ctx.Done():
		case <-c.hint:
		case <-timer.C:
		}
	}
	return ctx.Err()
}

// pause returns how long there is nothing to do, as far as is known.
func (c *Courier) pause(ctx context.Context) time.Duration {
	due, ok, err := c.o.Outbox.NextJob(ctx, c.o.Kind)
	if err != nil || !ok {
		return poll
	}
	if rest := c.health.until(); due.Before(rest) {
		due = rest
	}
	return min(max(due.Sub(c.o.Now()), 10*time.Millisecond), poll)
}

// Deliver does what is due, and returns when nothing is and all that was under way has ended. It claims no more jobs than
// can be done at once, so that none grows old in its hands.
func (c *Courier) Deliver(ctx context.Context) {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	var cutting sync.WaitGroup
	defer cutting.Wait()
	defer cut()
	cutting.Go(func() { c.cutLater(ctx, work, cut) })
	ended := make(chan struct{}, c.o.AtOnce)
	for busy := 0; ; {
		busy += c.start(ctx, work, c.most()-busy, ended)
		if busy == 0 {
			return
		}
		select {
		case <-ended:
			busy--
		case <-c.hint:
		}
		for len(ended) > 0 { // whatever else has ended is replaced by the same claim
			<-ended
			busy--
		}
	}
}

// cutLater ends what is under way if it does not end by itself after ctx has.
func (c *Courier) cutLater(ctx, work context.Context, cut context.CancelFunc) {
	select {
	case <-work.Done():
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(c.o.Grace)
	defer timer.Stop()
	select {
	case <-timer.C:
		cut()
	case <-work.Done():
	}
}

func (c *Courier) most() int {
	if !c.o.Spare {
		return c.o.AtOnce
	}
	return c.health.most(c.o.Now(), c.o.AtOnce)
}

// due reports whether there may be something to do. Asking is a read; a claim is a write, and hints come with each commit.
func (c *Courier) due(ctx context.Context) bool {
	due, ok, err := c.o.Outbox.NextJob(ctx, c.o.Kind)
	return err != nil || ok && !due.After(c.o.Now())
}

// start claims up to most jobs and does each in a goroutine of its own, which tells ended. It returns how many.
func (c *Courier) start(ctx, work context.Context, most int, ended chan<- struct{}) int {
	if most <= 0 || ctx.Err() != nil || !c.due(ctx) {
		return 0
	}
	jobs, err := c.o.Outbox.ClaimJobs(ctx, c.o.Kind, most)
	if err != nil && ctx.Err() == nil {
		c.o.Log.Error("jobs can't be claimed", "kind", c.o.Kind, "error", err)
	}
	for _, job := range jobs {
		go func() {
			defer func() { ended <- struct{}{} }()
			c.see(work, job)
		}()
	}
	return len(jobs)
}

// see does a job once and keeps how that went. What the outbox can't be told is done again when the claim is over.
func (c *Courier) see(ctx context.Context, job store.Job) {
	got, now := c.try(ctx, job), c.o.Now()
	log := c.o.Log.With("what", c.o.What, "kind", c.o.Kind, "job", job.ID)
	next := now.Add(max(spread(backOff(job.Tries), c.o.Jitter()), min(got.Retry, retryMax)))
	cut := ctx.Err() != nil && !got.Done
	if cut { // by a stop: no fault of the receiver, and nothing is given up for it
		got, next = Outcome{Why: "the server stopped while it was under way", Reason: "app.stopping"}, now
	} else {
		c.health.note(got.Done || got.Over, now)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace) // also when the courier is being stopped
	defer cancel()
	var err error
	switch {
	case got.Done:
		err = c.o.Outbox.FinishJob(ctx, job.ID)
	case got.Over, !cut && !next.Before(job.Created.Add(c.o.GiveUp)):
		log.Error("given up", "tries", job.Tries, "why", got.Why)
		if c.o.Drop {
			err = c.o.Outbox.FinishJob(ctx, job.ID)
		} else {
			err = c.o.Outbox.BuryJob(ctx, job.ID, got.Why)
		}
	default:
		log.Warn("not taken", "try", job.Tries, "why", got.Why, "next", next)
		err = c.o.Outbox.FailJob(ctx, job.ID, got.Why, next)
	}
	if err != nil {
		log.Error("how it went can't be kept: it will be done again", "error", err)
	}
}
