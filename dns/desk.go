package dns

import (
	"net"
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns/cookie"
	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Sizes of answers in bytes.
const (
	sizeUDP  = 1232 // that we send over UDP at most: no network on the way has to cut it (RFC 9715)
	sizeBare = 512  // for clients without EDNS (RFC 1035 section 4.2.1)
	sizeTCP  = 65535
)

// step says what is to be done with a message.
type step uint8

const (
	send    step = iota // desk.out
	silence             // nothing
	slow                // leave it to Options.Slow
	forward             // leave it to Options.Forward
)

// origin is where a message came from.
type origin struct {
	client netip.AddrPort // IPv4 as IPv4
	local  netip.Addr     // the zero Addr where it is not known
	tcp    bool
}

// desk is what one goroutine answers with: the query that it reads, the answer that it writes. All of it is used again for
// the next query.
type desk struct {
	s        *Server
	settings *settings
	zones    *zone.Set
	counts   *counters
	sampler  *sampler

	now  time.Time
	from origin
	q    message.Query

	out    []byte
	batch  []byte // streams only: answers, framed
	opt    message.OPT
	result message.Result
	ede    message.EDE
	why    trace.Reason
	probe  trace.ID // of the journey, where the query is a probe's; else zero
	proven bool     // the client has a cookie of ours

	max int // bytes that the answer may have, where who asks on behalf of others says so; else 0

	cookie [cookie.Len]byte
}

func (s *Server) newDesk(c *counters, p *sampler) *desk {
	return &desk{s: s, counts: c, sampler: p, out: make([]byte, 0, 4096)}
}

// begin forgets the query before.
func (d *desk) begin(from origin) {
	d.settings, d.zones, d.now, d.from = d.s.settings.Load(), d.s.o.Zones(), d.s.o.Now(), from
	d.out, d.result, d.ede, d.why = d.out[:0], message.Result{}, message.EDE{}, trace.None
	d.opt, d.probe, d.proven, d.max = message.OPT{}, trace.ID{}, false, 0
}

// open begins the answer: it leaves room for the header, copies the question, and makes OPT ready, so that it is known how
// many bytes the records may have. It returns those.
func (d *desk) open() (limit int) {
	q := &d.q
	d.out = message.AppendQuestion(d.out[:0], q)
	limit = sizeTCP
	if !q.TCP {
		limit = sizeBare
	}
	if !q.TCP && q.EDNS.Present {
		limit = min(max(int(q.EDNS.Size), sizeBare), sizeUDP)
	}
	if d.max > 0 {
		limit = min(limit, d.max)
	}
	if !q.EDNS.Present {
		return limit
	}
	d.opt = message.OPT{Size: sizeUDP, DO: q.EDNS.DO}
	if q.EDNS.NSID {
		d.opt.NSID = d.settings.identity
	}
	if len(q.EDNS.Cookie) > 0 {
		d.opt.Cookie = d.s.jar.Append(d.cookie[:0], q.EDNS.Cookie, d.from.client.Addr(), d.now, d.proven)
	}
	return limit - d.opt.Len()
}

// close ends the answer with OPT, where the client speaks EDNS, and writes the header. What is optional is said only where
// there is room.
func (d *desk) close(limit int) {
	if d.q.EDNS.Present {
		if d.opt.Rcode = d.result.Rcode; !d.result.Truncated && len(d.out)+d.ede.Len() <= limit {
			d.opt.Extended = d.ede
		}
		d.out = d.opt.Append(d.out)
		d.result.Additionals++
	}
	message.PutHeader(d.out, &d.q, d.result, d.recursive())
}

// say makes an answer without records.
func (d *desk) say(rcode uint16, why trace.Reason, ede message.EDE) {
	limit := d.open()
	d.result.Rcode, d.why, d.ede = rcode, why, ede
	d.close(limit)
}

// truncate takes all records out of the answer: ask over TCP.
func (d *desk) truncate() {
	limit := d.open()
	d.result.Answers, d.result.Authorities, d.result.Additionals = 0, 0, 0
	d.result.Truncated = true
	d.close(limit)
}

// recursive reports whether this client may ask for names that are not ours.
func (d *desk) recursive() bool { return d.s.o.Forward != nil && d.from.client.Addr().IsLoopback() }

// suffix returns the last n labels of the question's name in small letters.
func (d *desk) suffix(n uint8) []byte {
	if i := d.q.Labels - int(n); n > 0 && i >= 0 {
		return d.q.Key[d.q.Starts[i]:]
	}
	return d.q.Key[max(0, len(d.q.Key)-1):] // the root
}

// addressOf returns an address of net, with IPv4 as IPv4.
func addressOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	case *net.UDPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}
