package courier_test

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/stream/courier"
)

func TestRetryAfter_ReadsBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		" 7 ":                           7 * time.Second,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"99999999999999999999":          0,
		"Sat, 28 Nov 2026 09:30:00 GMT": 30 * time.Minute,
		"Sat, 28 Nov 2026 08:30:00 GMT": 0,
	} {
		if got := courier.RetryAfter(header, now); got != want {
			t.Errorf("%q is %v, want %v", header, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "120", "-1", "2147483647", "Sat, 28 Nov 2026 09:30:00 GMT", "Saturday, 28-Nov-26 09:30:00 GMT"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		if got := courier.RetryAfter(header, now); got < 0 {
			t.Fatalf("%q is %v", header, got)
		}
	})
}
