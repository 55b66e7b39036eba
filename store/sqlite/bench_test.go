package sqlite_test

import (
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

// shelf is a database with photos for the benchmarks.
type shelf struct {
	s      *sqlite.Store
	schema *roundtrip.Schema
	rules  *policy.Engine
	who    *roundtrip.Principal
	ids    []roundtrip.ID
	make   *roundtrip.IDs
}

func newShelf(b *testing.B, photos int) *shelf {
	b.Helper()
	sh := &shelf{schema: storetest.Gallery(), make: roundtrip.NewIDs(2, time.Now)}
	s, err := sqlite.New(sqlite.Options{Path: filepath.Join(b.TempDir(), "bench.db"), Now: time.Now, IDs: roundtrip.NewIDs(1, time.Now), PoolWait: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	sh.s = s
	if err := s.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	apply(b, s, sh.schema)
	if sh.rules, err = policy.New(sh.schema, make([]byte, 32)); err != nil {
		b.Fatal(err)
	}
	user := roundtrip.NewRecord(sh.schema.Lookup("users"))
	user.PutName("handle", roundtrip.Text("ana"))
	user, err = s.CreateAccount(b.Context(), user, roundtrip.Credential{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	sh.who = &roundtrip.Principal{ID: user.ID(), Account: user}
	for len(sh.ids) < photos {
		batch := &roundtrip.Call{Action: roundtrip.Batch, Time: time.Now()}
		for range 100 {
			batch.Ops = append(batch.Ops, *sh.photo())
		}
		result, err := s.Write(b.Context(), sh.permit(b, batch))
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range result.Records {
			sh.ids = append(sh.ids, r.ID())
		}
	}
	time.Sleep(1500 * time.Millisecond) // until the log is written back: that is how a database stands that is mostly read
	return sh
}

func (sh *shelf) photo() *roundtrip.Call {
	r := roundtrip.NewRecord(sh.schema.Lookup("photos"))
	r.Put(roundtrip.FieldID, roundtrip.Ref(sh.make.Next()))
	r.PutName("author", roundtrip.Ref(sh.who.ID))
	r.PutName("caption", roundtrip.Text(strings.Repeat("x", 200)))
	return &roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r, Time: time.Now()}
}

func (sh *shelf) permit(b *testing.B, call *roundtrip.Call) *policy.Permit {
	b.Helper()
	p, err := sh.rules.Decide(call, sh.who)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// spent reports the processor time of the whole process for one operation: it tells more than the clock on a machine that
// others use too.
func spent(b *testing.B) {
	b.Helper()
	before := usage()
	b.ResetTimer()
	b.Cleanup(func() { b.ReportMetric(float64(usage()-before)/float64(b.N), "cpu-ns/op") })
}

func usage() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// callers sets how many goroutines RunParallel starts.
func callers(b *testing.B, n int) {
	b.Helper()
	b.SetParallelism(max(1, n/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
}

func BenchmarkGet(b *testing.B) {
	sh := newShelf(b, 20000)
	callers(b, 16)
	spent(b)
	b.RunParallel(func(pb *testing.PB) {
		call := &roundtrip.Call{Action: roundtrip.Get, Collection: sh.schema.Lookup("photos")}
		p := sh.permit(b, call)
		read := func(row roundtrip.Row) error {
			_ = row.Bytes(6)
			return nil
		}
		view := func(v store.View) error { return v.Get(p, read) }
		for pb.Next() {
			call.ID = sh.ids[rand.IntN(len(sh.ids))]
			if err := sh.s.View(b.Context(), view); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkList20(b *testing.B) {
	sh := newShelf(b, 20000)
	callers(b, 16)
	spent(b)
	b.RunParallel(func(pb *testing.PB) {
		call := &roundtrip.Call{Action: roundtrip.List, Collection: sh.schema.Lookup("photos"), Query: roundtrip.Query{
			PageSize: 20, OrderBy: "create_time desc", Equal: []roundtrip.Equal{{Field: "author", Value: sh.who.ID.String()}},
		}}
		p := sh.permit(b, call)
		n := 0
		read := func(row roundtrip.Row) error {
			n += len(row.Bytes(6))
			return nil
		}
		view := func(v store.View) error { _, err := v.List(p, read); return err }
		for pb.Next() {
			if err := sh.s.View(b.Context(), view); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkCreate64(b *testing.B) {
	sh := newShelf(b, 1000)
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

func BenchmarkAdd64(b *testing.B) {
	sh := newShelf(b, 1000)
	at, _ := sh.schema.Lookup("photos").Lookup("views")
	callers(b, 64)
	spent(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			call := &roundtrip.Call{Action: roundtrip.Update, Collection: sh.schema.Lookup("photos"), ID: sh.ids[0], Time: time.Now(), Adds: []roundtrip.Add{{Field: at, By: roundtrip.Int(1)}}}
			if _, err := sh.s.Write(b.Context(), sh.permit(b, call)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
