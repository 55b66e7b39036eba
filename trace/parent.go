package trace

import "encoding/hex"

// The length of a traceparent of version 00, and where its parts begin.
const (
	parentLen   = 55
	parentID    = 3
	parentSpan  = 36
	parentFlags = 53
)

// ParseParent reads a traceparent header (W3C Trace Context): the id of the trace, the span of the caller, and whether the
// caller records it. Versions to come are read as far as they agree with version 00. ok is false for anything else, which
// is to be treated as if there were no header.
func ParseParent(header string) (id ID, span uint64, sampled, ok bool) {
	if len(header) < parentLen || header[2] != '-' || header[parentSpan-1] != '-' || header[parentFlags-1] != '-' {
		return ID{}, 0, false, false
	}
	version, a := lowHex(header[:2])
	hi, b := lowHex(header[parentID : parentID+16])
	lo, c := lowHex(header[parentID+16 : parentSpan-1])
	span, d := lowHex(header[parentSpan : parentFlags-1])
	flags, e := lowHex(header[parentFlags:parentLen])
	longer := len(header) > parentLen && (version == 0 || header[parentLen] != '-')
	if !a || !b || !c || !d || !e || version == 0xff || longer || hi|lo == 0 || span == 0 {
		return ID{}, 0, false, false
	}
	for i := range 8 {
		id[i], id[8+i] = byte(hi>>(56-8*i)), byte(lo>>(56-8*i))
	}
	return id, span, flags&1 != 0, true
}

// AppendParent appends a traceparent header of version 00.
func AppendParent(b []byte, id ID, span uint64, sampled bool) []byte {
	b = append(b, "00-"...)
	b = append(id.AppendTo(b), '-')
	var s [8]byte
	for i := range s {
		s[i] = byte(span >> (56 - 8*i))
	}
	b = hex.AppendEncode(b, s[:])
	if sampled {
		return append(b, "-01"...)
	}
	return append(b, "-00"...)
}

// lowHex reads hex digits, lower case only, as the standard wants them.
func lowHex(s string) (v uint64, ok bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			v = v<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
