package dns

import (
	"bytes"
	"context"
	"runtime/debug"
	"slices"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/rrl"
)

// beside has a message over UDP answered on a goroutine of its own, if not too many are under way. Who gets no answer asks
// again.
func (s *Server) beside(ctx context.Context, d *desk, places chan struct{}, packet []byte, from origin, back *datagram,
	answer func(ctx context.Context, packet []byte, from origin, reply func([]byte) error),
) {
	select {
	case places <- struct{}{}:
	default:
		d.counts.busy.Add(1)
		return
	}
	mine := datagram{socket: back.socket, peer: back.peer, from: bytes.Clone(back.from)}
	packet = bytes.Clone(packet)
	s.others.Go(func() {
		defer func() { <-places }()
		answer(ctx, packet, from, func(b []byte) error {
			if !s.mayReply(b, from) {
				return nil
			}
			return mine.write(b)
		})
	})
}

// mayReply holds back errors that others answer with over UDP, as those of the fast path are.
func (s *Server) mayReply(b []byte, from origin) bool {
	t := s.settings.Load()
	if len(b) < message.HeaderLen || b[3]&15 == 0 || from.client.Addr().IsLoopback() {
		return true
	}
	if s.limiter.Take(t.rate, from.client.Addr(), rrl.Fault, nil, int64(s.o.Now().Sub(s.start))) == rrl.Pass {
		return true
	}
	if t.dryRun {
		s.counts.wouldLimit.Add(1)
		return true
	}
	s.counts.limited.Add(1)
	return false
}

// serveSlow leaves a message to Options.Slow. What it does not see to is refused.
func (s *Server) serveSlow(ctx context.Context, packet []byte, from origin, reply func([]byte) error) {
	defer s.crashed()
	s.counts.slow.Add(1)
	x := &Exchange{Packet: packet, Query: new(message.Query), Client: from.client, Local: from.local, TCP: from.tcp, Reply: reply}
	message.Parse(packet, x.Query)
	x.Query.Client, x.Query.TCP = from.client, from.tcp
	x.Answer = func(q *message.Query, limit int) []byte { return s.answerFor(q, limit, from) }
	if s.o.Slow(ctx, x) {
		return
	}
	d := s.desk()
	defer s.spare.Put(d)
	d.begin(from)
	d.q = *x.Query
	d.decline()
	if d.leave() == send {
		_ = reply(d.out) // if it can't be sent there is nobody to tell
	}
}

// answerFor makes the answer of the fast path to a query that others have read.
func (s *Server) answerFor(q *message.Query, limit int, from origin) []byte {
	d := s.desk()
	defer s.spare.Put(d)
	d.begin(from)
	d.q, d.max = *q, limit
	d.ask()
	return slices.Clone(d.out)
}

// serveForward asks other servers.
func (s *Server) serveForward(ctx context.Context, packet []byte, from origin, reply func([]byte) error) {
	defer s.crashed()
	s.counts.forwarded.Add(1)
	b, err := s.o.Forward(ctx, packet, from.tcp)
	if err == nil {
		_ = reply(b)
		return
	}
	d := s.desk()
	defer s.spare.Put(d)
	d.begin(from)
	message.Parse(packet, &d.q)
	d.q.Client, d.q.TCP = from.client, from.tcp
	d.say(message.ServerFailure, s.why.forward, message.EDE{Code: message.NetworkError, Text: "no resolver of this machine gave an answer"})
	if d.leave() == send {
		_ = reply(d.out)
	}
}

// desk returns a desk that nobody uses; it goes back to s.spare.
func (s *Server) desk() *desk { return s.spare.Get().(*desk) }

// crashed keeps a mistake in what others do from ending the server.
func (s *Server) crashed() {
	if p := recover(); p != nil {
		s.counts.panics.Add(1)
		s.o.Log.Error("a query crashed; please report it", "panic", p, "stack", string(debug.Stack()))
	}
}
