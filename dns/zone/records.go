package zone

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// all goes through the nodes in canonical order, those of changes among them.
func (z *Zone) all() iter.Seq[*node] {
	type named struct {
		key  []byte
		node uint32
	}
	var added []named
	if z.over != nil {
		for name, i := range z.over.byName {
			if _, ok := z.lookup([]byte(name)); !ok {
				added = append(added, named{appendOrder(nil, []byte(name)), i})
			}
		}
		slices.SortFunc(added, func(a, b named) int { return bytes.Compare(a.key, b.key) })
	}
	return func(yield func(*node) bool) {
		rest := added
		var key []byte
		for i := range z.nodes {
			if len(rest) > 0 {
				key = appendOrder(key[:0], z.nameOf(&z.nodes[i]))
			}
			for len(rest) > 0 && bytes.Compare(rest[0].key, key) < 0 {
				if !yield(z.at(rest[0].node)) {
					return
				}
				rest = rest[1:]
			}
			if !yield(z.at(uint32(i))) {
				return
			}
		}
		for _, n := range rest {
			if !yield(z.at(n.node)) {
				return
			}
		}
	}
}

// unpack makes the records of a set.
func (z *Zone) unpack(n *node, s *set) ([]dns.RR, error) {
	// The block is read in the message that it was made for.
	m := make([]byte, message.HeaderLen, message.HeaderLen+int(n.length)+4+int(s.size))
	m = append(m, z.wireOf(n)...)
	m = append(m, 0, 0, 0, 0)
	at := len(m)
	m = append(m, z.block(s)...)
	if s.typ == dns.TypeSOA {
		m[len(m)-20], m[len(m)-19], m[len(m)-18], m[len(m)-17] = byte(z.serial>>24), byte(z.serial>>16), byte(z.serial>>8), byte(z.serial)
	}
	out := make([]dns.RR, 0, s.count)
	for at < len(m) {
		rr, next, err := dns.UnpackRR(m, at)
		if err != nil {
			return nil, fmt.Errorf("the %s records of %s: %w", typeName(s.typ), plain(z.wireOf(n)), err)
		}
		out = append(out, rr)
		at = next
	}
	return out, nil
}

// eachSet goes through all sets, the SOA first, with their records.
func (z *Zone) eachSet() iter.Seq2[*set, []dns.RR] {
	return func(yield func(*set, []dns.RR) bool) {
		root := z.at(0)
		soa := z.set(root, dns.TypeSOA)
		if rrs, err := z.unpack(root, soa); err != nil || !yield(soa, rrs) {
			return
		}
		for n := range z.all() {
			sets := z.setsOf(n)
			for i := range sets {
				if sets[i].typ == dns.TypeSOA {
					continue
				}
				if rrs, err := z.unpack(n, &sets[i]); err == nil && !yield(&sets[i], rrs) { // it can be read: Build packed it
					return
				}
			}
		}
	}
}

// Records returns every record, the SOA first and only once, then in canonical order. They are made on the way, and are the
// caller's.
func (z *Zone) Records() iter.Seq[dns.RR] {
	return func(yield func(dns.RR) bool) {
		for _, rrs := range z.eachSet() {
			for _, rr := range rrs {
				if !yield(rr) {
					return
				}
			}
		}
	}
}

// Count returns how many records there are.
func (z *Zone) Count() int {
	total := 0
	for n := range z.all() {
		for _, s := range z.setsOf(n) {
			total += int(s.count)
		}
	}
	return total
}

// Widths of the columns of a printed zone.
const (
	nameWidth = 24
	typeWidth = 8
)

// Print writes the zone as a zone file, as it is served: a derived record has a comment that says what it follows from.
func (z *Zone) Print(w io.Writer) error {
	out := bufio.NewWriter(w)
	_, _ = fmt.Fprintf(out, "; %s as it is served: serial %d, %d records\n$ORIGIN %s\n", z.name, z.serial, z.Count(), text(z.apex))
	width := 1
	for n := range z.all() {
		if n.count > 0 {
			width = max(width, min(len(z.relative(text(z.wireOf(n)))), nameWidth))
		}
	}
	last := ""
	for s, rrs := range z.eachSet() {
		note := z.note(s)
		for _, rr := range rrs {
			h := rr.Header()
			name := ""
			if h.Name != last {
				name, last = z.relative(h.Name), h.Name
			}
			line := fmt.Sprintf("%-*s %6d %-*s %s", width, name, h.Ttl, typeWidth, typeName(h.Rrtype), dataOf(rr))
			if note != "" {
				line += " ; " + note
			}
			_, _ = fmt.Fprintln(out, strings.TrimRight(line, " "))
		}
	}
	if err := out.Flush(); err != nil { // the errors of all writes
		return fmt.Errorf("printing the zone %s: %w", z.name, err)
	}
	return nil
}

// dataOf writes the data of a record as in a zone file.
func dataOf(rr dns.RR) string {
	if unknown, ok := rr.(*dns.RFC3597); ok {
		return fmt.Sprintf(`\# %d %s`, len(unknown.Rdata)/2, unknown.Rdata)
	}
	return strings.TrimPrefix(rr.String(), rr.Header().String())
}

// relative shortens a name to its part below the zone.
func (z *Zone) relative(name string) string {
	if zone := text(z.apex); name == zone {
		return "@"
	} else if below, ok := strings.CutSuffix(name, "."+zone); ok {
		return below
	}
	return name
}

// note says what a set follows from, "" for what was declared.
func (z *Zone) note(s *set) string {
	if base := uint32(len(z.blocks)); s.block >= base && z.over != nil {
		return cmp.Or(z.over.why[s.block], "for the time being")
	}
	switch s.origin {
	case made:
		return "from the zone's keys"
	case derived:
		i, _ := slices.BinarySearchFunc(z.sets, s.block, func(o set, block uint32) int { return int(int64(o.block) - int64(block)) })
		if note := z.notes[uint32(i)]; note != "" {
			return "from " + note
		}
		if s.line > 0 {
			return fmt.Sprintf("derived, %s:%d", z.files[s.file], s.line)
		}
		return "derived"
	case declared:
	}
	return ""
}
