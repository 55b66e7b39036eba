package dns

import (
	"context"
	"net"
	"net/netip"

	"github.com/roundtrip-dev/roundtrip/config"
)

// Desk answers messages without a socket, as one that reads UDP does.
type Desk struct{ d *desk }

// Desk returns a new desk.
func (s *Server) Desk() *Desk { return &Desk{s.newDesk(&s.counts, newSampler())} }

// Serve returns the answer to a message, nil where there is none.
func (d *Desk) Serve(packet []byte, client netip.AddrPort, tcp bool) []byte {
	if d.d.serve(packet, origin{client: client, tcp: tcp}) != send {
		return nil
	}
	return d.d.out
}

// Crowd counts connections of clients under a declaration, and reports whether each may come in.
func (s *Server) Crowd(c config.DNS, clients ...netip.Addr) (in []bool) {
	s.Configure(c)
	for _, a := range clients {
		in = append(in, s.crowd.enter(a, s.settings.Load()))
	}
	return in
}

// ReadEach answers what comes in at a socket one by one, as on machines whose kernel gives no more at once.
func (s *Server) ReadEach(ctx context.Context, c *net.UDPConn) error {
	if err := askForAddress(c); err != nil {
		return err
	}
	s.readEach(ctx, c, s.newDesk(&s.counts, newSampler()))
	return nil
}
