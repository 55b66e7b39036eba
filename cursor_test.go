package roundtrip_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip"
)

func FuzzParseCursor(f *testing.F) {
	for _, s := range []string{"k3f9a2-1841", "k-0", "-1", "k--1", "k-01", "K-1", "k-9223372036854775807", "k-9223372036854775808", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := roundtrip.ParseCursor(s)
		if err == nil && (c.String() != s || c.Position < 0 || c.Epoch == "") {
			t.Errorf("%q was taken as %+v", s, c)
		}
	})
}
