package dns

import (
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// foundMax is how many kinds of [message.Found] there are.
const foundMax = int(message.Minimal) + 1

// rcodeMax is how many response codes are told apart; those above it are counted as the last one.
const rcodeMax = 24

// counters are what one goroutine counts. They have cache lines of their own.
type counters struct {
	_                                   [64]byte
	udp, tcp, barred, silent, truncated atomic.Uint64
	limited, slipped, wouldLimit        atomic.Uint64
	slow, forwarded, busy               atomic.Uint64
	accepted, refused, panics, unsent   atomic.Uint64
	found                               [foundMax]atomic.Uint64
	rcodes                              [rcodeMax]atomic.Uint64
	_                                   [64]byte
}

func (c *counters) count(r *message.Result) {
	if r.Truncated {
		c.truncated.Add(1)
	}
	c.rcodes[min(int(r.Rcode), rcodeMax-1)].Add(1)
	if r.Rcode == message.NoError || r.Rcode == message.NameError || r.Found != message.Refused {
		c.found[min(int(r.Found), foundMax-1)].Add(1)
	}
}

// Stats is what the server has done since it started.
type Stats struct {
	UDP, TCP  uint64 // messages that came in
	Barred    uint64 // datagrams and connections that the firewall did not admit
	Silent    uint64 // messages that get no answer: too short, or answers themselves
	Truncated uint64 // answers that said: ask over TCP

	Limited    uint64 // answers that rate limiting dropped
	Slipped    uint64 // and those that it sent without their records
	WouldLimit uint64 // and those that it would have held back, in a dry run

	Slow      uint64 // messages left to others: signed ones, transfers
	Forwarded uint64 // and to other servers, in development
	Busy      uint64 // of both, those dropped because too many were under way

	Connections uint64 // over TCP that are open
	Accepted    uint64 // and that were since the start
	Refused     uint64 // and that were too many

	Panics uint64
	Unsent uint64 // answers that the system did not take

	Found  [foundMax]uint64 // answers from the zones by how they were found; the index is a message.Found
	Rcodes [rcodeMax]uint64 // answers by response code; the last one stands for all above
}

// Stats adds up what all goroutines have counted.
func (s *Server) Stats() Stats {
	var sum Stats
	s.counts.addTo(&sum)
	for _, d := range s.desks {
		d.counts.addTo(&sum)
	}
	sum.Connections = uint64(s.crowd.len())
	return sum
}

func (c *counters) addTo(s *Stats) {
	s.UDP += c.udp.Load()
	s.TCP += c.tcp.Load()
	s.Barred += c.barred.Load()
	s.Silent += c.silent.Load()
	s.Truncated += c.truncated.Load()
	s.Limited += c.limited.Load()
	s.Slipped += c.slipped.Load()
	s.WouldLimit += c.wouldLimit.Load()
	s.Slow += c.slow.Load()
	s.Forwarded += c.forwarded.Load()
	s.Busy += c.busy.Load()
	s.Accepted += c.accepted.Load()
	s.Refused += c.refused.Load()
	s.Panics += c.panics.Load()
	s.Unsent += c.unsent.Load()
	for i := range c.found {
		s.Found[i] += c.found[i].Load()
	}
	for i := range c.rcodes {
		s.Rcodes[i] += c.rcodes[i].Load()
	}
}
