package peer

import (
	"net/netip"
	"strings"
)

// entries walks over the entries of a header that is a list, from the last to the first, over all of its lines. Commas in
// quoted text are no ends of entries. It looks from the right alone, so that nothing that a client wrote on the left can
// change how the entries of the proxies are read.
type entries struct {
	lines []string
	bad   bool
}

// next returns the entry before the ones that were returned.
func (e *entries) next() (string, bool) {
	if len(e.lines) == 0 || e.bad {
		return "", false
	}
	line := e.lines[len(e.lines)-1]
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			e.bad = true // escapes have no place in what proxies say, and can't be read from the right
			return "", false
		case c == ',' && !quoted:
			e.lines = append(e.lines[:len(e.lines)-1:len(e.lines)-1], line[:i])
			return line[i+1:], true
		}
	}
	e.bad = quoted
	e.lines = e.lines[:len(e.lines)-1]
	return line, !quoted
}

// hop is what one proxy says of whom it got the request from.
type hop struct {
	addr        netip.Addr
	proto, host string
}

// hops walks over what proxies say, the nearest first.
type hops struct {
	lines     []string
	forwarded bool   // the lines are of Forwarded, not of X-Forwarded-For
	proto     string // of the last element of Forwarded that named no address
	list      entries
	begun     bool
}

// next returns what the next proxy says. Where that is no address, the walk ends: nobody can vouch for what comes before.
func (h *hops) next() (hop, bool) {
	if !h.begun {
		h.list, h.begun = entries{lines: h.lines}, true
	}
	text, ok := h.list.next()
	if !ok {
		return hop{}, false
	}
	if !h.forwarded {
		a, ok := address(strings.Trim(text, " \t"))
		return hop{addr: a}, ok
	}
	found, ok := element(text)
	if !ok {
		return hop{}, false
	}
	if !found.addr.IsValid() {
		h.proto = found.proto
		return hop{}, false
	}
	return found, true
}

// element reads one element of Forwarded (RFC 7239 section 4), such as for="[2001:db8::1]:4711";proto=https. A for that is
// no address ("unknown", or a made-up name) gives no address.
func element(text string) (h hop, ok bool) {
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(text, ";") {
		name, value, found := strings.Cut(strings.Trim(pair, " \t"), "=")
		name = strings.ToLower(name)
		if !found || seen[name] {
			return hop{}, false
		}
		seen[name] = true
		if n := len(value); n > 0 && value[0] == '"' {
			if n < 2 || value[n-1] != '"' {
				return hop{}, false
			}
			value = value[1 : n-1]
		}
		switch name {
		case "for":
			if a, ok := address(value); ok {
				h.addr = a
			}
		case "proto":
			h.proto = value
		case "host":
			h.host = value
		}
	}
	return h, true
}

// address reads an address with or without a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80.
func address(text string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = inner[:len(inner)-1]
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = with.Addr()
	}
	return a.Unmap(), a.Zone() == ""
}
