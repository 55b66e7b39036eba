package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// datagramMax is how long a query over UDP may be, in bytes; what is longer is cut off, and refused for it.
const datagramMax = 4096

// datagram is where an answer over UDP goes: through which socket, to whom, and from which address.
type datagram struct {
	socket *net.UDPConn
	peer   netip.AddrPort // as the socket wants it
	from   []byte         // a control message, empty where the socket has one address only
}

func (a *datagram) write(b []byte) (err error) {
	if len(a.from) > 0 {
		_, _, err = a.socket.WriteMsgUDPAddrPort(b, a.from, a.peer)
	} else {
		_, err = a.socket.WriteToUDPAddrPort(b, a.peer)
	}
	return err
}

// readUDP answers what comes in at a socket until ctx ends: on this goroutine, since handing a query over costs more than
// its answer.
func (s *Server) readUDP(ctx context.Context, c *net.UDPConn, d *desk) {
	if !s.readMany(ctx, c, d) {
		s.readEach(ctx, c, d)
	}
}

// readEach answers datagrams one by one, where the kernel gives no more at once.
func (s *Server) readEach(ctx context.Context, c *net.UDPConn, d *desk) {
	local := addressOf(c.LocalAddr()).Addr()
	wildcard := local.IsUnspecified()
	packet, control := make([]byte, datagramMax), make([]byte, 256)
	back := datagram{socket: c}
	for {
		var n, controls int
		var err error
		if wildcard {
			n, controls, _, back.peer, err = c.ReadMsgUDPAddrPort(packet, control)
		} else {
			n, back.peer, err = c.ReadFromUDPAddrPort(packet)
		}
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) || !pause(ctx) {
				return
			}
			continue
		}
		from := origin{client: netip.AddrPortFrom(back.peer.Addr().Unmap(), back.peer.Port()), local: local}
		if wildcard {
			from.local, back.from = asked(control[:controls])
		}
		if s.take(ctx, d, packet[:n], from, &back) {
			if err := back.write(d.out); err != nil {
				d.counts.unsent.Add(1)
			}
		}
	}
}

// take sees to one datagram, and reports whether d.out is the answer that is to be sent.
func (s *Server) take(ctx context.Context, d *desk, packet []byte, from origin, back *datagram) bool {
	d.counts.udp.Add(1)
	if s.o.Admit != nil && !s.o.Admit(true, from.client) {
		d.counts.barred.Add(1)
		return false
	}
	switch d.serve(packet, from) {
	case send:
		return true
	case slow:
		s.beside(ctx, d, s.slow, packet, from, back, s.serveSlow)
	case forward:
		s.beside(ctx, d, s.forward, packet, from, back, s.serveForward)
	case silence:
	}
	return false
}

// pause waits a little after an error that may go away, such as no memory left for datagrams.
func pause(ctx context.Context) bool {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
