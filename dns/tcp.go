package dns

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

const (
	frameLen = 2       // bytes before each message over TCP that say how long it is (RFC 1035 section 4.2.2)
	batchMax = 1 << 15 // bytes of answers that are gathered before they are written, while there are queries to answer
)

// accept takes connections until ctx ends, and returns when all of them are closed.
func (s *Server) accept(ctx context.Context, l net.Listener) {
	var streams sync.WaitGroup
	defer streams.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) || !pause(ctx) {
				return
			}
			continue
		}
		client := addressOf(c.RemoteAddr())
		if s.o.Admit != nil && !s.o.Admit(false, client) {
			s.counts.barred.Add(1)
			_ = c.Close()
			continue
		}
		if !s.crowd.enter(client.Addr(), s.settings.Load()) {
			s.counts.refused.Add(1)
			s.recordCrowd(client)
			_ = c.Close()
			continue
		}
		s.counts.accepted.Add(1)
		streams.Go(func() {
			defer s.crowd.leave(client.Addr())
			t := stream{s: s, c: c, from: origin{client: client, local: addressOf(c.LocalAddr()).Addr(), tcp: true}}
			t.run(ctx)
		})
	}
}

// stream is one TCP connection. Its queries are answered in their order; answers to those that came together leave together
// (RFC 7766 sections 6.2.1 and 7).
type stream struct {
	s    *Server
	c    net.Conn
	from origin
	in   []byte // what came and is not answered yet
}

// run answers until the client has closed its side, is silent for too long, does not take its answers, or ctx ends.
func (t *stream) run(ctx context.Context) {
	defer t.c.Close() //nolint:errcheck // nothing was promised that closing could break
	stop := context.AfterFunc(ctx, func() { _ = t.c.SetReadDeadline(t.s.start) })
	defer stop()
	for t.await(ctx) {
		if !t.answer(ctx) {
			return
		}
	}
}

// await reads until there is a whole message. A message has the time that a client may be idle for, from its first byte to
// its last: whoever sends it byte by byte gains nothing.
func (t *stream) await(ctx context.Context) bool {
	if t.whole() != nil {
		return true
	}
	_ = t.c.SetReadDeadline(t.s.o.Now().Add(t.s.crowd.idle(t.s.settings.Load().clients)))
	if ctx.Err() != nil {
		return false // it ended before the deadline was set
	}
	for {
		size := 512
		if len(t.in) >= frameLen {
			n := int(binary.BigEndian.Uint16(t.in))
			if n < message.HeaderLen {
				return false // 0 or no message: there is no telling where the next one begins
			}
			size = max(size, frameLen+n)
		}
		if cap(t.in) < size || cap(t.in) == len(t.in) {
			t.in = append(make([]byte, 0, size), t.in...)
		}
		n, err := t.c.Read(t.in[len(t.in):cap(t.in)])
		t.in = t.in[:len(t.in)+n]
		if t.whole() != nil {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// whole returns the first message, if all of it is there.
func (t *stream) whole() []byte {
	if len(t.in) < frameLen {
		return nil
	}
	n := int(binary.BigEndian.Uint16(t.in))
	if n < message.HeaderLen || len(t.in) < frameLen+n {
		return nil
	}
	return t.in[frameLen : frameLen+n]
}

// answer answers all messages that are there.
func (t *stream) answer(ctx context.Context) bool {
	d := t.s.desk()
	defer t.s.spare.Put(d)
	d.batch = d.batch[:0]
	done := 0 // bytes of in
	rest := t.in
	defer func() { t.in = append(rest[:0], rest[done:]...) }()
	for packet := t.whole(); packet != nil; packet = t.whole() {
		d.counts.tcp.Add(1)
		switch d.serve(packet, t.from) {
		case send:
			d.batch = binary.BigEndian.AppendUint16(d.batch, uint16(len(d.out)))
			d.batch = append(d.batch, d.out...)
		case slow:
			if !t.flush(d) {
				return false
			}
			t.s.serveSlow(ctx, bytes.Clone(packet), t.from, t.reply)
		case forward:
			if !t.flush(d) {
				return false
			}
			t.s.serveForward(ctx, bytes.Clone(packet), t.from, t.reply)
		case silence:
		}
		done += frameLen + len(packet)
		t.in = rest[done:]
		if len(d.batch) >= batchMax && !t.flush(d) {
			return false
		}
	}
	return t.flush(d)
}

// flush writes what was gathered.
func (t *stream) flush(d *desk) bool {
	if len(d.batch) == 0 {
		return true
	}
	_ = t.c.SetWriteDeadline(t.s.o.Now().Add(t.s.settings.Load().clients.Idle))
	_, err := t.c.Write(d.batch)
	d.batch = d.batch[:0]
	if err != nil {
		d.counts.unsent.Add(1)
	}
	return err == nil
}

// reply writes one message of others.
func (t *stream) reply(b []byte) error {
	_ = t.c.SetWriteDeadline(t.s.o.Now().Add(t.s.settings.Load().clients.Idle))
	frame := make([]byte, frameLen, frameLen+len(b))
	binary.BigEndian.PutUint16(frame, uint16(len(b)))
	_, err := t.c.Write(append(frame, b...))
	return err
}
