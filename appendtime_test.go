package roundtrip_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

func TestAppendTime_IsWhatTheTimePackageWrites(t *testing.T) {
	t.Parallel()
	const first, last = -62135596800_000000, 253402300799_999999 // year 1 to 9999
	for n := range 20000 {
		micros := first + rand.Int64N(last-first)
		if n%2 == 0 {
			micros -= micros % 1000
		}
		at := time.UnixMicro(micros).UTC()
		want := at.Format("2006-01-02T15:04:05.000000Z")
		if at.Nanosecond()%1e6 == 0 {
			want = at.Format("2006-01-02T15:04:05.000Z")
		}
		if got := string(roundtrip.AppendTime(nil, micros)); got != want {
			t.Fatalf("%d: %s, want %s", micros, got, want)
		}
	}
}
