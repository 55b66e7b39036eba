package roundtrip

import (
	"math"
	"strconv"
	"time"
)

// ValueKind says what a [Value] holds.
type ValueKind uint8

// The kinds of a value. What a field's type is kept as stands at [FieldType.Value].
const (
	Null       ValueKind = iota
	BoolValue            // num is 0 or 1
	IntValue             // num is the int64
	FloatValue           // num is the IEEE 754 bits
	TextValue            // str
	TimeValue            // num is Unix microseconds, UTC
	IDValue              // num is the ID of a record
	JSONValue            // str is one JSON value as text
)

// Value is one field of one record, 32 bytes and never a pointer to something mutable. The zero Value is null.
type Value struct {
	kind ValueKind
	num  uint64
	str  string
}

// Bool makes true or false.
func Bool(v bool) Value {
	if v {
		return Value{kind: BoolValue, num: 1}
	}
	return Value{kind: BoolValue}
}

// Int makes a 64-bit integer.
func Int(v int64) Value { return Value{kind: IntValue, num: uint64(v)} }

// Float makes a 64-bit float.
func Float(v float64) Value { return Value{kind: FloatValue, num: math.Float64bits(v)} }

// Text makes a text.
func Text(v string) Value { return Value{kind: TextValue, str: v} }

// Time makes a point in time, kept in microseconds.
func Time(v time.Time) Value { return Value{kind: TimeValue, num: uint64(v.UnixMicro())} }

// Micros makes a point in time from Unix microseconds.
func Micros(v int64) Value { return Value{kind: TimeValue, num: uint64(v)} }

// Ref makes a reference to a record; the zero ID is null.
func Ref(v ID) Value {
	if v == 0 {
		return Value{}
	}
	return Value{kind: IDValue, num: uint64(v)}
}

// JSON makes a JSON value from its text, which must be one valid JSON value.
func JSON(v string) Value { return Value{kind: JSONValue, str: v} }

// Kind returns what the value holds.
func (v Value) Kind() ValueKind { return v.kind }

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.kind == Null }

// Bool returns a BoolValue's value.
func (v Value) Bool() bool { return v.num != 0 }

// Int returns an IntValue, or the microseconds or id of a TimeValue or IDValue.
func (v Value) Int() int64 { return int64(v.num) }

// Float returns a FloatValue, or an IntValue as a float.
func (v Value) Float() float64 {
	if v.kind == IntValue {
		return float64(int64(v.num))
	}
	return math.Float64frombits(v.num)
}

// Text returns the text of a TextValue or JSONValue.
func (v Value) Text() string { return v.str }

// ID returns an IDValue's id.
func (v Value) ID() ID { return ID(v.num) }

// Time returns a TimeValue's time in UTC.
func (v Value) Time() time.Time { return time.UnixMicro(int64(v.num)).UTC() }

// Equal reports whether two values are the same, null equal to null. An int equals a float of the same number.
func (v Value) Equal(w Value) bool {
	if v.kind == w.kind {
		if v.kind == FloatValue {
			return v.Float() == w.Float()
		}
		return v.num == w.num && v.str == w.str
	}
	return v.isNumber() && w.isNumber() && v.Float() == w.Float()
}

func (v Value) isNumber() bool { return v.kind == IntValue || v.kind == FloatValue }

// AppendJSON appends the value as it stands in a JSON body: ids and times as strings, integers exact.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case BoolValue:
		return strconv.AppendBool(b, v.num != 0)
	case IntValue:
		return strconv.AppendInt(b, int64(v.num), 10)
	case FloatValue:
		return AppendFloat(b, v.Float())
	case TextValue:
		return appendQuoted(b, v.str)
	case TimeValue:
		b = append(b, '"')
		b = AppendTime(b, int64(v.num))
		return append(b, '"')
	case IDValue:
		b = append(b, '"')
		b = ID(v.num).AppendTo(b)
		return append(b, '"')
	case JSONValue:
		return append(b, v.str...)
	case Null:
	}
	return append(b, "null"...)
}

// AppendFloat appends a float in JSON's form, the shortest text that reads back as the same number; NaN and infinities,
// which JSON has no form for, become null.
func AppendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// AppendTime appends Unix microseconds as RFC 3339 in UTC: milliseconds always, microseconds where there are any, so
// that 2026-11-22T19:03:31.114Z is the common form.
func AppendTime(b []byte, micros int64) []byte {
	t := time.UnixMicro(micros).UTC()
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	b = appendDigits(b, year, 4)
	b = append(b, '-')
	b = appendDigits(b, int(month), 2)
	b = append(b, '-')
	b = appendDigits(b, day, 2)
	b = append(b, 'T')
	b = appendDigits(b, hour, 2)
	b = append(b, ':')
	b = appendDigits(b, minute, 2)
	b = append(b, ':')
	b = appendDigits(b, sec, 2)
	b = append(b, '.')
	if us := t.Nanosecond() / 1000; us%1000 == 0 {
		b = appendDigits(b, us/1000, 3)
	} else {
		b = appendDigits(b, us, 6)
	}
	return append(b, 'Z')
}

func appendDigits(b []byte, v, width int) []byte {
	switch {
	case width == 2 && uint(v) < 100:
		return append(b, byte('0'+v/10), byte('0'+v%10))
	case width == 3 && uint(v) < 1000:
		return append(b, byte('0'+v/100), byte('0'+v/10%10), byte('0'+v%10))
	case width == 4 && uint(v) < 10000:
		return append(b, byte('0'+v/1000), byte('0'+v/100%10), byte('0'+v/10%10), byte('0'+v%10))
	}
	var d [20]byte
	i := len(d)
	for n := 0; n < width || v > 0; n++ {
		i--
		d[i] = byte('0' + v%10)
		v /= 10
	}
	return append(b, d[i:]...)
}
