package policy

import (
	"math"

	"github.com/roundtrip-dev/roundtrip"
)

// exact rewrites `column sign value` so that the value has the type of the column, without rounding: engines differ in
// how they compare an int with a float, and an index would round. outcome is yes or no where the answer is the same for
// all values that are not null.
func exact(column kind, s sign, v roundtrip.Value) (sign, roundtrip.Value, verdict) {
	switch {
	case column == kindInt && v.Kind() == roundtrip.FloatValue:
		return exactInt(s, v.Float())
	case column == kindFloat && v.Kind() == roundtrip.IntValue:
		return exactFloat(s, v.Int())
	}
	return s, v, unknown
}

// exactInt brings a float into an int comparison: likes < 2.5 is likes <= 2.
func exactInt(s sign, f float64) (sign, roundtrip.Value, verdict) {
	switch {
	case f >= 1<<63:
		return s, roundtrip.Value{}, verdictOf(s.order(-1))
	case f < -(1 << 63):
		return s, roundtrip.Value{}, verdictOf(s.order(1))
	}
	floor := math.Floor(f)
	v := roundtrip.Int(int64(floor))
	if floor == f {
		return s, v, unknown
	}
	switch s {
	case signLess, signLessEqual:
		return signLessEqual, v, unknown
	case signGreater, signGreaterEqual:
		return signGreater, v, unknown
	case signEqual, signNotEqual:
	}
	return s, v, verdictOf(s == signNotEqual)
}

// exactFloat brings an int into a float comparison. Where no float is equal to it, the nearest one lies above or below,
// and no other lies between.
func exactFloat(s sign, i int64) (sign, roundtrip.Value, verdict) {
	f := float64(i)
	v := roundtrip.Float(f)
	side := compareIntFloat(i, f)
	if side == 0 {
		return s, v, unknown
	}
	switch s {
	case signLess, signLessEqual:
		if side < 0 {
			return signLess, v, unknown
		}
		return signLessEqual, v, unknown
	case signGreater, signGreaterEqual:
		if side < 0 {
			return signGreaterEqual, v, unknown
		}
		return signGreater, v, unknown
	case signEqual, signNotEqual:
	}
	return s, v, verdictOf(s == signNotEqual)
}
