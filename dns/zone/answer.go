package zone

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// maxChain is how many aliases are followed.
const maxChain = 16

// walk is one answer on its way (RFC 1034 section 4.3.2). The message is handed from step to step beside it, so that the
// compiler sees that none of this outlives the answer.
type walk struct {
	set   *Set
	zone  *Zone
	limit int
	full  bool // a set did not fit
	typ   uint16
	r     message.Result

	// The present name: that of the question, or where an alias has led to.
	key   []byte
	at    []uint8
	wrote int // where it stands in the message
	tail  int // it goes on there in the message behind its first whole bytes
	whole int
	apex  int // where the name of the zone stands in the message

	// What following aliases needs, nil until there is one: most answers do without it.
	hops  int
	seen  []uint64      // hashes of the names so far
	moved []redirection // where a DNAME led from each of them
	name  []byte        // room for the present name
	part  []uint8       // and for its at
}

// redirection is a DNAME record that stands in the message.
type redirection struct {
	node *node
	at   int
}

// Answer appends the sections of the answer to b, which holds a header's room and the question already, and returns it with what
// it made of the question. limit is how many bytes the message may have, an OPT record not included. What is over it
// leaves additional data out first; glue that a delegation needs is not left out. If it is still too long, the answer is marked
// truncated and has no records. It allocates nothing if b has the room.
func (s *Set) Answer(b []byte, q *message.Query, limit int) ([]byte, message.Result) {
	w := walk{set: s, limit: limit, typ: q.Type, key: q.Key, at: q.Starts[:q.Labels], wrote: message.HeaderLen, whole: len(q.Key)}
	w.zone = s.closest(q.Key, w.at, q.Type)
	if w.zone == nil {
		return b, message.Result{Rcode: dns.RcodeRefused, Found: message.Refused}
	}
	w.apex = message.HeaderLen + len(q.Key) - len(w.zone.apex)
	w.r.ZoneLabels = uint8(w.zone.apexLabels)
	question := len(b)
	b, more := w.step(b)
	if more {
		b, w = w.chase(b)
	}
	if w.full {
		b = b[:question]
		w.r.Truncated = true
		w.r.Answers, w.r.Authorities, w.r.Additionals = 0, 0, 0
	}
	return b, w.r
}

// chase answers for a name that is an alias, and for those that it leads to.
func (w walk) chase(b []byte) ([]byte, walk) {
	var seen [maxChain]uint64
	var moved [maxChain]redirection
	var name [message.NameMax]byte
	var part [message.LabelsMax]uint8
	w.seen, w.moved, w.name, w.part = seen[:], moved[:], name[:], part[:]
	for more := true; more; {
		b, more = w.step(b)
	}
	return b, walk{r: w.r, full: w.full}
}

// step answers for the present name. It reports whether there is another step to do: an alias was found that there is no
// room to follow, or leads on.
func (w *walk) step(b []byte) ([]byte, bool) {
	p := w.zone.seek(w.key, w.at)
	if w.hops == 0 {
		w.r.EncloserLabels, w.r.Wildcard = p.node.labels, p.wildcard != nil
	}
	if p.delegation(w.typ) {
		return w.refer(b, p.cut), false
	}
	w.r.Authoritative = true
	if p.cut != nil && p.cut.flags&delegates == 0 {
		if w.seen == nil {
			return b, true
		}
		return w.redirect(b, p.cut)
	}
	n := p.node
	if !p.exact {
		n = p.wildcard
	}
	if n == nil {
		return w.negative(b, dns.RcodeNameError, message.NoName), false
	}
	if s := w.zone.set(n, w.typ); s != nil {
		return w.data(b, n, s, message.Data), false
	}
	switch {
	case n.flags&aliased != 0:
		if w.seen == nil {
			return b, true
		}
		return w.alias(b, n, w.zone.set(n, dns.TypeCNAME))
	case w.typ == dns.TypeANY && n.count > 0:
		return w.data(b, n, &w.zone.setsOf(n)[0], message.Minimal), false
	case n.count == 0:
		return w.negative(b, dns.RcodeSuccess, message.Empty), false
	}
	return w.negative(b, dns.RcodeSuccess, message.NoData), false
}

// found says how the answer came about. What an alias leads to does not change that it was one.
func (w *walk) found(f message.Found) {
	if w.r.Found = f; w.hops > 0 {
		w.r.Found = message.Chain
	}
}

// data answers with a set.
func (w *walk) data(b []byte, n *node, s *set, f message.Found) []byte {
	w.found(f)
	base := len(b)
	if b = w.put(b, n, s, w.wrote); w.full {
		return b
	}
	w.r.Answers += s.count
	if s.aux == 0 {
		return b
	}
	_, targets := w.zone.auxFor(s)
	for i := 0; i < len(targets); i += 2 {
		b = w.addresses(b, targets[i], base+int(targets[i+1]&^requiredGlue), false)
	}
	return b
}

// negative answers that there is nothing, with the SOA that says for how long that holds (RFC 2308).
func (w *walk) negative(b []byte, rcode uint16, f message.Found) []byte {
	w.found(f)
	w.r.Rcode = rcode
	root := w.zone.at(0)
	soa := w.zone.set(root, dns.TypeSOA)
	base := len(b)
	if b = w.put(b, root, soa, w.apex); w.full {
		return b
	}
	minimum := binary.BigEndian.Uint32(b[len(b)-4:])
	binary.BigEndian.PutUint32(b[base+6:], min(minimum, soa.ttl))
	w.r.Authorities++
	return b
}

// refer answers that other name servers know (RFC 1034 section 4.2.1), with their addresses where those lie in the zone.
func (w *walk) refer(b []byte, cut *node) []byte {
	w.found(message.Delegation)
	s := w.zone.set(cut, dns.TypeNS)
	base := len(b)
	if b = w.put(b, cut, s, w.place(len(w.key)-int(cut.length))); w.full {
		return b
	}
	w.r.Authorities += s.count
	_, targets := w.zone.auxFor(s)
	for _, required := range [...]bool{true, false} {
		for i := 0; i < len(targets); i += 2 {
			if required == (targets[i+1]&requiredGlue != 0) {
				b = w.addresses(b, targets[i], base+int(targets[i+1]&^requiredGlue), required)
			}
		}
	}
	return b
}

// place returns where in the message the present name's end from one of its bytes on is written.
func (w *walk) place(from int) int {
	if from < w.whole {
		return w.wrote + from
	}
	return w.tail + from - w.whole
}

// alias answers with a CNAME record and follows it, unless it was what was asked for.
func (w *walk) alias(b []byte, n *node, s *set) ([]byte, bool) {
	base := len(b)
	if b = w.put(b, n, s, w.wrote); w.full {
		return b, false
	}
	w.r.Answers += s.count
	if w.typ == dns.TypeANY {
		w.found(message.Minimal)
		return b, false
	}
	// The name is written in the data of the record: labels, and then the root or a pointer to the name of the zone.
	written := base + 12
	data := b[written:]
	i := 0
	for data[i] != 0 && data[i] < pointerBits>>8 {
		i += int(data[i]) + 1
	}
	var next [message.NameMax]byte
	size := copy(next[:], data[:i])
	if data[i] == 0 {
		next[size] = 0
		size++
		i++
	} else {
		size += copy(next[size:], w.zone.apex)
	}
	lower(next[:size])
	return b, w.follow(next[:size], written, i, w.apex, len(b))
}

// redirect answers with a DNAME record, and with the CNAME record that follows from it for the present name (RFC 6672 section
// 3), and follows that.
func (w *walk) redirect(b []byte, n *node) ([]byte, bool) {
	s := w.zone.set(n, dns.TypeDNAME)
	front := len(w.key) - int(n.length)
	base := w.given(n)
	if base == 0 {
		base = len(b)
		if b = w.put(b, n, s, w.place(front)); w.full {
			return b, false
		}
		w.r.Answers += s.count
		w.moved[w.hops] = redirection{n, base}
	}
	to := b[base+12 : base+int(s.size)] // it is not compressed
	if front+len(to) > message.NameMax {
		w.r.Found, w.r.Rcode = message.TooLong, dns.RcodeYXDomain
		return b, false
	}
	var next [message.NameMax]byte
	size := copy(next[:], w.key[:front])
	size += copy(next[size:], to)
	if w.full = len(b)+12+front+2 > w.limit; w.full {
		return b, false
	}
	b = append(b, byte(pointerBits>>8|w.wrote>>8), byte(w.wrote), 0, byte(dns.TypeCNAME), 0, byte(dns.ClassINET))
	b = binary.BigEndian.AppendUint32(b, s.ttl)
	b = binary.BigEndian.AppendUint16(b, uint16(front+2))
	written := len(b)
	b = append(b, w.key[:front]...)
	b = append(b, byte(pointerBits>>8|(base+12)>>8), byte(base+12))
	w.r.Answers++
	lower(next[:size])
	if w.typ == dns.TypeCNAME || w.typ == dns.TypeANY {
		w.found(message.Data)
		return b, false
	}
	return b, w.follow(next[:size], written, front, base+12, len(b))
}

// given returns where a DNAME record of a node stands in the message, 0 where it does not yet.
func (w *walk) given(n *node) int {
	for _, m := range w.moved[:w.hops] {
		if m.node == n {
			return m.at
		}
	}
	return 0
}

// follow makes the name that an alias leads to the present one. It is written in the message at one place, and goes on at
// another behind its first whole bytes; length is that of the message. It reports false where there is nothing more to look for.
func (w *walk) follow(name []byte, written, whole, tail, length int) bool {
	w.seen[w.hops] = maphash.Bytes(w.set.seed, w.key)
	w.hops++
	w.r.Found = message.Chain
	again := maphash.Bytes(w.set.seed, name)
	for _, h := range w.seen[:w.hops] {
		if h == again {
			w.r.Found = message.ChainLoop
			return false
		}
	}
	if w.hops == maxChain || length > maxMoved-1000 {
		w.r.Found = message.ChainLoop
		return false
	}
	w.key = w.name[:copy(w.name, name)]
	w.at = w.part[:starts(w.key, w.part)]
	before := w.zone
	w.zone = w.set.closest(w.key, w.at, w.typ)
	if w.zone == nil {
		w.r.Found = message.ChainOut
		return false
	}
	w.wrote, w.whole, w.tail = written, whole, tail
	if w.zone != before {
		w.apex = w.place(len(w.key) - len(w.zone.apex))
	}
	return true
}

// pointerMax bounds what a pointer can point to.
const pointerMax = 1 << 14

// addresses appends the addresses of a node to the additional section. What is not required and does not fit is left out.
func (w *walk) addresses(b []byte, i uint32, owner int, required bool) []byte {
	n := w.zone.at(i)
	for _, typ := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
		s := w.zone.set(n, typ)
		switch {
		case s == nil || w.full:
			continue
		case !required && (len(b)+int(s.size) > w.limit || owner >= pointerMax):
			continue
		case owner >= pointerMax: // only behind a great many name servers
			b = w.long(b, n, s)
		default:
			b = w.put(b, n, s, owner)
		}
		w.r.Additionals += s.count
	}
	return b
}

// long appends records with their owner's name in full.
func (w *walk) long(b []byte, n *node, s *set) []byte {
	block, size := w.zone.block(s), int(s.size)/int(s.count) // addresses are all of one length
	name := w.zone.wireOf(n)
	if w.full = len(b)+len(block)+int(s.count)*len(name) > w.limit; w.full {
		return b
	}
	for i := range int(s.count) {
		b = append(b, name...)
		b = append(b, block[i*size+2:(i+1)*size]...)
	}
	return b
}

// put appends a set with an owner that is written at one place of the message, if it fits.
func (w *walk) put(b []byte, n *node, s *set, owner int) []byte {
	if w.full = len(b)+int(s.size) > w.limit; w.full {
		return b
	}
	z := w.zone
	base := len(b)
	b = append(b, z.block(s)...)
	apex := w.apex - (message.HeaderLen + int(n.length) - len(z.apex))
	self := base - (message.HeaderLen + int(n.length) + 4)
	if apex|self != 0 && s.aux != 0 {
		pointers, _ := z.auxFor(s)
		for _, p := range pointers {
			move := apex
			if p&selfPointer != 0 {
				move = self
			}
			at := b[base+int(p&^selfPointer):]
			binary.BigEndian.PutUint16(at, uint16(int(binary.BigEndian.Uint16(at))+move))
		}
	}
	if owner != message.HeaderLen {
		for at := base; at < len(b); {
			binary.BigEndian.PutUint16(b[at:], uint16(pointerBits|owner))
			at += 12 + int(binary.BigEndian.Uint16(b[at+10:]))
		}
	}
	if s.typ == dns.TypeSOA {
		binary.BigEndian.PutUint32(b[len(b)-20:], z.serial)
	}
	return b
}

// auxFor returns what aux says of a set.
func (z *Zone) auxFor(s *set) (pointers, targets []uint32) {
	if base := uint32(len(z.aux)); s.aux >= base && z.over != nil {
		return auxOf(z.over.aux, s.aux-base)
	}
	return auxOf(z.aux, s.aux)
}
