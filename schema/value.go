package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// check is what a field's values must be, made ready once.
type check struct {
	field            *roundtrip.Field
	match            *regexp.Regexp // the whole value
	minChars         int            // TypeText
	maxChars         int
	minMicro, maxMic int64 // TypeTime: years 1 to 9999, the range of RFC 3339
}

// The longest forms of addresses: RFC 5321 section 4.5.3.1.3 and what browsers and proxies pass.
const (
	emailMax = 254
	urlMax   = 2048
)

// fieldChecks makes the checks of a collection's fields ready, and the defaults, which must pass them.
func (b *builder) fieldChecks(i int) []check {
	c := b.built[i]
	out := make([]check, len(c.Fields))
	for position, f := range c.Fields {
		k := check{field: f}
		if f.Match != "" {
			k.match = regexp.MustCompile(`\A(?:` + f.Match + `)\z`)
		}
		if f.Type == roundtrip.TypeText {
			k.minChars, k.maxChars = int(value(f.Min)), int(value(f.Max))
		}
		k.minMicro = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		k.maxMic = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
		out[position] = k
		if source := b.fields[i][position]; source != nil && source.Default != nil {
			b.setDefault(&k, source.Default)
		}
	}
	return out
}

// setDefault reads a declared default.
func (b *builder) setDefault(k *check, s *config.Scalar) {
	f := k.field
	switch {
	case f.Type == roundtrip.TypeCount: // said already
		return
	case f.Type == roundtrip.TypeRef:
		switch {
		case s.Text != "auth.id":
			b.problems.Add(s.Pos, "%q is no default of a ref", s.Text).Expect("auth.id, the caller's account").Near(s.Text, []string{"auth.id"})
		case b.config.Identity.Accounts == "":
			b.problems.Add(s.Pos, "auth.id needs accounts, and there are none").Expect("identity: { accounts: COLLECTION }")
		case f.To != nil && !f.To.Accounts && b.schema.Accounts() != nil: // else it was said that there are none of that name
			b.problems.Add(s.Pos, "auth.id is an account, and %s points to %s", f.Name, f.To.Name).
				Expect("to: %s", b.config.Identity.Accounts)
		}
		f.Default = roundtrip.Default{Source: roundtrip.DefaultAuthID}
		return
	case f.Type == roundtrip.TypeTime && s.Text == "now":
		f.Default = roundtrip.Default{Source: roundtrip.DefaultNow}
		return
	case f.Type == roundtrip.TypeJSON || f.Type == roundtrip.TypeFile:
		b.problems.Add(s.Pos, "a %s has no default", f.Type).Expect("the key left out")
		return
	}
	v, ok := constant(f.Type, s)
	if !ok {
		b.problems.Add(s.Pos, "%s is no %s, so it can't be the default of %s", s.Text, f.Type, f.Name).
			Expect("%s", constantWords(f.Type))
		return
	}
	if d := k.value(&v); d.Code != "" {
		problem := b.problems.Add(s.Pos, "the default of %s would be refused: %s", f.Name, d.Message)
		if f.Type == roundtrip.TypeSelect {
			problem.Near(s.Text, f.Options)
		}
		return
	}
	f.Default = roundtrip.Default{Source: roundtrip.DefaultConstant, Value: v}
}

// constant reads a scalar as a value of a type.
func constant(t roundtrip.FieldType, s *config.Scalar) (roundtrip.Value, bool) {
	switch t {
	case roundtrip.TypeInt:
		n, err := strconv.ParseInt(s.Text, 10, 64)
		return roundtrip.Int(n), err == nil && s.Kind == config.IntScalar
	case roundtrip.TypeFloat:
		n, err := strconv.ParseFloat(s.Text, 64)
		return roundtrip.Float(n), err == nil && (s.Kind == config.IntScalar || s.Kind == config.FloatScalar)
	case roundtrip.TypeBool:
		return roundtrip.Bool(s.Text == "true"), s.Kind == config.BoolScalar && (s.Text == "true" || s.Text == "false")
	case roundtrip.TypeTime:
		at, err := time.Parse(time.RFC3339Nano, s.Text)
		return roundtrip.Time(at), err == nil
	default:
		return roundtrip.Text(s.Text), s.Kind == config.StringScalar
	}
}

func constantWords(t roundtrip.FieldType) string {
	switch t {
	case roundtrip.TypeInt:
		return "a whole number"
	case roundtrip.TypeFloat:
		return "a number"
	case roundtrip.TypeBool:
		return "true or false"
	case roundtrip.TypeTime:
		return "now, or a time such as 2026-11-22T19:03:31Z"
	default:
		return "a text; in quotes where it looks like a number"
	}
}

// value checks one value that is not null, and brings it to its kept form. The detail's code is "" when it is right.
func (k *check) value(v *roundtrip.Value) roundtrip.Detail {
	f := k.field
	if f.Type == roundtrip.TypeFloat && v.Kind() == roundtrip.IntValue {
		*v = roundtrip.Float(v.Float())
	}
	if v.Kind() != f.Type.Value() {
		return k.detail("wrong_type", "%s takes a value of type %s", f.Name, f.Type)
	}
	if f.Required && v.Kind() == roundtrip.TextValue && v.Text() == "" {
		return k.detail("required", "%s is required and can't be empty", f.Name)
	}
	switch f.Type {
	case roundtrip.TypeText:
		return k.text(v.Text())
	case roundtrip.TypeInt:
		return k.whole(v.Int())
	case roundtrip.TypeFloat:
		return k.float(v.Float())
	case roundtrip.TypeTime:
		if v.Int() < k.minMicro || v.Int() > k.maxMic {
			return k.detail("out_of_range", "%s must lie in the years 1 to 9999", f.Name)
		}
	case roundtrip.TypeSelect:
		if !slices.Contains(f.Options, v.Text()) {
			return k.detail("not_an_option", "%s can't be %s; it is one of %s", f.Name, quoted(v.Text()), list(f.Options))
		}
	case roundtrip.TypeEmail:
		return k.email(v)
	case roundtrip.TypeURL:
		return k.url(v.Text())
	case roundtrip.TypeJSON:
		if size := int64(len(v.Text())); size > f.MaxBytes {
			return k.detail("too_long", "%s has at most %d bytes of JSON; these are %d", f.Name, f.MaxBytes, size)
		}
	case roundtrip.TypeFile:
		return k.file(v.Text())
	default:
	}
	return roundtrip.Detail{}
}

func (k *check) detail(code, format string, args ...any) roundtrip.Detail {
	return roundtrip.Detail{Pointer: "/" + k.field.Name, Code: code, Message: fmt.Sprintf(format, args...)}
}

func (k *check) text(s string) roundtrip.Detail {
	name := k.field.Name
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return k.detail("bad_text", "%s has characters that are no text (NUL or broken UTF-8)", name)
	}
	switch n := utf8.RuneCountInString(s); {
	case n > k.maxChars:
		return k.detail("too_long", "%s has at most %s; this one has %d", name, characters(k.maxChars), n)
	case n < k.minChars:
		return k.detail("too_short", "%s has at least %s; this one has %d", name, characters(k.minChars), n)
	case k.match != nil && !k.match.MatchString(s):
		return k.detail("no_match", "%s can't be %s; it must match %s", name, quoted(s), k.field.Match)
	}
	return roundtrip.Detail{}
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return strconv.Itoa(n) + " characters"
}

func (k *check) whole(n int64) roundtrip.Detail {
	f := k.field
	if f.MinInt != nil && n < *f.MinInt {
		return k.detail("out_of_range", "%s is at least %d; this is %d", f.Name, *f.MinInt, n)
	}
	if f.MaxInt != nil && n > *f.MaxInt {
		return k.detail("out_of_range", "%s is at most %d; this is %d", f.Name, *f.MaxInt, n)
	}
	return roundtrip.Detail{}
}

func (k *check) float(n float64) roundtrip.Detail {
	f := k.field
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return k.detail("out_of_range", "%s must be a number that can be written down", f.Name)
	case f.Min != nil && n < *f.Min:
		return k.detail("out_of_range", "%s is at least %s; this is %s", f.Name, number(*f.Min), number(n))
	case f.Max != nil && n > *f.Max:
		return k.detail("out_of_range", "%s is at most %s; this is %s", f.Name, number(*f.Max), number(n))
	}
	return roundtrip.Detail{}
}

func number(n float64) string { return string(roundtrip.AppendFloat(nil, n)) }

// email takes an addr-spec (RFC 5322 section 3.4.1) and keeps it in lower case.
func (k *check) email(v *roundtrip.Value) roundtrip.Detail {
	s := v.Text()
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || len(s) > emailMax || strings.ContainsAny(s, "\"<>() \t\r\n\x00") {
		return k.detail("bad_email", "%s can't be %s; it is an address alone, such as ana@example.com", k.field.Name, quoted(s))
	}
	*v = roundtrip.Text(strings.ToLower(s))
	return roundtrip.Detail{}
}

func (k *check) url(s string) roundtrip.Detail {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(s, " \t\r\n\x00<>\"") {
		return k.detail("bad_url", "%s can't be %s; it is a whole address, such as https://example.com/page", k.field.Name, quoted(s))
	}
	if len(s) > urlMax {
		return k.detail("too_long", "%s has at most %d bytes; this one has %d", k.field.Name, urlMax, len(s))
	}
	return roundtrip.Detail{}
}

// file checks what the file store said about a file.
func (k *check) file(s string) roundtrip.Detail {
	f := k.field
	var file roundtrip.File
	if err := json.Unmarshal([]byte(s), &file); err != nil || file.ID == "" {
		return k.detail("wrong_type", "%s takes a file; send it as a part of a multipart form, or over gRPC in %s.content", f.Name, f.Name)
	}
	if file.Size > f.MaxBytes {
		return k.detail("too_large", "%s has at most %d bytes; this file has %d", f.Name, f.MaxBytes, file.Size)
	}
	if len(f.Accept) > 0 && !slices.ContainsFunc(f.Accept, func(a string) bool { return accepts(a, file.Type) }) {
		return k.detail("not_accepted", "%s takes %s; this file is %s", f.Name, list(f.Accept), quoted(file.Type))
	}
	return roundtrip.Detail{}
}

// accepts reports whether a declared media type, such as image/png or image/*, takes another. Parameters don't count.
func accepts(declared, given string) bool {
	given, _, _ = strings.Cut(given, ";")
	given = strings.TrimSpace(given)
	if family, all := strings.CutSuffix(declared, "*"); all {
		return strings.HasPrefix(given, family)
	}
	return declared == given
}

// quoted shows a caller's text without repeating all of it.
func quoted(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}
