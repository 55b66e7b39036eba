package message

import "encoding/binary"

// ClientCookieLen is the length of a cookie that the client alone has made (RFC 7873 section 4.1).
const ClientCookieLen = 8

// Options of EDNS that are read.
const (
	optionNSID   = 3
	optionCookie = 10
)

// Parse reads a message that asks into q, without an allocation. What it returns says what is wrong with it; what was read
// until then stands in q, so that the answer can have the same id, and the question where it was sound. Sections other than
// the question are walked, and nothing is kept of them but OPT and TSIG: a message in which a record is malformed is
// refused as a whole, whoever the record is for.
//
// A query without a question is sound only where it has a cookie (RFC 7873 section 5.4).
func Parse(packet []byte, q *Query) Fault {
	q.clear()
	if len(packet) < HeaderLen {
		return Short
	}
	q.ID = binary.BigEndian.Uint16(packet)
	flags := binary.BigEndian.Uint16(packet[2:])
	if flags&0x8000 != 0 {
		return Response
	}
	q.Opcode = uint8(flags >> 11 & 15)
	q.RD, q.CD = flags&0x0100 != 0, flags&0x0010 != 0
	if q.Opcode != OpQuery && q.Opcode != OpNotify && q.Opcode != OpUpdate {
		return UnknownOpcode
	}
	questions := binary.BigEndian.Uint16(packet[4:])
	before := int(binary.BigEndian.Uint16(packet[6:])) + int(binary.BigEndian.Uint16(packet[8:])) // answers and authorities
	records := before + int(binary.BigEndian.Uint16(packet[10:]))
	at := HeaderLen
	switch {
	case questions > 1, questions == 0 && q.Opcode != OpQuery:
		return QuestionCount
	case questions == 1:
		var fault Fault
		if at, fault = q.question(packet); fault != Sound {
			return fault
		}
	}
	for i := range records {
		var fault Fault
		if at, fault = q.record(packet, at, i >= before, i == records-1); fault != Sound {
			return fault
		}
	}
	switch {
	case at != len(packet):
		return Trailing
	case q.EDNS.Present && q.EDNS.Version != 0:
		return BadVersion
	case questions == 0 && q.EDNS.Cookie == nil:
		return QuestionCount
	}
	return Sound
}

// clear forgets the message before. What only the lengths of other fields lead to may stay.
func (q *Query) clear() {
	q.ID, q.Opcode, q.RD, q.CD = 0, 0, false, false
	q.Question, q.Name, q.Key = nil, nil, nil
	q.Type, q.Class, q.Labels = 0, 0, 0
	q.EDNS, q.TSIG = EDNS{}, false
}

// question reads the one question. A name in it can't be compressed: there is nothing before it to point to.
func (q *Query) question(packet []byte) (next int, fault Fault) {
	at, labels := HeaderLen, 0
	for {
		if at >= len(packet) {
			return 0, CutQuestion
		}
		n := int(packet[at])
		if n == 0 {
			break
		}
		if n > 63 || at-HeaderLen+n+2 > NameMax {
			return 0, BadName
		}
		if at+1+n > len(packet) {
			return 0, CutQuestion
		}
		start := at - HeaderLen
		q.Starts[labels] = uint8(start)
		labels++
		q.key[start] = byte(n)
		for i, c := range packet[at+1 : at+1+n] {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			q.key[start+1+i] = c
		}
		at += 1 + n
	}
	end := at + 1
	if end+4 > len(packet) {
		return 0, CutQuestion
	}
	q.key[at-HeaderLen] = 0
	q.Labels = labels
	q.Name, q.Key = packet[HeaderLen:end:end], q.key[:end-HeaderLen:end-HeaderLen]
	q.Type, q.Class = binary.BigEndian.Uint16(packet[end:]), binary.BigEndian.Uint16(packet[end+2:])
	q.Question = packet[HeaderLen : end+4 : end+4]
	return end + 4, Sound
}

// record walks over one record and reads it where it is OPT.
func (q *Query) record(packet []byte, at int, additional, last bool) (next int, fault Fault) {
	owner := at
	if at = skipName(packet, at); at < 0 || at+10 > len(packet) {
		return 0, CutRecord
	}
	root := packet[owner] == 0
	typ, class := binary.BigEndian.Uint16(packet[at:]), binary.BigEndian.Uint16(packet[at+2:])
	ttl, length := binary.BigEndian.Uint32(packet[at+4:]), int(binary.BigEndian.Uint16(packet[at+8:]))
	data := at + 10
	if data+length > len(packet) {
		return 0, CutRecord
	}
	switch typ {
	case TypeOPT:
		switch {
		case !additional, !root:
			return 0, MisplacedOPT
		case q.EDNS.Present:
			return 0, SecondOPT
		}
		q.EDNS.Present = true
		q.EDNS.Size, q.EDNS.Version, q.EDNS.DO = class, uint8(ttl>>16), ttl&0x8000 != 0
		if q.EDNS.Version == 0 {
			fault = q.EDNS.options(packet[data : data+length])
		}
	case TypeTSIG:
		if !additional || !last {
			return 0, MisplacedTSIG
		}
		q.TSIG = true
	}
	return data + length, fault
}

// options reads the options of OPT. Those that are not known are skipped, and of cookies the first one counts.
func (e *EDNS) options(data []byte) Fault {
	for len(data) > 0 {
		if len(data) < 4 {
			return CutOption
		}
		code, length := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if 4+length > len(data) {
			return CutOption
		}
		switch {
		case code == optionNSID:
			e.NSID = true
		case code == optionCookie && e.Cookie == nil:
			if length != ClientCookieLen && (length < 16 || length > 40) {
				return CookieLength
			}
			e.Cookie = data[4 : 4+length : 4+length]
		}
		data = data[4+length:]
	}
	return Sound
}

// skipName returns where the name at at ends, or -1 where it is none. It follows no pointer, and takes only those that lead
// back, so that nothing that it lets pass has a circle.
func skipName(packet []byte, at int) int {
	start := at
	for at < len(packet) {
		n := int(packet[at])
		switch {
		case n == 0:
			return at + 1
		case n >= 0xc0:
			if at+2 > len(packet) {
				return -1
			}
			if to := (n&0x3f)<<8 | int(packet[at+1]); to < HeaderLen || to >= start {
				return -1
			}
			return at + 2
		case n > 63, at-start+n+2 > NameMax:
			return -1
		}
		at += 1 + n
	}
	return -1
}
