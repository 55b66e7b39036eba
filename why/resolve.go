package why

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Stub is the resolver of this machine, read anew for each probe: its hosts file first, then the servers of resolv.conf. It
// is written here because that of the library tells neither who answered nor what else was said.
type Stub struct {
	HostsFile string // default /etc/hosts
	Conf      string // default /etc/resolv.conf
	Now       func() time.Time
}

const (
	queryTimeout = 2 * time.Second // of one server
	querySize    = 1232            // bytes of an answer over UDP (RFC 9715)
)

// hosts returns the addresses that the hosts file gives a name.
func (s *Stub) hosts(name string) []netip.Addr {
	f, err := os.Open(orElse(s.HostsFile, "/etc/hosts"))
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	var found []netip.Addr
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(w string) bool { return strings.EqualFold(strings.TrimSuffix(w, "."), name) }) {
			continue
		}
		if a, err := netip.ParseAddr(words[0]); err == nil && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	return found
}

// servers are those of resolv.conf; the machine itself where there is none, as programs take it.
func (s *Stub) servers() []string {
	c, err := dns.ClientConfigFromFile(orElse(s.Conf, "/etc/resolv.conf"))
	if err != nil || len(c.Servers) == 0 {
		return []string{"127.0.0.1:53"}
	}
	var all []string
	for _, server := range c.Servers[:min(3, len(c.Servers))] { // more are asked by no program
		all = append(all, net.JoinHostPort(server, c.Port))
	}
	return all
}

// look asks the servers of this machine in their order, as programs do: the next one where one does not answer or fails.
func (s *Stub) look(ctx context.Context, name string) Lookup {
	var last Lookup
	for _, server := range s.servers() {
		l := s.ask(ctx, server, name, true)
		if l.Answered() && l.Rcode != "SERVFAIL" && l.Rcode != "REFUSED" || ctx.Err() != nil {
			return l
		}
		if !last.Answered() || l.Answered() {
			last = l
		}
	}
	return last
}

// ask asks one server for both kinds of addresses at once.
func (s *Stub) ask(ctx context.Context, server, name string, recurse bool) Lookup {
	began := s.Now()
	var four, six Lookup
	var group sync.WaitGroup
	group.Go(func() { four = s.query(ctx, server, name, dns.TypeA, recurse) })
	group.Go(func() { six = s.query(ctx, server, name, dns.TypeAAAA, recurse) })
	group.Wait()
	l := join(four, six)
	l.Name, l.Server, l.Took = name, server, s.Now().Sub(began)
	return l
}

// join makes one of the answers for both kinds: what one of them has counts.
func join(four, six Lookup) Lookup {
	l, other := four, six
	if !four.Answered() || four.Rcode != "NOERROR" && six.Rcode == "NOERROR" {
		l, other = six, four
	}
	l.Addresses = slices.Concat(six.Addresses, four.Addresses)
	if other.Has() && (other.TTL < l.TTL || l.TTL == 0) {
		l.TTL = other.TTL
	}
	for _, e := range other.Extended {
		if !slices.Contains(l.Extended, e) {
			l.Extended = append(l.Extended, e)
		}
	}
	if len(l.Aliases) == 0 {
		l.Aliases = other.Aliases
	}
	return l
}

// query asks one server one question: over UDP, and over TCP where the answer has no room.
func (s *Stub) query(ctx context.Context, server, name string, kind uint16, recurse bool) Lookup {
	l := Lookup{}
	in, err := exchange(ctx, server, name, kind, recurse)
	if err != nil {
		l.Error = queryError(err)
		return l
	}
	l.Rcode = dns.RcodeToString[in.Rcode]
	for _, rr := range in.Answer {
		var a netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			a, _ = netip.AddrFromSlice(rr.A.To4())
		case *dns.AAAA:
			a, _ = netip.AddrFromSlice(rr.AAAA)
		case *dns.CNAME:
			l.Aliases = append(l.Aliases, strings.TrimSuffix(rr.Target, "."))
		}
		if !a.IsValid() {
			continue
		}
		l.Addresses = append(l.Addresses, a)
		if ttl := time.Duration(rr.Header().Ttl) * time.Second; len(l.Addresses) == 1 || ttl < l.TTL {
			l.TTL = ttl
		}
	}
	l.Extended = extended(in)
	return l
}

func exchange(ctx context.Context, server, name string, kind uint16, recurse bool) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), kind)
	m.RecursionDesired = recurse
	m.SetEdns0(querySize, false)
	c := &dns.Client{Timeout: queryTimeout, UDPSize: querySize}
	in, _, err := c.ExchangeContext(ctx, m, server)
	if err == nil && in.Truncated {
		c.Net = "tcp"
		in, _, err = c.ExchangeContext(ctx, m, server)
	}
	return in, err
}

// extended are the reasons that a server gives (RFC 8914).
func extended(in *dns.Msg) []string {
	opt := in.IsEdns0()
	if opt == nil {
		return nil
	}
	var all []string
	for _, o := range opt.Option {
		e, ok := o.(*dns.EDNS0_EDE)
		if !ok {
			continue
		}
		text := dns.ExtendedErrorCodeToString[e.InfoCode]
		if e.ExtraText != "" {
			text = strings.TrimPrefix(text+": "+printable(e.ExtraText), ": ")
		}
		all = append(all, text)
	}
	return all
}

func queryError(err error) string {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if failureOf(err) == Refused {
		return "nothing listens there"
	}
	return err.Error()
}

// parentOf asks the servers of the zone above who has the zone. It is nil where they can't be reached.
func (s *Stub) parentOf(ctx context.Context, zone string) *Parent {
	_, above, found := strings.Cut(zone, ".")
	if !found {
		above = "."
	}
	for _, resolver := range s.servers() {
		in, err := exchange(ctx, resolver, above, dns.TypeNS, true)
		if err != nil {
			continue
		}
		for _, rr := range in.Answer {
			ns, ok := rr.(*dns.NS)
			if !ok {
				continue
			}
			for _, a := range s.ask(ctx, resolver, ns.Ns, true).Addresses {
				if p := parentAt(ctx, netip.AddrPortFrom(a, 53).String(), zone, above); p != nil {
					return p
				}
			}
		}
	}
	return nil
}

func parentAt(ctx context.Context, server, zone, above string) *Parent {
	in, err := exchange(ctx, server, zone, dns.TypeNS, false)
	if err != nil || in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError {
		return nil
	}
	p := &Parent{Zone: above, Server: server, Rcode: dns.RcodeToString[in.Rcode]}
	for _, rr := range slices.Concat(in.Answer, in.Ns) {
		if ns, ok := rr.(*dns.NS); ok && strings.EqualFold(ns.Hdr.Name, dns.Fqdn(zone)) {
			p.Servers = append(p.Servers, strings.ToLower(strings.TrimSuffix(ns.Ns, ".")))
		}
	}
	return p
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
