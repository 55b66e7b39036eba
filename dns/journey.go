package dns

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// record makes the journey of a query, if it is one of the few that have one: those of probes, the first of a kind in a
// while, and so many in a second.
func (d *desk) record() {
	r := &d.result
	isProbe := d.probe != trace.ID{}
	if !isProbe && !d.sampler.take(d.now.Unix(), d.suffix(r.ZoneLabels), uint64(r.Found)<<16|uint64(r.Rcode), d.refused()) {
		return
	}
	j := d.s.o.Recorder.Begin(trace.Query)
	if isProbe {
		j.ID = d.probe
	}
	j.Start, j.Client, j.Status, j.Bytes, j.Proto = d.now, d.from.client.Addr(), int(r.Rcode), int64(len(d.out)), "udp"
	if d.from.tcp {
		j.Proto = "tcp"
	}
	j.Method = typeName(d.q.Type)
	if d.q.Opcode != message.OpQuery {
		j.Method = dns.OpcodeToString[int(d.q.Opcode)]
	}
	j.Host = nameText(d.q.Name)
	if d.s.o.Visit != nil {
		d.s.o.Visit(j, !d.from.tcp, d.from.client)
	}
	hop := trace.Hop{Layer: trace.DNS, Verdict: trace.OK, Evidence: trace.Seen, Took: int64(j.Elapsed()), Name: "no zone", N: [2]int64{int64(r.Answers), int64(len(d.out))}}
	if d.zones != nil && (r.Found != message.Refused || isProbe) {
		if z := d.zones.Find(d.q.Key); z != nil {
			hop.Name, j.Route = z.Name(), z.Name()
		}
	}
	if d.refused() {
		hop.Verdict, hop.Reason = trace.Deny, d.why
	}
	hop.Note = d.note()
	j.Add(hop)
	d.s.o.Recorder.End(j)
}

// refused reports whether who asked did not get what was asked for, on purpose.
func (d *desk) refused() bool { return d.why != trace.None }

// note says in a sentence how the answer was found.
func (d *desk) note() string {
	r := &d.result
	if d.why == d.s.why.limited {
		return fmt.Sprintf("more than %d answers of this kind a second", d.settings.rate.Responses)
	}
	typ, at := typeName(d.q.Type), nameText(d.suffix(r.EncloserLabels))
	switch r.Found {
	case message.Data, message.Minimal:
		if r.Wildcard {
			return fmt.Sprintf("%s from the wildcard *.%s", typ, at)
		}
		return d.ede.Text
	case message.NoData:
		if r.Wildcard {
			return fmt.Sprintf("the wildcard *.%s has no %s records", at, typ)
		}
		return fmt.Sprintf("the name has no %s records", typ)
	case message.NoName:
		return fmt.Sprintf("the closest name that exists is %s, and it has no wildcard", at)
	case message.Delegation:
		return fmt.Sprintf("%s is delegated to other servers", at)
	case message.Chain, message.ChainOut:
		if d.ede.Text == "" {
			return "a CNAME leads on"
		}
		return d.ede.Text
	case message.Refused, message.Empty, message.ChainLoop, message.TooLong:
	}
	return d.ede.Text
}

func typeName(typ uint16) string {
	if name, ok := dns.TypeToString[typ]; ok {
		return name
	}
	return fmt.Sprintf("TYPE%d", typ)
}

// nameText writes a name of the wire as people do, without a dot at its end; what is no printable ASCII, and dots within
// labels, with backslashes (RFC 4343 section 2.1).
func nameText(name []byte) string {
	if len(name) <= 1 {
		return "."
	}
	var b strings.Builder
	for len(name) > 1 && int(name[0]) < len(name) {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		for _, c := range name[1 : 1+name[0]] {
			switch {
			case c == '.' || c == '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case c > 0x20 && c < 0x7f:
				b.WriteByte(c)
			default:
				fmt.Fprintf(&b, `\%03d`, c)
			}
		}
		name = name[1+name[0]:]
	}
	return b.String()
}

// recordCrowd makes the journey of a connection that was one too many, as seldom as those of queries.
func (s *Server) recordCrowd(client netip.AddrPort) {
	if s.o.Recorder == nil || !s.sampler.take(s.o.Now().Unix(), nil, 1<<32, true) {
		return
	}
	j := s.o.Recorder.Begin(trace.Connection)
	j.Client, j.Proto = client.Addr(), "tcp"
	j.Add(trace.Hop{Layer: trace.DNS, Verdict: trace.Deny, Reason: s.why.crowded, Name: "connections"})
	s.o.Recorder.End(j)
}
