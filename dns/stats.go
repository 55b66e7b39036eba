package dns

import (
	"sync/atomic"

	"github.com/miekg/dns"

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
	UDP       uint64 `json:"udp"` // messages that came in
	TCP       uint64 `json:"tcp"`
	Barred    uint64 `json:"barred"`    // datagrams and connections that the firewall did not admit
	Silent    uint64 `json:"silent"`    // messages that get no answer: too short, or answers themselves
	Truncated uint64 `json:"truncated"` // answers that said: ask over TCP

	Limited    uint64 `json:"limited"`     // answers that rate limiting dropped
	Slipped    uint64 `json:"slipped"`     // and those that it sent without their records
	WouldLimit uint64 `json:"would_limit"` // and those that it would have held back, in a dry run

	Slow      uint64 `json:"slow"`      // messages left to others: signed ones, transfers
	Forwarded uint64 `json:"forwarded"` // and to other servers, in development
	Busy      uint64 `json:"busy"`      // of both, those dropped because too many were under way

	Connections uint64 `json:"connections"` // over TCP that are open
	Accepted    uint64 `json:"accepted"`    // and that were since the start
	Refused     uint64 `json:"refused"`     // and that were too many

	Panics uint64 `json:"panics"`
	Unsent uint64 `json:"unsent"` // answers that the system did not take

	Found  map[string]uint64 `json:"found"`  // answers from the zones by how they were found
	Rcodes map[string]uint64 `json:"rcodes"` // answers by response code: NOERROR, NXDOMAIN
}

// Stats adds up what all goroutines have counted.
func (s *Server) Stats() Stats {
	sum := Stats{Found: map[string]uint64{}, Rcodes: map[string]uint64{}}
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
	words := [foundMax]string{"refused", "data", "no_data", "empty", "no_name", "chain", "chain_out", "chain_loop", "delegation", "too_long", "minimal"}
	for i := range c.found {
		if n := c.found[i].Load(); n > 0 {
			s.Found[words[i]] += n
		}
	}
	for i := range c.rcodes {
		if n := c.rcodes[i].Load(); n > 0 {
			s.Rcodes[rcodeName(uint16(i))] += n
		}
	}
}

func rcodeName(rcode uint16) string {
	switch rcode {
	case rcodeMax - 1:
		return "BADCOOKIE" // and whatever is above
	case message.BadVersionOrSig:
		return "BADVERS"
	}
	return dns.RcodeToString[int(rcode)]
}
