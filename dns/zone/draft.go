package zone

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
)

// origin says where a record comes from. A lower one wins.
type origin uint8

const (
	declared origin = iota // in the declaration or a zone file
	made                   // from the zone's keys
	derived                // from what runs
)

// draft is one record before it is packed: small, for there may be hundreds of thousands. Names and data lie in the arena of
// drafts.
type draft struct {
	name   uint32 // of the wire name
	order  uint32 // of its key by which it sorts
	data   uint32 // names in it are not compressed
	ttl    uint32
	line   uint32
	length uint16 // of the data
	column uint16
	typ    uint16
	keyLen uint16 // of the key at order
	file   uint16 // of drafts.files
	origin origin
}

// drafts gathers the records of a zone.
type drafts struct {
	zone  []byte // wire name
	arena []byte
	list  []draft
	files []string
	paths []string          // of zone files
	notes map[uint32]string // what a derived record follows from, by the place of its data in the arena
	buf   []byte

	mistakes []Mistake
}

func (d *drafts) wire(r draft) []byte {
	b := d.arena[r.name:]
	n := 0
	for b[n] != 0 {
		n += int(b[n]) + 1
	}
	return b[: n+1 : n+1]
}

func (d *drafts) key(r draft) []byte   { return d.arena[r.order : r.order+uint32(r.keyLen)] }
func (d *drafts) rdata(r draft) []byte { return d.arena[r.data : r.data+uint32(r.length)] }

func (d *drafts) pos(r draft) roundtrip.Pos {
	return roundtrip.Pos{File: d.files[r.file], Line: int(r.line), Column: int(r.column)}
}

// at returns the number of a file.
func (d *drafts) at(file string) uint16 {
	if n := len(d.files); n > 0 && d.files[n-1] == file {
		return uint16(n - 1)
	}
	if i := slices.Index(d.files, file); i >= 0 {
		return uint16(i)
	}
	d.files = append(d.files, file)
	return uint16(len(d.files) - 1)
}

func (d *drafts) wrong(pos roundtrip.Pos, message, expected string) *Mistake {
	d.mistakes = append(d.mistakes, Mistake{Pos: pos, Message: message, Expected: expected})
	return &d.mistakes[len(d.mistakes)-1]
}

func (d *drafts) warn(pos roundtrip.Pos, message, expected string) {
	d.wrong(pos, message, expected).Warning = true
}

// add keeps a record that was read, or says what is wrong with it.
func (d *drafts) add(rr dns.RR, pos roundtrip.Pos, from origin) {
	h := rr.Header()
	size := dns.Len(rr) + 1
	if cap(d.buf) < size {
		d.buf = make([]byte, size+1024)
	}
	buf := d.buf[:cap(d.buf)]
	end, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		d.wrong(pos, "the data of this "+typeName(h.Rrtype)+" record can't be sent: "+trimErr(err), example(h.Rrtype))
		return
	}
	n := 0
	for buf[n] != 0 {
		n += int(buf[n]) + 1
	}
	if end < n+11 { // the parser takes a name alone for a record
		d.wrong(pos, "no type of records is in this line", recordWords)
		return
	}
	name, data := buf[:n+1], buf[n+11:end]
	lower(name)
	switch {
	case h.Class != dns.ClassINET:
		d.wrong(pos, "the class "+dns.Class(h.Class).String()+" is not served", "IN, or no class at all")
	case !within(name, d.zone):
		d.wrong(pos, plain(name)+" lies outside the zone "+plain(d.zone), "a name below the zone; a name with a dot at its end is taken as it stands")
	case refusedType(h.Rrtype) != "":
		d.wrong(pos, typeName(h.Rrtype)+" "+refusedType(h.Rrtype), "another type, or no such record")
	case emptyParameter(rr):
		d.wrong(pos, "a parameter of this "+typeName(h.Rrtype)+" record has no value", example(h.Rrtype))
	case len(data) == 0 && !mayBeEmpty(h.Rrtype):
		d.wrong(pos, "this "+typeName(h.Rrtype)+" record has no data", example(h.Rrtype))
	case h.Ttl > 1<<31-1:
		d.wrong(pos, "the TTL is longer than any may be", "at most 2147483647 seconds (RFC 2181 section 8)")
	default:
		d.keep(draft{typ: h.Rrtype, ttl: h.Ttl, origin: from, line: uint32(max(pos.Line, 0)), column: uint16(min(max(pos.Column, 0), 65535)), file: d.at(pos.File)}, name, data)
	}
}

// keep stores a record. Records of one name often follow each other, and then share it.
func (d *drafts) keep(r draft, name, data []byte) {
	if n := len(d.list); n > 0 && bytes.Equal(d.wire(d.list[n-1]), name) {
		r.name, r.order, r.keyLen = d.list[n-1].name, d.list[n-1].order, d.list[n-1].keyLen
	} else {
		r.name = uint32(len(d.arena))
		d.arena = append(d.arena, name...)
		r.order = uint32(len(d.arena))
		d.arena = appendOrder(d.arena, name)
		r.keyLen = uint16(uint32(len(d.arena)) - r.order)
	}
	r.data, r.length = uint32(len(d.arena)), uint16(len(data))
	d.arena = append(d.arena, data...)
	d.list = append(d.list, r)
}

// sort puts records into the order of their names, their types and their data.
func (d *drafts) sort() {
	slices.SortFunc(d.list, func(a, b draft) int {
		if a.order != b.order {
			if c := bytes.Compare(d.key(a), d.key(b)); c != 0 {
				return c
			}
		}
		if c := cmp.Or(cmp.Compare(a.typ, b.typ), cmp.Compare(a.origin, b.origin)); c != 0 {
			return c
		}
		return cmp.Or(bytes.Compare(d.rdata(a), d.rdata(b)), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
}

// sameName reports whether two records have one name.
func (d *drafts) sameName(a, b draft) bool {
	return a.order == b.order || bytes.Equal(d.key(a), d.key(b))
}

// refusedType says why records of a type can't be in a zone, "" where they can.
func refusedType(typ uint16) string {
	switch typ {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeSIG, dns.TypeNXT:
		return "belongs to a signed zone, and zones are served unsigned for now"
	case 0, dns.TypeOPT, dns.TypeTKEY, dns.TypeTSIG, dns.TypeIXFR, dns.TypeAXFR, dns.TypeMAILA, dns.TypeMAILB, dns.TypeANY:
		return "is no type of records"
	}
	if typ >= 128 && typ < 256 {
		return "is no type of records"
	}
	return ""
}

// emptyParameter reports whether a service lists no protocols or no addresses where it says that it does (RFC 9460 section 7).
func emptyParameter(rr dns.RR) bool {
	var values []dns.SVCBKeyValue
	switch rr := rr.(type) {
	case *dns.SVCB:
		values = rr.Value
	case *dns.HTTPS:
		values = rr.Value
	}
	return slices.ContainsFunc(values, func(v dns.SVCBKeyValue) bool {
		return v.String() == "" && v.Key() != dns.SVCB_NO_DEFAULT_ALPN
	})
}

func mayBeEmpty(typ uint16) bool {
	_, known := dns.TypeToString[typ]
	return !known || typ == dns.TypeNULL || typ == dns.TypeAPL
}

func typeName(typ uint16) string { return dns.Type(typ).String() }
