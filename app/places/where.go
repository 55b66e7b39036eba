package places

import (
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// where finds the place of one hop. Each station has its own way of naming what it decided by.
func (p *page) where(h *trace.Hop) roundtrip.Pos {
	if at, ok := p.noted(h.Note); ok {
		return at
	}
	switch h.Layer {
	case trace.DNS:
		return p.name(h)
	case trace.Firewall:
		return p.door(h)
	case trace.TCP:
		return p.key("gate", "connections")
	case trace.TLS:
		return p.handshake(h)
	case trace.Route:
		return p.routed(h)
	case trace.CORS:
		return p.cors(h)
	case trace.Limit:
		return p.limit(h)
	case trace.Static, trace.Proxy:
		return p.target(h)
	case trace.Auth:
		return p.auth(h)
	case trace.Access:
		return p.rule(h)
	case trace.Schema:
		return p.collection(h, "fields")
	case trace.Pool, trace.SQL, trace.Commit, trace.Files:
		return p.stored(h)
	case trace.Stream, trace.Webhook, trace.WebPush, trace.Mail:
		return p.outward(h)
	case trace.App: // the handler of accounts refuses in its own name
		if strings.HasPrefix(h.Reason.Code(), "auth.") {
			return p.auth(h)
		}
	case trace.Client:
	}
	return roundtrip.Pos{}
}

// noted takes the place that the station has noted itself. It must be in the file of this declaration: a Note may hold
// other text too.
func (p *page) noted(note string) (roundtrip.Pos, bool) {
	rest, ok := strings.CutPrefix(note, p.config.File+":")
	if !ok {
		return roundtrip.Pos{}, false
	}
	line, column, ok := strings.Cut(rest, ":")
	l, err := strconv.Atoi(line)
	if !ok || err != nil {
		return roundtrip.Pos{}, false
	}
	c, err := strconv.Atoi(column)
	return roundtrip.Pos{File: p.config.File, Line: l, Column: c}, err == nil
}

// key returns the place of a key, or of the nearest block around it that is written.
func (p *page) key(path ...string) roundtrip.Pos {
	for n := len(path); n > 0; n-- {
		if at := p.outline().Place(path[:n]...); at.Line > 0 {
			return at
		}
	}
	return roundtrip.Pos{}
}

// below returns the place of a key in the block that begins at a place, or of the nearest block around it that is written,
// which is that one at the last.
func (p *page) below(at roundtrip.Pos, path ...string) roundtrip.Pos {
	if at.Line == 0 {
		return at
	}
	for n := len(path); n > 0; n-- {
		if found := p.outline().Below(at, path[:n]...); found.Line > 0 {
			return found
		}
	}
	return at
}
