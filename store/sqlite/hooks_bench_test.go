package sqlite_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip"
)

// BenchmarkCreate64Told is BenchmarkCreate64 with a webhook that is told of each: one job more in the transaction.
func BenchmarkCreate64Told(b *testing.B) {
	sh := newShelf(b, 1000)
	sh.schema.Lookup("photos").Hooks = map[roundtrip.Action][]string{roundtrip.Create: {"a"}}
	callers(b, 64)
	spent(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := sh.s.Write(b.Context(), sh.permit(b, sh.photo())); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(sh.s.Stats().Writes)/float64(sh.s.Stats().Commits), "writes/commit")
}
