package wire

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// The tags of google.protobuf.Value, of Struct.fields, its entries, and ListValue.values.
const (
	tagNull    = 1 << 3
	tagNumber  = 2<<3 | 1
	tagString  = 3<<3 | 2
	tagBool    = 4 << 3
	tagStruct  = 5<<3 | 2
	tagList    = 6<<3 | 2
	tagElement = 1<<3 | 2 // fields, values, and an entry's key
	tagEntry   = 2<<3 | 2 // an entry's value
)

// scratch is room for the names of an object while they are sorted.
type scratch struct {
	members []named
	names   []byte
}

// named is a member of an object: where its name stands in scratch.names, and its value in the text.
type named struct{ from, to, at int }

// appendValue appends the content of a google.protobuf.Value from the text of a JSON value. Members of objects are sorted
// by their names, so that the same value gives the same bytes. What is no JSON, or is deeper than what is taken, becomes
// null.
func (p *Plans) appendValue(b, json []byte) []byte {
	var s *scratch
	select {
	case s = <-p.scratch:
	default:
		s = &scratch{}
	}
	start := len(b)
	b, at := s.value(b, json, 0, 0)
	if at < 0 {
		b = append(b[:start], tagNull, 0)
	}
	s.members, s.names = s.members[:0], s.names[:0]
	if cap(s.names) <= keepBytes {
		select {
		case p.scratch <- s:
		default:
		}
	}
	return b
}

// value appends the value at an offset of the text and returns the offset behind it, -1 where there is none.
func (s *scratch) value(b, json []byte, at, depth int) ([]byte, int) {
	at = skipSpace(json, at)
	if at >= len(json) || depth > input.DepthMax {
		return b, -1
	}
	switch json[at] {
	case 'n':
		return append(b, tagNull, 0), literal(json, at, "null")
	case 't':
		return append(b, tagBool, 1), literal(json, at, "true")
	case 'f':
		return append(b, tagBool, 0), literal(json, at, "false")
	case '"':
		end := stringEnd(json, at)
		if end < 0 {
			return b, -1
		}
		b, start := open(append(b, tagString))
		return shut(appendUnquoted(b, json[at+1:end-1]), start), end
	case '{':
		b, start := open(append(b, tagStruct))
		b, at = s.object(b, json, at+1, depth)
		return shut(b, start), at
	case '[':
		b, start := open(append(b, tagList))
		b, at = s.array(b, json, at+1, depth)
		return shut(b, start), at
	}
	return number(b, json, at)
}

func number(b, json []byte, at int) ([]byte, int) {
	end := at
	for end < len(json) && bytes.IndexByte([]byte("+-.0123456789eE"), json[end]) >= 0 {
		end++
	}
	v, err := strconv.ParseFloat(string(json[at:end]), 64)
	if math.IsInf(v, 0) { // out of range: a Value holds no infinity
		v, err = math.Copysign(math.MaxFloat64, v), nil
	}
	if err != nil {
		return b, -1
	}
	return protowire.AppendFixed64(append(b, tagNumber), math.Float64bits(v)), end
}

func (s *scratch) array(b, json []byte, at, depth int) ([]byte, int) {
	if at = skipSpace(json, at); at < len(json) && json[at] == ']' {
		return b, at + 1
	}
	for {
		var start int
		b, start = open(append(b, tagElement))
		b, at = s.value(b, json, at, depth+1)
		if at < 0 {
			return b, -1
		}
		b = shut(b, start)
		switch at = skipSpace(json, at); {
		case at < len(json) && json[at] == ',':
			at++
		case at < len(json) && json[at] == ']':
			return b, at + 1
		default:
			return b, -1
		}
	}
}

func (s *scratch) object(b, json []byte, at, depth int) ([]byte, int) {
	first, room := len(s.members), len(s.names)
	end := s.gather(json, at)
	if end < 0 {
		return b, -1
	}
	last := len(s.members)
	names := s.names
	slices.SortStableFunc(s.members[first:last], func(x, y named) int {
		return bytes.Compare(names[x.from:x.to], names[y.from:y.to])
	})
	for i := first; i < last; i++ {
		m := s.members[i]
		var entry, start int
		b, entry = open(append(b, tagElement))
		b = protowire.AppendBytes(append(b, tagElement), s.names[m.from:m.to])
		b, start = open(append(b, tagEntry))
		b, at = s.value(b, json, m.at, depth+1)
		if at < 0 {
			return b, -1
		}
		b = shut(shut(b, start), entry)
	}
	s.members, s.names = s.members[:first], s.names[:room]
	return b, end
}

// gather notes the members of an object and returns the offset behind it.
func (s *scratch) gather(json []byte, at int) int {
	if at = skipSpace(json, at); at < len(json) && json[at] == '}' {
		return at + 1
	}
	for {
		at = skipSpace(json, at)
		end := stringEnd(json, at)
		if end < 0 {
			return -1
		}
		m := named{from: len(s.names)}
		s.names = appendUnquoted(s.names, json[at+1:end-1])
		m.to = len(s.names)
		at = skipSpace(json, end)
		if at >= len(json) || json[at] != ':' {
			return -1
		}
		m.at = at + 1
		s.members = append(s.members, m)
		switch at = skipSpace(json, skipValue(json, m.at)); {
		case at < len(json) && json[at] == ',':
			at++
		case at < len(json) && json[at] == '}':
			return at + 1
		default:
			return -1
		}
	}
}

func skipSpace(json []byte, at int) int {
	for at < len(json) && (json[at] == ' ' || json[at] == '\n' || json[at] == '\r' || json[at] == '\t') {
		at++
	}
	return at
}

// skipValue returns the offset behind a value of good JSON, the end of the text where it is none.
func skipValue(json []byte, at int) int {
	depth := 0
	for at = skipSpace(json, at); at < len(json); {
		switch json[at] {
		case '"':
			end := stringEnd(json, at)
			if end < 0 {
				return len(json)
			}
			at = end
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return at
}

// stringEnd returns the offset behind the string that starts at an offset, -1 where there is none.
func stringEnd(json []byte, at int) int {
	if at >= len(json) || json[at] != '"' {
		return -1
	}
	for at++; at < len(json); at++ {
		switch json[at] {
		case '"':
			return at + 1
		case '\\':
			at++
		}
	}
	return -1
}

func literal(json []byte, at int, word string) int {
	if len(json)-at < len(word) || string(json[at:at+len(word)]) != word {
		return -1
	}
	return at + len(word)
}

// appendUnquoted appends what stands between the quotes of a JSON string, without its escapes.
func appendUnquoted(b, s []byte) []byte {
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return appendSound(b, s)
		}
		b = appendSound(b, s[:i])
		if s = s[i+1:]; len(s) == 0 {
			return b
		}
		c, before := s[0], s
		s = s[1:]
		switch c {
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'r':
			b = append(b, '\r')
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'u':
			var r rune
			r, s = unescape(s)
			b = utf8.AppendRune(b, r)
		case '"', '\\', '/':
			b = append(b, c)
		default: // no escape: it stands for itself
			b = appendSound(b, before[:1])
		}
	}
	return b
}

func appendSound(b, s []byte) []byte {
	if utf8.Valid(s) {
		return append(b, s...)
	}
	return appendValid(b, s)
}

// unescape reads what follows \u, the second half of a pair among it.
func unescape(s []byte) (rune, []byte) {
	r, ok := hex4(s)
	if !ok {
		return utf8.RuneError, s
	}
	s = s[4:]
	if !utf16.IsSurrogate(r) {
		return r, s
	}
	if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
		if low, ok := hex4(s[2:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, s[6:]
			}
		}
	}
	return utf8.RuneError, s
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
