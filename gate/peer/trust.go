package peer

import (
	"net/http"
	"net/netip"
	"strings"
)

// Trust is who is believed when they say whom they speak for.
type Trust struct {
	Proxies []netip.Prefix
	Knows   func(host string) bool // whether a host that a trusted proxy names is one of ours; nil: none is
}

// Covers reports whether an address is that of a trusted proxy.
func (t *Trust) Covers(a netip.Addr) bool {
	for _, p := range t.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Met is what [Trust.Meet] found out about a request.
type Met struct {
	Peer    *Peer
	Aliases bool   // names with "_" or "." are among its headers: see [StripAliases]
	Note    string // a sentence for the journey where trusted proxies spoke; "" where there is no such proxy
}

// Meet finds the client of a request whose connection comes from direct, and takes off all headers that a client must not
// send. cached is the peer that other requests of the same connection have, or nil: where it fits, it is used again.
func (t *Trust) Meet(r *http.Request, direct netip.Addr, cached *Peer) Met {
	if !t.Covers(direct) {
		m := Met{Peer: cached, Aliases: strip(r.Header)}
		if cached == nil || cached.Host != r.Host || cached.Via != "" || cached.Addr != direct {
			m.Peer = &Peer{Addr: direct, Direct: direct, Secure: r.TLS != nil, Host: r.Host}
		}
		return m
	}
	m := Met{Peer: t.believe(r, direct), Note: "behind a trusted proxy"}
	if r.Header["X-Forwarded-For"] != nil && r.Header["Forwarded"] != nil {
		m.Note += "; X-Forwarded-For is believed, Forwarded is not"
	}
	for _, name := range retold {
		delete(r.Header, name)
	}
	for name := range r.Header {
		m.Aliases = m.Aliases || isAlias(name)
	}
	return m
}

// believe reads what trusted proxies said, from the nearest to the farthest: each one vouches for the address that spoke
// to it, so the first address that is not trusted is the client, and what stands before that is its own invention.
func (t *Trust) believe(r *http.Request, direct netip.Addr) *Peer {
	p := &Peer{Addr: direct, Direct: direct, Secure: r.TLS != nil, Host: r.Host}
	said := hops{lines: r.Header["X-Forwarded-For"]}
	if said.lines == nil {
		said = hops{lines: r.Header["Forwarded"], forwarded: true}
	}
	proto, host := "", ""
	believed := 0
	for t.Covers(p.Addr) {
		h, ok := said.next()
		if !ok {
			break
		}
		believed++
		if p.Via != "" {
			p.Via = ", " + p.Via
		}
		p.Addr, p.Via = h.addr, h.addr.String()+p.Via
		proto, host = h.proto, h.host
	}
	if said.forwarded && proto == "" {
		proto = said.proto // of an element that names nobody
	}
	if v := nth(r.Header["X-Forwarded-Proto"], believed); v != "" {
		proto = v
	}
	if v := nth(r.Header["X-Forwarded-Host"], believed); v != "" {
		host = v
	}
	switch strings.ToLower(proto) {
	case "https", "wss":
		p.Secure = true
	case "http", "ws":
		p.Secure = false
	}
	if host != "" && t.Knows != nil && t.Knows(host) {
		p.Host = host
	}
	return p
}

// nth returns the entry of a list that the n-th proxy from the right wrote. One that only the first proxy wrote stands
// for all.
func nth(lines []string, n int) string {
	list := entries{lines: lines}
	last := ""
	for range max(n, 1) {
		e, ok := list.next()
		if !ok {
			break
		}
		last = e
	}
	return strings.Trim(last, " \t")
}
