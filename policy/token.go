package policy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	tokenVersion = 1
	tagSize      = 16        // HMAC-SHA256 cut to 128 bits (RFC 2104 section 5)
	maxToken     = 128 << 10 // characters of a page token
)

// tokenScope is what a page token is bound to: the list that it continues, and who asked.
type tokenScope struct {
	engine *Engine
	permit *Permit
}

// hash is over everything that makes two lists different, each part with its length before it.
func (s tokenScope) hash(order []Order) [sha256.Size]byte {
	p := s.permit
	b := make([]byte, 0, 256)
	b = appendPart(b, p.collection.Name)
	b = appendPart(b, p.call.Query.Filter)
	b = binary.AppendUvarint(b, uint64(len(p.call.Query.Equal)))
	for _, eq := range p.call.Query.Equal {
		b = appendPart(appendPart(b, eq.Field), eq.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(order)))
	for _, o := range order {
		f := p.collection.Fields[o.Field]
		b = appendPart(b, f.Name)
		b = append(b, byte(f.Type), byte(verdictOf(o.Desc)))
	}
	b = binary.AppendVarint(b, int64(p.principal.ID))
	b = appendPart(b, p.principal.Job)
	if o := p.principal.Operator; o != nil {
		b = append(appendPart(b, o.Name), 1)
	}
	return sha256.Sum256(b)
}

func appendPart(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// tag signs the values of a token together with its scope.
func (s tokenScope) tag(order []Order, values []byte) []byte {
	scope := s.hash(order)
	mac := hmac.New(sha256.New, s.engine.key[:])
	mac.Write(scope[:])
	mac.Write(values)
	return mac.Sum(nil)[:tagSize]
}

// Token returns the page token for the page after a record with these sort values, one for each of Order. It is signed
// and good only for the same list, asked for by the same caller.
func (q *Query) Token(last []roundtrip.Value) string {
	b := []byte{tokenVersion}
	for _, v := range last {
		b = appendValue(b, v)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, q.token.tag(q.Order, b)...))
}

// read sets Query.After from a token of a caller.
func (s tokenScope) read(q *Query, token string) error {
	if token == "" {
		return nil
	}
	// Go's decoder skips line ends: a token with one inside would be a second spelling of it.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return badToken()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 1+tagSize || b[0] != tokenVersion {
		return badToken()
	}
	values, tag := b[:len(b)-tagSize], b[len(b)-tagSize:]
	if !hmac.Equal(tag, s.tag(q.Order, values)) {
		return badToken()
	}
	rest := values[1:]
	after := make([]roundtrip.Value, len(q.Order))
	for i, o := range q.Order {
		want := s.permit.collection.Fields[o.Field].Type.Value()
		var ok bool
		after[i], rest, ok = readValue(rest)
		if !ok || !after[i].IsNull() && after[i].Kind() != want {
			return badToken()
		}
	}
	if len(rest) > 0 {
		return badToken()
	}
	q.After = after
	return nil
}

func badToken() error {
	return roundtrip.E(roundtrip.Invalid, "request.page_token", "The page token does not belong to this list: ask for the first page again, with the same filter and order for all pages.").
		With(roundtrip.Detail{Parameter: "page_token", Code: "bad_token", Message: "use next_page_token of the page before, unchanged"})
}

func appendValue(b []byte, v roundtrip.Value) []byte {
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case roundtrip.BoolValue, roundtrip.IntValue, roundtrip.TimeValue, roundtrip.IDValue:
		return binary.AppendVarint(b, v.Int())
	case roundtrip.FloatValue:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(v.Float()))
	case roundtrip.TextValue, roundtrip.JSONValue:
		return appendPart(b, v.Text())
	case roundtrip.Null:
	}
	return b
}

// readValue is the inverse of appendValue.
func readValue(b []byte) (v roundtrip.Value, rest []byte, ok bool) {
	if len(b) == 0 {
		return v, nil, false
	}
	kind := roundtrip.ValueKind(b[0])
	b = b[1:]
	switch kind {
	case roundtrip.Null:
		return v, b, true
	case roundtrip.FloatValue:
		if len(b) < 8 {
			return v, nil, false
		}
		return roundtrip.Float(math.Float64frombits(binary.BigEndian.Uint64(b))), b[8:], true
	case roundtrip.TextValue:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return v, nil, false
		}
		return roundtrip.Text(string(b[n : n+int(size)])), b[n+int(size):], true
	case roundtrip.BoolValue, roundtrip.IntValue, roundtrip.TimeValue, roundtrip.IDValue:
		i, n := binary.Varint(b)
		if n <= 0 {
			return v, nil, false
		}
		return readInt(kind, i), b[n:], true
	case roundtrip.JSONValue:
	}
	return v, nil, false
}

func readInt(kind roundtrip.ValueKind, i int64) roundtrip.Value {
	switch kind {
	case roundtrip.BoolValue:
		return roundtrip.Bool(i != 0)
	case roundtrip.TimeValue:
		return roundtrip.Micros(i)
	case roundtrip.IDValue:
		return roundtrip.Ref(roundtrip.ID(i))
	case roundtrip.IntValue, roundtrip.Null, roundtrip.FloatValue, roundtrip.TextValue, roundtrip.JSONValue:
	}
	return roundtrip.Int(i)
}
