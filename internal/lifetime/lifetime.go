// Package lifetime runs the parts of a program: started in order, each when the one before it is ready, and stopped in
// reverse, each when the one after it has ended.
package lifetime

import (
	"context"
	"errors"
	"fmt"
)

// Part is something that runs until its context ends.
type Part struct {
	Name  string
	Run   func(ctx context.Context) error // blocks until all of its goroutines have ended
	Ready <-chan struct{}                 // closed when it can be used; nil: at once
}

// running is a part that was started.
type running struct {
	Part
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// Run starts the parts in order, calls ready when the last one is ready, and waits until ctx ends or a part does. Then it
// stops all in reverse order. It returns the errors of all parts; a part that ends before it was told to is an error too.
func Run(ctx context.Context, ready func(), parts ...Part) error {
	base := context.WithoutCancel(ctx)
	ended := make(chan *running, len(parts))
	var started []*running
	var early *running
	for _, p := range parts {
		r := start(base, p, ended)
		started = append(started, r)
		if early = r.wait(ctx, ended); early != nil || ctx.Err() != nil {
			break
		}
	}
	if early == nil && ctx.Err() == nil {
		ready()
		select {
		case <-ctx.Done():
		case early = <-ended:
		}
	}
	return stop(started, early)
}

func start(ctx context.Context, p Part, ended chan<- *running) *running {
	ctx, cancel := context.WithCancel(ctx)
	r := &running{Part: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer cancel()
		r.err = p.Run(ctx)
		close(r.done)
		ended <- r
	}()
	return r
}

// wait returns when the part is ready, or the part that ended instead.
func (r *running) wait(ctx context.Context, ended <-chan *running) *running {
	if r.Ready == nil {
		return nil
	}
	select {
	case <-r.Ready:
		return nil
	case <-ctx.Done():
		return nil
	case early := <-ended:
		return early
	}
}

func stop(started []*running, early *running) error {
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		r.cancel()
		<-r.done
		switch {
		case r.err != nil && !errors.Is(r.err, context.Canceled):
			errs = append(errs, fmt.Errorf("%s: %w", r.Name, r.err))
		case r == early && r.err == nil:
			errs = append(errs, fmt.Errorf("%s ended by itself", r.Name))
		}
	}
	return errors.Join(errs...)
}
