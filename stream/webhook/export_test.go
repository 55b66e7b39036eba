package webhook

import (
	"context"
	"sync"
)

// What tests may touch of the inside.

// Deliver sends what is due and waits for it.
func (s *Sender) Deliver(ctx context.Context) {
	var all sync.WaitGroup
	for _, l := range s.lines {
		all.Go(func() { l.Deliver(ctx) })
	}
	all.Wait()
	for _, l := range s.lines {
		l.client.CloseIdleConnections()
	}
}
