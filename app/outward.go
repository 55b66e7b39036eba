package app

import (
	"context"
	"encoding/binary"
	"io"
	"sync"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/stream/webhook"
)

// outward is what a house tells others after a commit.
type outward struct {
	webhooks *webhook.Sender
	retired  chan struct{} // closed when the house is no longer in force
}

// assembleOutward makes the senders of a declaration. A command makes them too, and never runs them.
func (a *App) assembleOutward(c *config.Config, b *base) (*outward, error) {
	out := &outward{retired: make(chan struct{})}
	var hooks []webhook.Hook
	problems := c.Problems()
	for _, h := range c.Webhooks {
		secret, err := h.Secret.Value()
		if err != nil {
			problems.Add(h.Secret.Pos, "%v", err)
			continue
		}
		key, err := config.SigningKey(secret)
		if err != nil {
			problems.Add(h.Secret.Pos, "the secret of the webhook %s %v", h.Name, err).Expect("a text of at least 16 characters, or whsec_ and Base64")
			continue
		}
		hooks = append(hooks, webhook.Hook{Name: h.Name, URL: h.URL.Text, Key: key, AllowPrivate: h.AllowPrivate})
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	var err error
	out.webhooks, err = webhook.New(webhook.Options{
		Hooks: hooks, Outbox: b.store, Now: a.around.Now, Jitter: a.around.jitter, Log: a.log,
	})
	return out, err
}

// jitter returns a number from 0 to 1 at random.
func (s Surroundings) jitter() float64 {
	var b [8]byte
	_, _ = io.ReadFull(s.Rand, b[:]) // without randomness the tries are not spread, which is no reason not to try
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}

// run sends until ctx ends.
func (o *outward) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { _ = o.webhooks.Run(ctx) }) // its error says that ctx has ended
	all.Wait()
}

// committed is told of a change that was committed. It never blocks.
func (o *outward) committed(c roundtrip.Change) {
	if len(c.Collection.Hooks[c.Action]) > 0 {
		o.webhooks.Hint()
	}
}

// runOutward runs the senders of the house that is in force. Those of the next one start when the ones before have ended,
// so that what one record has to say never overtakes itself.
func (a *App) runOutward(ctx context.Context) error {
	for {
		out := a.house.Load().outward
		run, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() { defer close(ended); out.run(run) }()
		select {
		case <-ctx.Done():
		case <-out.retired:
		}
		cancel()
		<-ended
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
