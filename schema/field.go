package schema

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// The bounds of fields that declare none, and of the declarations.
const (
	defaultTextMax  = 10_000     // characters
	defaultJSONMax  = 64_000     // bytes
	defaultFileMax  = 10_000_000 // bytes
	textMax         = 1_000_000  // characters that max of a text may say
	jsonMax         = 1_000_000  // bytes that max of a json may say: a body of JSON has no more
	fileMax         = 10_000_000_000
	maxSizes        = 8
	maxOptions      = 200
	maxOptionLength = 100
)

// field makes a field as far as it can be seen alone.
func (b *builder) field(source *config.Field) *roundtrip.Field {
	t, _ := roundtrip.ParseFieldType(source.Type.Text)
	f := &roundtrip.Field{
		Name: source.Name, Type: t, Pos: source.Pos, Was: source.Was,
		Required: source.Required, Unique: source.Unique, Immutable: source.Immutable,
	}
	b.foreignKeys(f, source)
	switch t {
	case roundtrip.TypeText:
		b.textBounds(f, source)
		b.match(f, source)
	case roundtrip.TypeInt:
		f.MinInt, f.MaxInt = b.wholeBound(f, source.Min), b.wholeBound(f, source.Max)
		if f.MinInt != nil && f.MaxInt != nil && *f.MinInt > *f.MaxInt {
			b.crossed(f, source)
		}
	case roundtrip.TypeFloat:
		f.Min, f.Max = b.floatBound(f, source.Min), b.floatBound(f, source.Max)
		if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
			b.crossed(f, source)
		}
	case roundtrip.TypeJSON:
		f.MaxBytes = b.bytes(f, source.Max, defaultJSONMax, jsonMax)
	case roundtrip.TypeFile:
		f.MaxBytes = b.bytes(f, source.Max, defaultFileMax, fileMax)
		b.file(f, source)
	case roundtrip.TypeSelect:
		b.options(f, source)
	default:
	}
	return f
}

// foreignKeys reports keys that the field's type does not have.
func (b *builder) foreignKeys(f *roundtrip.Field, source *config.Field) {
	reject := func(given bool, pos roundtrip.Pos, name string, types ...roundtrip.FieldType) {
		if !given || slices.Contains(types, f.Type) {
			return
		}
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.String()
		}
		b.problems.Add(pos, "%s can't have %s: its type is %s", f.Name, name, f.Type).Expect("%s on %s only", name, list(names))
	}
	const text, integer, float = roundtrip.TypeText, roundtrip.TypeInt, roundtrip.TypeFloat
	reject(source.Match.Text != "", source.Match.Pos, "match", text)
	reject(source.To.Text != "", source.To.Pos, "to", roundtrip.TypeRef)
	reject(source.Of.Text != "", source.Of.Pos, "of", roundtrip.TypeCount)
	reject(source.OnDelete.Text != "", source.OnDelete.Pos, "on_delete", roundtrip.TypeRef)
	reject(source.Options != nil, first(source.Options, f.Pos), "options", roundtrip.TypeSelect)
	reject(source.Accept != nil, first(source.Accept, f.Pos), "accept", roundtrip.TypeFile)
	reject(source.Sizes != nil, source.SizesPos, "sizes", roundtrip.TypeFile)
	if source.Min != nil {
		reject(true, source.Min.Pos, "min", text, integer, float)
	}
	if source.Max != nil {
		reject(true, source.Max.Pos, "max", text, integer, float, roundtrip.TypeJSON, roundtrip.TypeFile)
	}
	switch f.Type {
	case roundtrip.TypeCount:
		if source.Required || source.Unique || source.Immutable || source.Default != nil {
			b.problems.Add(f.Pos, "%s is a count: the store alone keeps its number", f.Name).
				Expect("type and of, without required, unique, immutable or default")
		}
	case roundtrip.TypeJSON, roundtrip.TypeFile:
		if source.Unique {
			b.problems.Add(f.Pos, "%s is a %s, which can't be unique", f.Name, f.Type).Expect("unique on fields that can be compared")
		}
	default:
	}
}

func first(names []config.Name, otherwise roundtrip.Pos) roundtrip.Pos {
	if len(names) > 0 {
		return names[0].Pos
	}
	return otherwise
}

func (b *builder) crossed(f *roundtrip.Field, source *config.Field) {
	b.problems.Add(source.Min.Pos, "min of %s is over its max", f.Name).Expect("min to be %s at the most", source.Max.Text)
}

// textBounds reads lengths in characters.
func (b *builder) textBounds(f *roundtrip.Field, source *config.Field) {
	length := func(s *config.Scalar) *float64 {
		if s == nil {
			return nil
		}
		n, err := strconv.ParseInt(s.Text, 10, 64)
		if s.Kind != config.IntScalar || err != nil || n < 0 || n > textMax {
			problem := b.problems.Add(s.Pos, "%s is no length of a text", s.Text).
				Expect("a number of characters from 0 to 1,000,000")
			if _, isSize := config.ParseSize(s.Text); isSize {
				problem.Expected += ", without a unit"
			}
			return nil
		}
		v := float64(n)
		return &v
	}
	f.Min, f.Max = length(source.Min), length(source.Max)
	if f.Max == nil {
		most := max(float64(defaultTextMax), value(f.Min))
		f.Max = &most
	}
	if f.Min != nil && *f.Min > *f.Max {
		b.crossed(f, source)
	}
	f.MaxBytes = 4 * int64(*f.Max)
}

func value(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func (b *builder) wholeBound(f *roundtrip.Field, s *config.Scalar) *int64 {
	if s == nil {
		return nil
	}
	n, err := strconv.ParseInt(s.Text, 10, 64)
	if s.Kind != config.IntScalar || err != nil {
		b.problems.Add(s.Pos, "%s is no bound of the int %s", s.Text, f.Name).Expect("a whole number of 64 bits, such as 0 or 100")
		return nil
	}
	return &n
}

func (b *builder) floatBound(f *roundtrip.Field, s *config.Scalar) *float64 {
	if s == nil {
		return nil
	}
	n, err := strconv.ParseFloat(s.Text, 64)
	if s.Kind != config.IntScalar && s.Kind != config.FloatScalar || err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		b.problems.Add(s.Pos, "%s is no bound of the float %s", s.Text, f.Name).Expect("a number, such as 0.5")
		return nil
	}
	return &n
}

func (b *builder) bytes(f *roundtrip.Field, s *config.Scalar, otherwise, most int64) int64 {
	if s == nil {
		return otherwise
	}
	n, ok := config.ParseSize(s.Text)
	switch {
	case s.Kind != config.StringScalar:
		b.problems.Add(s.Pos, "max of %s: %s has no unit", f.Name, s.Text).Expect("a size with its unit (B, kB, MB, GB), such as 2MB")
	case !ok || n < 1 || n > most:
		b.problems.Add(s.Pos, "%q is no size of a %s", s.Text, f.Type).
			Expect("a size with its unit, such as 2MB; at most %dMB", most/1_000_000)
	default:
		return n
	}
	return otherwise
}

func (b *builder) match(f *roundtrip.Field, source *config.Field) {
	if source.Match.Text == "" {
		return
	}
	if _, err := regexp.Compile(source.Match.Text); err != nil {
		text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		b.problems.Add(source.Match.Pos, "match can't be read: %s", text).
			Expect("a regular expression in RE2's syntax (no look-ahead, no back-references)")
		return
	}
	f.Match = source.Match.Text
}

func (b *builder) options(f *roundtrip.Field, source *config.Field) {
	if len(source.Options) == 0 {
		b.problems.Add(f.Pos, "the select %s has no options", f.Name).Expect("options: with its values, such as [draft, published]")
	}
	for _, option := range source.Options {
		if len([]rune(option.Text)) > maxOptionLength || strings.ContainsAny(option.Text, "\n\t") {
			b.problems.Add(option.Pos, "this is too much for an option").Expect("one line of at most %d characters", maxOptionLength)
		}
		f.Options = append(f.Options, option.Text)
	}
	if len(source.Options) > maxOptions {
		b.problems.Add(f.Pos, "%s has %d options", f.Name, len(source.Options)).
			Expect("at most %d; for more, a collection and a ref to it", maxOptions)
	}
}

var mediaType = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/(\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126})$`)

func (b *builder) file(f *roundtrip.Field, source *config.Field) {
	images := len(source.Accept) == 0
	for _, accept := range source.Accept {
		if !mediaType.MatchString(accept.Text) {
			known := []string{"image/jpeg", "image/png", "image/webp", "image/gif", "application/pdf", "video/mp4", "text/plain"}
			problem := b.problems.Add(accept.Pos, "%q is no media type", accept.Text).
				Expect("such as image/jpeg, or image/* for all images").Near(accept.Text, known)
			if i := slices.IndexFunc(known, func(k string) bool { return strings.HasSuffix(k, "/"+accept.Text) }); i >= 0 {
				problem.Nearest = known[i]
			}
		}
		images = images || strings.HasPrefix(accept.Text, "image/")
		f.Accept = append(f.Accept, accept.Text)
	}
	f.Sizes = slices.Clone(source.Sizes)
	slices.Sort(f.Sizes)
	switch {
	case len(f.Sizes) > maxSizes:
		b.problems.Add(source.SizesPos, "%s has %d sizes", f.Name, len(f.Sizes)).Expect("at most %d", maxSizes)
	case len(slices.Compact(slices.Clone(f.Sizes))) < len(f.Sizes):
		b.problems.Add(source.SizesPos, "a size stands twice").Expect("each width once")
	case len(f.Sizes) > 0 && !images:
		b.problems.Add(source.SizesPos, "%s accepts no images, so it has no sizes", f.Name).Expect("sizes on files that accept images")
	}
}
