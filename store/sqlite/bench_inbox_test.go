package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

const (
	benchUsers  = 20_000
	benchPhotos = 1000
)

// BenchmarkLike64 has 64 callers like, durably: without notifications; where each of 1,000 authors is told; where all likes
// are of one author, and nearly all of one photo. Beside the time it reports how many likes a second, and how many times
// as long as without notifications one takes.
func BenchmarkLike64(b *testing.B) {
	var none float64
	for _, c := range []struct {
		name string
		told bool
		pair func(n int64) (user, photo int64)
	}{
		{"none", false, func(n int64) (int64, int64) { return n / benchPhotos, n % benchPhotos }},
		{"authors=1000", true, func(n int64) (int64, int64) { return n / benchPhotos, n % benchPhotos }},
		{"authors=1", true, func(n int64) (int64, int64) { return n % benchUsers, n / benchUsers }},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := newLikes(b, c.told, c.name == "authors=1")
			var next atomic.Int64
			callers(b, 64)
			spent(b)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					user, photo := c.pair(next.Add(1) - 1)
					if err := l.like(b, user+1, photo+1); err != nil {
						b.Error(err)
						return
					}
				}
			})
			each := float64(b.Elapsed()) / float64(b.N)
			if !c.told {
				none = each
			}
			b.ReportMetric(float64(time.Second)/each, "likes/s")
			b.ReportMetric(each/none, "x-none")
			b.ReportMetric(float64(l.s.Stats().Writes)/float64(l.s.Stats().Commits), "writes/commit")
		})
	}
}

// likes is a database with people and photos for the benchmark.
type likes struct {
	s      *sqlite.Store
	schema *roundtrip.Schema
	rules  *policy.Engine
	ids    *roundtrip.IDs
}

// newLikes fills a database. The photos have an author each, or all have one, who likes nothing.
func newLikes(b *testing.B, told, one bool) *likes {
	b.Helper()
	l := &likes{schema: storetest.Gallery(), ids: roundtrip.NewIDs(2, time.Now)}
	if told {
		storetest.Notify(l.schema)
		for _, n := range l.schema.Notices {
			n.Channels = n.Channels[:1]
		}
	}
	var err error
	if l.s, err = sqlite.New(sqlite.Options{Path: filepath.Join(b.TempDir(), "bench.db"), Now: time.Now, IDs: roundtrip.NewIDs(1, time.Now), PoolWait: 10 * time.Second}); err != nil {
		b.Fatal(err)
	}
	if err := l.s.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.s.Close() })
	apply(b, l.s, l.schema)
	if l.rules, err = policy.New(l.schema, make([]byte, 32)); err != nil {
		b.Fatal(err)
	}
	author := "x + 100000"
	if one {
		author = "100001"
	}
	for _, sql := range []string{
		`INSERT INTO users (id, create_time, update_time, etag, handle, followers) WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 101000)
			SELECT x, 0, 0, 1, 'u' || x, 0 FROM c WHERE x <= ` + fmt.Sprint(benchUsers) + ` OR x > 100000`,
		`INSERT INTO photos (id, create_time, update_time, etag, author, likes, comments) WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ` +
			fmt.Sprint(benchPhotos) + `) SELECT x, 0, 0, 1, ` + author + `, 0, 0 FROM c`,
	} {
		if err := l.s.Fill(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	time.Sleep(1500 * time.Millisecond) // until the log is written back
	return l
}

func (l *likes) like(b *testing.B, user, photo int64) error {
	b.Helper()
	r := roundtrip.NewRecord(l.schema.Lookup("likes"))
	r.PutName("user", roundtrip.Ref(roundtrip.ID(user)))
	r.PutName("photo", roundtrip.Ref(roundtrip.ID(photo)))
	p, err := l.rules.Decide(&roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r, Time: time.Now()}, &roundtrip.Principal{ID: roundtrip.ID(user)})
	if err != nil {
		return err
	}
	_, err = l.s.Write(b.Context(), p)
	return err
}
