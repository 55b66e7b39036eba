package zone_test

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// reference answers from lists of records, slowly and as plainly as RFC 1034 section 4.3.2, RFC 4592 and RFC 6672 say it. It
// shares nothing with what it is compared to.
type reference struct {
	zones map[string][]dns.RR // by name, with a dot at its end
}

// said is an answer, in an order of its own.
type said struct {
	rcode             int
	aa                bool
	answer, authority []string
	glue              []string // of a referral
}

func (r *reference) closest(name string, typ uint16) string {
	skip := false
	for n := name; n != "."; n = up(n) {
		if _, ok := r.zones[n]; ok {
			if n == name && typ == dns.TypeDS && !skip && r.above(n) {
				skip = true
				continue
			}
			return n
		}
	}
	return ""
}

func (r *reference) above(zone string) bool {
	for n := up(zone); n != "."; n = up(n) {
		if _, ok := r.zones[n]; ok {
			return true
		}
	}
	return false
}

// up removes the leftmost label.
func up(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

func (r *reference) at(zone, name string, typ uint16) (out []dns.RR) {
	for _, rr := range r.zones[zone] {
		if strings.EqualFold(rr.Header().Name, name) && (rr.Header().Rrtype == typ || typ == dns.TypeANY) {
			out = append(out, rr)
		}
	}
	return out
}

// exists reports whether a name has records, or names below it have.
func (r *reference) exists(zone, name string) bool {
	return slices.ContainsFunc(r.zones[zone], func(rr dns.RR) bool { return dns.IsSubDomain(name, rr.Header().Name) })
}

func (r *reference) resolve(name string, typ uint16) said {
	s := said{}
	name = strings.ToLower(name)
	visited := []string{name}
	for first := true; ; first = false {
		zone := r.closest(name, typ)
		if zone == "" {
			if first {
				s.rcode = dns.RcodeRefused
			}
			return s
		}
		target, done := r.one(&s, zone, name, typ, first)
		if done || slices.Contains(visited, target) || len(visited) == 16 {
			return s
		}
		visited = append(visited, target)
		name = target
	}
}

// one answers for one name. It returns where an alias leads to, or that all is said.
func (r *reference) one(s *said, zone, name string, typ uint16, first bool) (target string, done bool) {
	labels := dns.SplitDomainName(name)
	for i := len(labels) - dns.CountLabel(zone); i >= 0; i-- { // from the zone down
		n := strings.Join(labels[i:], ".") + "."
		if ns := r.at(zone, n, dns.TypeNS); len(ns) > 0 && n != zone && (n != name || typ != dns.TypeDS) {
			s.aa = !first
			s.authority = texts(ns, n, 0)
			for _, rr := range ns {
				host := strings.ToLower(rr.(*dns.NS).Ns)
				for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
					s.glue = append(s.glue, texts(r.at(zone, host, typ), host, 0)...)
				}
			}
			slices.Sort(s.glue)
			s.glue = slices.Compact(s.glue)
			return "", true
		}
		if d := r.at(zone, n, dns.TypeDNAME); len(d) > 0 && n != name {
			s.aa = true
			if text := texts(d, n, 0)[0]; !slices.Contains(s.answer, text) {
				s.answer = append(s.answer, text)
			}
			target = strings.TrimSuffix(name, n) + strings.ToLower(d[0].(*dns.DNAME).Target)
			if wire := make([]byte, 512); packed(target, wire) > 255 {
				s.rcode = dns.RcodeYXDomain
				return "", true
			}
			s.answer = append(s.answer, texts([]dns.RR{&dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: 1, Ttl: d[0].Header().Ttl}, Target: target}}, name, 0)...)
			return target, typ == dns.TypeCNAME || typ == dns.TypeANY
		}
	}
	s.aa = true
	source := name
	for n := name; !r.exists(zone, source); n = up(n) {
		if r.exists(zone, n) {
			if source = "*." + n; !r.exists(zone, source) {
				s.rcode = dns.RcodeNameError
				s.authority = r.soa(zone)
				return "", true
			}
		}
	}
	switch c := r.at(zone, source, dns.TypeCNAME); {
	case typ == dns.TypeANY && len(r.at(zone, source, typ)) > 0:
		s.answer = []string{"any"}
		return "", true
	case len(r.at(zone, source, typ)) > 0:
		s.answer = append(s.answer, texts(r.at(zone, source, typ), name, 0)...)
		return "", true
	case len(c) > 0:
		s.answer = append(s.answer, texts(c, name, 0)...)
		return strings.ToLower(c[0].(*dns.CNAME).Target), false
	}
	s.authority = r.soa(zone)
	return "", true
}

func packed(name string, buf []byte) int {
	n, err := dns.PackDomainName(name, buf, 0, nil, false)
	if err != nil {
		return len(buf)
	}
	return n
}

func (r *reference) soa(zone string) []string {
	soa := r.at(zone, zone, dns.TypeSOA)
	return texts(soa, zone, min(soa[0].Header().Ttl, soa[0].(*dns.SOA).Minttl))
}

// texts writes records with another owner, and with a TTL that is not 0.
func texts(rrs []dns.RR, owner string, ttl uint32) []string {
	var out []string
	for _, rr := range rrs {
		rr = dns.Copy(rr)
		if rr.Header().Name = owner; ttl != 0 {
			rr.Header().Ttl = ttl
		}
		out = append(out, strings.ToLower(rr.String()))
	}
	slices.Sort(out)
	return out
}
