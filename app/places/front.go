package places

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// name finds what an answer of the name server follows from: the zone, or the key that bounds answers.
func (p *page) name(h *trace.Hop) roundtrip.Pos {
	code := h.Reason.Code()
	switch {
	case code == "dns.rate_limited":
		return p.key("dns", "rate_limit")
	case code == "dns.too_many":
		return p.key("dns", "clients")
	case strings.HasPrefix(code, "dns.tsig_"):
		return p.key("dns", "keys")
	}
	i := slices.IndexFunc(p.config.DNS.Zones, func(z config.Zone) bool { return z.Name == h.Name })
	if i < 0 {
		return p.key("dns", "zones")
	}
	zone := p.config.DNS.Zones[i].Pos
	switch {
	case strings.HasPrefix(code, "dns.transfer_"):
		return p.below(zone, "transfer")
	case h.Verdict.Refused():
		return p.below(zone, "records")
	}
	return zone
}

// door finds the rule of a security group that let somebody in, or what says which groups guard the machine.
func (p *page) door(h *trace.Hop) roundtrip.Pos {
	f := p.config.Firewall
	if f == nil {
		return roundtrip.Pos{}
	}
	for _, g := range f.Groups {
		for i := range g.Rules {
			if h.Name == fmt.Sprintf("%s rule %d", g.Name, g.Rules[i].Number) {
				return g.Rules[i].Pos
			}
		}
	}
	if h.Verdict.Refused() { // no rule allows it: one of the groups must
		return p.key("firewall", "groups")
	}
	return roundtrip.Pos{}
}

// site finds a site by the name that this run has for it.
func (p *page) site(name string) *config.Site {
	for i := range p.config.Sites {
		if p.config.Sites[i].Name == name {
			return &p.config.Sites[i]
		}
	}
	_, parent, _ := strings.Cut(name, ".")
	for i := range p.config.Sites {
		if below, ok := strings.CutPrefix(p.config.Sites[i].Name, "*."); ok && below == parent {
			return &p.config.Sites[i]
		}
	}
	return nil
}

func (p *page) handshake(h *trace.Hop) roundtrip.Pos {
	s := p.site(h.Name)
	switch {
	case s == nil:
		return p.key("sites")
	case strings.HasPrefix(h.Reason.Code(), "tls.client_certificate"):
		return p.below(s.Pos, "client_certificates")
	}
	return p.below(s.Pos, "tls")
}

// routed finds what a request was refused by before it had a route; one that has notes its place itself.
func (p *page) routed(h *trace.Hop) roundtrip.Pos {
	s := p.site(h.Name)
	switch h.Reason.Code() {
	case "route.no_host":
		return p.key("sites")
	case "request.body_too_large":
		if s != nil {
			return p.below(s.Pos, "limits", "body")
		}
	case "request.malformed", "request.headers_too_large", "request.timeout":
		return roundtrip.Pos{} // nothing that is declared would change it
	}
	if s == nil {
		return roundtrip.Pos{}
	}
	return p.below(s.Pos, "routes")
}

func (p *page) cors(h *trace.Hop) roundtrip.Pos {
	s := p.site(h.Name)
	if s == nil {
		return roundtrip.Pos{}
	}
	switch h.Reason.Code() {
	case "cors.method_not_allowed":
		return p.below(s.Pos, "cors", "methods")
	case "cors.header_not_allowed":
		return p.below(s.Pos, "cors", "headers")
	}
	return p.below(s.Pos, "cors", "origins")
}

// limit finds a rate by its name. Where several sites or routes have the same rate, it can't be told whose it was.
func (p *page) limit(h *trace.Hop) roundtrip.Pos {
	if h.Name == "connection" {
		return p.key("gate")
	}
	found := roundtrip.Pos{}
	for i := range p.config.Sites {
		s := &p.config.Sites[i]
		rates := slices.Clone(s.Limits.Requests)
		for j := range s.Routes {
			if l := s.Routes[j].Limits; l != nil {
				rates = append(rates, l.Requests...)
			}
		}
		for _, r := range rates {
			if limit.Name(r) != h.Name || r.Pos == found {
				continue
			}
			if found.Line > 0 {
				return roundtrip.Pos{}
			}
			found = r.Pos
		}
	}
	return found
}

// target finds the folder of a static route, or the server behind a proxy route, where only one route has it.
func (p *page) target(h *trace.Hop) roundtrip.Pos {
	var found []roundtrip.Pos
	for i := range p.config.Sites {
		for j := range p.config.Sites[i].Routes {
			r := &p.config.Sites[i].Routes[j]
			if r.Static != "" && h.Layer == trace.Static && r.Path == h.Name {
				found = append(found, p.below(r.Pos, "static"))
			}
			if r.Proxy != nil && h.Layer == trace.Proxy {
				found = append(found, upstreams(r.Proxy, h.Name)...)
			}
		}
	}
	if len(found) != 1 {
		return roundtrip.Pos{}
	}
	return found[0]
}

func upstreams(proxy *config.Proxy, name string) []roundtrip.Pos {
	for _, u := range proxy.Upstreams {
		if u.URL == name {
			return []roundtrip.Pos{u.Pos}
		}
	}
	return nil
}
