// Package stub asks the resolvers of this machine about names that are in none of our zones: in development only, so that a
// browser or curl can use the name server for everything. It keeps nothing and follows nothing; that is the resolvers' work.
package stub

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	sizeUDP    = 1232 // bytes that we take and send over UDP (RFC 9715)
	underWay   = 128  // questions that are asked at once
	sameMax    = 3    // of them about one name and type: more is a circle, in which our resolver asks us
	tries      = 2    // of each resolver
	localhost  = "localhost."
	localhosts = "." + localhost
	localTTL   = 60 // seconds
)

// Options says whom to ask.
type Options struct {
	File    string           // in the form of resolv.conf(5), read anew for each question; default /etc/resolv.conf
	Self    []netip.AddrPort // where we listen ourselves: never asked
	Timeout time.Duration    // for one try; default 2s
}

// Stub asks resolvers. It may be used by many goroutines.
type Stub struct {
	o      Options
	port   string // of the resolvers
	places chan struct{}

	mu   sync.Mutex // guards asks
	asks map[dns.Question]int
}

// New makes a stub.
func New(o Options) (*Stub, error) {
	if o.File == "" {
		o.File = "/etc/resolv.conf"
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	return &Stub{o: o, port: "53", places: make(chan struct{}, underWay), asks: map[dns.Question]int{}}, nil
}

// Forward returns the answer to a query, in the size that its sender takes. Names below localhost are answered here: no
// resolver elsewhere knows what they are on this machine (RFC 6761 section 6.3).
func (s *Stub) Forward(ctx context.Context, packet []byte, tcp bool) ([]byte, error) {
	var q dns.Msg
	if err := q.Unpack(packet); err != nil || len(q.Question) != 1 {
		return nil, roundtrip.E(roundtrip.Invalid, "dns.malformed", "the question can't be read")
	}
	key := q.Question[0]
	key.Name = strings.ToLower(key.Name)
	if key.Name == localhost || strings.HasSuffix(key.Name, localhosts) {
		return answer(&q, local(&q), tcp)
	}
	if !s.enter(key) {
		return refuse(&q, tcp, "the question came back: the resolver of this machine asks this server")
	}
	defer s.leave(key)
	servers, err := s.servers()
	switch {
	case err != nil:
		return nil, failed("%s can't be read: %v", s.o.File, err)
	case len(servers) == 0:
		return refuse(&q, tcp, "the resolver of this machine is this server itself")
	}
	r, err := s.ask(ctx, &q, servers, tcp)
	if err != nil {
		return nil, err
	}
	return answer(&q, r, tcp)
}

// enter counts a question, or reports that there are too many of it or of all.
func (s *Stub) enter(key dns.Question) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asks[key] >= sameMax {
		return false
	}
	select {
	case s.places <- struct{}{}:
	default:
		return false
	}
	s.asks[key]++
	return true
}

func (s *Stub) leave(key dns.Question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asks[key]--; s.asks[key] == 0 {
		delete(s.asks, key)
	}
	<-s.places
}

// servers returns the resolvers of this machine but ourselves.
func (s *Stub) servers() ([]string, error) {
	c, err := dns.ClientConfigFromFile(s.o.File)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(s.port, 10, 16)
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, host := range c.Servers {
		a, err := netip.ParseAddr(host)
		if err != nil || s.isSelf(netip.AddrPortFrom(a, uint16(port))) {
			continue
		}
		servers = append(servers, net.JoinHostPort(host, s.port))
	}
	return servers, nil
}

// isSelf reports whether a resolver is one of our own sockets; one that is bound to all addresses has every address of
// loopback.
func (s *Stub) isSelf(a netip.AddrPort) bool {
	for _, own := range s.o.Self {
		if own.Port() == a.Port() && (own.Addr() == a.Addr() || own.Addr().IsUnspecified() && (a.Addr().IsLoopback() || a.Addr().IsUnspecified())) {
			return true
		}
	}
	return false
}

// ask asks one resolver after the other until one has an answer.
func (s *Stub) ask(ctx context.Context, q *dns.Msg, servers []string, tcp bool) (*dns.Msg, error) {
	ours := new(dns.Msg)
	ours.Question, ours.RecursionDesired, ours.CheckingDisabled = q.Question, true, q.CheckingDisabled
	ours.Id = dns.Id()
	opt := q.IsEdns0()
	ours.SetEdns0(sizeUDP, opt != nil && opt.Do())
	var last error
	var failure *dns.Msg
	for range tries {
		for _, server := range servers {
			r, err := s.exchange(ctx, ours, server, tcp)
			switch {
			case err != nil:
				last = err
			case r.Rcode == dns.RcodeServerFailure || r.Rcode == dns.RcodeRefused:
				failure = r
			default:
				return r, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		if failure != nil {
			return failure, nil
		}
	}
	return nil, failed("no resolver of %s has answered: %v", s.o.File, last)
}

// exchange asks one resolver: over UDP, and over TCP where the answer does not fit and who asks us can take it.
func (s *Stub) exchange(ctx context.Context, q *dns.Msg, server string, tcp bool) (*dns.Msg, error) {
	c := dns.Client{Net: "udp", Timeout: s.o.Timeout, UDPSize: sizeUDP}
	r, _, err := c.ExchangeContext(ctx, q, server)
	if err == nil && r.Truncated && tcp {
		c.Net = "tcp"
		r, _, err = c.ExchangeContext(ctx, q, server)
	}
	if err != nil {
		return nil, err
	}
	if len(r.Question) != 1 || !strings.EqualFold(r.Question[0].Name, q.Question[0].Name) || r.Question[0].Qtype != q.Question[0].Qtype {
		return nil, failed("%s answered another question", server)
	}
	return r, nil
}

// local is the answer about a name below localhost.
func local(q *dns.Msg) *dns.Msg {
	r := new(dns.Msg)
	switch h := (dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: localTTL}); h.Rrtype {
	case dns.TypeA:
		r.Answer = []dns.RR{&dns.A{Hdr: h, A: net.IPv4(127, 0, 0, 1)}}
	case dns.TypeAAAA:
		r.Answer = []dns.RR{&dns.AAAA{Hdr: h, AAAA: net.IPv6loopback}}
	}
	return r
}

// answer makes of a resolver's answer the one to our client.
func answer(q, r *dns.Msg, tcp bool) ([]byte, error) {
	r.Id, r.Opcode, r.Response, r.Question = q.Id, q.Opcode, true, q.Question
	r.RecursionDesired, r.CheckingDisabled, r.RecursionAvailable, r.Authoritative = q.RecursionDesired, q.CheckingDisabled, true, false
	extended := takeOPT(r)
	size := dns.MinMsgSize
	if opt := q.IsEdns0(); opt != nil {
		size = min(max(int(opt.UDPSize()), dns.MinMsgSize), sizeUDP)
		own := new(dns.OPT)
		own.Hdr.Name, own.Hdr.Rrtype = ".", dns.TypeOPT
		own.SetUDPSize(sizeUDP)
		if opt.Do() {
			own.SetDo()
		}
		own.Option = extended
		r.Extra = append(r.Extra, own)
	} else if r.Rcode > 15 {
		r.Rcode = dns.RcodeServerFailure
	}
	if tcp {
		size = dns.MaxMsgSize
	}
	r.Compress = true
	r.Truncate(size)
	return r.Pack()
}

// takeOPT takes the OPT record out of an answer: it is between us and the resolver. The errors in it are for who asked.
func takeOPT(r *dns.Msg) (extended []dns.EDNS0) {
	var rest []dns.RR
	for _, rr := range r.Extra {
		opt, ok := rr.(*dns.OPT)
		if !ok {
			rest = append(rest, rr)
			continue
		}
		for _, o := range opt.Option {
			if o.Option() == dns.EDNS0EDE {
				extended = append(extended, o)
			}
		}
	}
	r.Extra = rest
	return extended
}

// refuse is the answer where asking would lead in a circle.
func refuse(q *dns.Msg, tcp bool, why string) ([]byte, error) {
	r := new(dns.Msg)
	r.Rcode = dns.RcodeRefused
	opt := new(dns.OPT)
	opt.Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeProhibited, ExtraText: why}}
	r.Extra = []dns.RR{opt}
	return answer(q, r, tcp)
}

func failed(format string, args ...any) error {
	return roundtrip.E(roundtrip.Unavailable, "dns.forward_failed", format, args...)
}
