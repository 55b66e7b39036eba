// Package webhook is part of station 9: it tells other programs of committed writes. A message lies in the outbox, written
// in the transaction of the write, until its receiver has answered with 2xx; so it may come twice and is never lost.
//
// Messages have the form and the signature of the Standard Webhooks specification (https://www.standardwebhooks.com).
package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip/internal/publicnet"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Hook is one receiver.
type Hook struct {
	Name         string
	URL          string
	Key          []byte // signs each message
	AllowPrivate bool   // whether the URL may lead to an address that is not public
}

// Options is what a Sender is made of. All of it must be given but Hooks, Timeout, Grace and Log.
type Options struct {
	Hooks   []Hook
	Outbox  courier.Outbox
	Now     func() time.Time
	Jitter  func() float64 // 0 to 1, at random: spreads tries that would come at once
	Timeout time.Duration  // how long one try may take; default 15 s
	Grace   time.Duration  // how long what is under way may take when the sender is told to stop; default 3 s
	Log     *slog.Logger   // nil: nothing is logged

	// Recorder keeps a journey of each try; nil: none is kept.
	Recorder *trace.Recorder

	// Leave is asked about each connection before it is made; see [publicnet.Options]. nil: nobody is.
	Leave func(network, address string, c syscall.RawConn) error
}

const (
	timeout = 15 * time.Second // less than a claim lasts, so that nobody else has the message meanwhile
	atOnce  = 8                // messages of one hook that are under way, each of another record
	giveUp  = 72 * time.Hour   // after which a message becomes a dead letter
)

// Sender sends the messages of all hooks, each hook by itself: a slow receiver holds up nobody else.
type Sender struct {
	lines []*line
	ready chan struct{}
}

// line is one hook.
type line struct {
	*courier.Courier
	hook   Hook
	now    func() time.Time
	client *http.Client
}

// New makes a Sender. It opens nothing.
func New(o Options) (*Sender, error) {
	if o.Timeout <= 0 {
		o.Timeout = timeout
	}
	s := &Sender{ready: make(chan struct{})}
	for _, h := range o.Hooks {
		if len(h.Key) == 0 {
			return nil, errors.New("webhook.New: the hook " + h.Name + " has no key")
		}
		l := &line{hook: h, now: o.Now, client: publicnet.Client(publicnet.Options{AllowPrivate: h.AllowPrivate, Timeout: o.Timeout, Conns: atOnce, Leave: o.Leave})}
		var err error
		l.Courier, err = courier.New(courier.Options{
			Kind: store.JobWebhook + h.Name, What: "webhook message", Outbox: o.Outbox, Do: l.send, AtOnce: atOnce, GiveUp: giveUp, Spare: true,
			Grace: o.Grace, Now: o.Now, Jitter: o.Jitter, Log: o.Log, Recorder: o.Recorder, Layer: trace.Webhook, Name: h.Name,
		})
		if err != nil {
			return nil, err
		}
		s.lines = append(s.lines, l)
	}
	return s, nil
}

// Hint says that there may be a message: it is looked for soon. It never blocks.
func (s *Sender) Hint() {
	for _, l := range s.lines {
		l.Hint()
	}
}

// Ready is closed when the sender runs.
func (s *Sender) Ready() <-chan struct{} { return s.ready }

// Run sends what is due until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	close(s.ready)
	var all sync.WaitGroup
	for _, l := range s.lines {
		all.Go(func() {
			defer l.client.CloseIdleConnections()
			_ = l.Run(ctx) // ends when ctx does, which is said below
		})
	}
	all.Wait()
	<-ctx.Done()
	return ctx.Err()
}
