package zone

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Times of a SOA that is made from the zone's keys, in seconds: how often secondaries look, how soon again after a failure,
// and when they give up. NOTIFY makes the first one matter little.
const (
	soaRefresh = 3600
	soaRetry   = 900
	soaExpire  = 1209600
)

// Build makes a zone. It reports every mistake, in the order of files and lines; the zone is nil if one of them is more than a
// warning. It reads the zone file, if there is one.
//
// Declared records stand in the place of derived ones of the same name and type; a declared address takes away all derived
// addresses of its name, and the HTTPS records that repeat them; a declared alias takes away everything; and below a declared
// delegation nothing is derived.
func Build(o Options) (*Zone, []Mistake) {
	apex, ok := wireName(o.Declared.Name)
	if !ok {
		return nil, []Mistake{{Pos: o.Declared.Pos, Message: o.Declared.Name + " is no name for a zone", Expected: "labels of at most 63 characters joined by dots"}}
	}
	lower(apex)
	d := &drafts{zone: apex, notes: map[uint32]string{}}
	read := d.gather(o)
	d.sort()
	d.choose()
	d.complete(o.Declared)
	b := &builder{drafts: d, packed: &packed{apex: apex, apexLabels: labels(apex)}}
	b.tree()
	b.check()
	b.pack()
	slices.SortStableFunc(d.mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	read.showLines(o.Declared.File)
	if slices.ContainsFunc(d.mistakes, func(m Mistake) bool { return !m.Warning }) {
		return nil, d.mistakes
	}
	z := &Zone{packed: b.packed, name: plain(apex), serial: o.Serial}
	if written, ok := z.Written(); ok && (o.Serial == 0 || int32(written-o.Serial) > 0) { // RFC 1982
		z.serial = written
	}
	b.base = b.sumUp()
	z.sum = b.base
	return z, d.mistakes
}

// gather reads all records that there are.
func (d *drafts) gather(o Options) *source {
	z := o.Declared
	s := &source{drafts: d, origin: dns.Fqdn(z.Name), ttl: uint32(z.TTL / time.Second), from: declared, rename: o.Rename, file: z.Pos.File}
	if z.File != "" {
		s.readFile(z.File, z.Pos)
	}
	for _, line := range z.Records {
		s.line(line.Text, line.Pos)
	}
	s.from = derived
	for _, r := range o.Derived {
		s.line(r.Line, r.Pos)
	}
	return s
}

// line reads one record that stands alone.
func (s *source) line(line string, pos roundtrip.Pos) {
	one := *s
	one.fixed = true
	first := len(s.mistakes)
	switch entry, _, open := cut([]byte(line + "\n")); {
	case open != "":
		s.wrong(pos, open, "a closing one before the record ends")
	case len(entry) <= len(line):
		s.wrong(pos, "this is more than one line", "one record; each further one is an item of its own")
	case blank(entry):
		s.wrong(pos, "this is no record", recordWords)
	case line[0] == '$':
		s.wrong(pos, "a directive has no place among records of the declaration", "the records themselves, or file: with a zone file")
	case line[0] == ' ' || line[0] == '\t':
		one.line(strings.TrimLeft(line, " \t"), pos)
	default:
		one.record(line, pos)
	}
	for i := first; i < len(s.mistakes) && s.from == derived; i++ { // it has only the place of what it follows from
		m := &s.mistakes[i]
		m.Pos, m.Message = pos, "the derived record "+strings.TrimSpace(before(line, ";"))+": "+m.Message
	}
}

func before(s, sep string) string {
	s, _, _ = strings.Cut(s, sep)
	return s
}

// choose leaves out derived records that declared ones stand in place of, and what is there twice.
func (d *drafts) choose() {
	kept := d.list[:0]
	for from := 0; from < len(d.list); {
		to := from
		var types []uint16 // that are declared
		for ; to < len(d.list) && d.sameName(d.list[from], d.list[to]); to++ {
			if r := d.list[to]; r.origin == declared && (len(types) == 0 || types[len(types)-1] != r.typ) {
				types = append(types, r.typ)
			}
		}
		for _, r := range d.list[from:to] {
			switch last := len(kept) - 1; {
			case r.origin == derived && displaced(r.typ, types):
			case last >= 0 && d.same(kept[last], r):
				kept[last].ttl = min(kept[last].ttl, r.ttl)
			default:
				kept = append(kept, r)
			}
		}
		from = to
	}
	d.list = kept
}

// displaced reports whether derived records of a type make room for declared ones of the same name.
func displaced(typ uint16, declared []uint16) bool {
	has := func(typ uint16) bool { return slices.Contains(declared, typ) }
	switch typ {
	case dns.TypeCNAME:
		return len(declared) > 0
	case dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS:
		if has(dns.TypeA) || has(dns.TypeAAAA) {
			return true
		}
	}
	return has(typ) || has(dns.TypeCNAME)
}

// same reports whether two records are one.
func (d *drafts) same(a, b draft) bool {
	return a.typ == b.typ && d.sameName(a, b) && bytes.Equal(d.rdata(a), d.rdata(b))
}

// complete makes NS and SOA from the keys of the zone where no record says them.
func (d *drafts) complete(z *config.Zone) {
	ttl := uint32(z.TTL / time.Second)
	var soa, ns []draft
	for _, r := range d.list {
		if bytes.Equal(d.wire(r), d.zone) {
			switch r.typ {
			case dns.TypeSOA:
				soa = append(soa, r)
			case dns.TypeNS:
				ns = append(ns, r)
			}
		} else if r.typ == dns.TypeSOA {
			d.wrong(d.pos(r), plain(d.wire(r))+" has a SOA record, which only the zone itself has", "a zone of its own in dns.zones, or no such record")
		}
	}
	slices.SortFunc(ns, func(a, b draft) int { // as they were written: the first one is the primary
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), cmp.Compare(a.data, b.data))
	})
	if len(z.Nameservers) > 0 && len(ns) > 0 && ns[0].origin == declared {
		d.wrong(d.pos(ns[0]), "the name servers of "+z.Name+" are declared twice: by an NS record and by nameservers", "one of the two")
	}
	first := "ns1." + z.Name
	switch {
	case len(z.Nameservers) > 0:
		first = z.Nameservers[0].Text
		if len(ns) > 0 && ns[0].origin == derived {
			d.list = slices.DeleteFunc(d.list, func(r draft) bool { return r.typ == dns.TypeNS && bytes.Equal(d.wire(r), d.zone) })
			ns = nil
		}
	case len(ns) > 0:
		first = plain(d.rdata(ns[0]))
	}
	if len(ns) == 0 {
		names := z.Nameservers
		if len(names) == 0 {
			names = []config.Name{{Pos: z.Pos, Text: first}}
		}
		for _, name := range names {
			d.make(dns.TypeNS, ttl, name.Pos, &dns.NS{Ns: dns.Fqdn(name.Text)})
		}
	}
	if len(soa) == 0 {
		d.make(dns.TypeSOA, ttl, z.Pos, &dns.SOA{
			Ns: dns.Fqdn(first), Mbox: mailbox(cmp.Or(z.Contact, "hostmaster@"+z.Name)),
			Refresh: soaRefresh, Retry: soaRetry, Expire: soaExpire, Minttl: uint32(z.Negative / time.Second),
		})
	}
	d.sort()
}

// make adds a record of the zone itself.
func (d *drafts) make(typ uint16, ttl uint32, pos roundtrip.Pos, rr dns.RR) {
	*rr.Header() = dns.RR_Header{Name: text(d.zone), Rrtype: typ, Class: dns.ClassINET, Ttl: ttl}
	d.add(rr, pos, made)
}

// mailbox writes an e-mail address as a name (RFC 1035 section 8).
func mailbox(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	return strings.ReplaceAll(local, ".", `\.`) + "." + dns.Fqdn(domain)
}

// serialOf returns the serial in the data of a SOA.
func serialOf(data []byte) uint32 { return binary.BigEndian.Uint32(data[len(data)-20:]) }
