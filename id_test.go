package roundtrip_test

import (
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// stopped is a clock that does not move by itself.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

func noon() *stopped { return &stopped{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func TestIDs_GrowAlsoWhenTheClockStepsBack(t *testing.T) {
	t.Parallel()
	clock := noon()
	ids := roundtrip.NewIDs(7, clock.Now)
	last := roundtrip.ID(0)
	for n := range 20_000 { // several milliseconds' worth
		switch n {
		case 10_000:
			clock.now = clock.now.Add(-time.Hour)
		case 12_000, 12_001:
			clock.now = clock.now.Add(2 * time.Hour)
		case 15_000:
			ids.Skip()
		}
		id := ids.Next()
		if id <= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		if node := id >> 12 & 1023; node != 7 {
			t.Fatalf("%s is of node %d", id, node)
		}
		last = id
	}
	if at := last.Time(); at.Before(clock.now) || at.After(clock.now.Add(10*time.Millisecond)) {
		t.Fatalf("the last id is of %v, it is %v", at, clock.now)
	}
}

// Who knows the time and the node must not know the ids that come: each millisecond begins somewhere else.
func TestIDs_CanNotBeForeseen(t *testing.T) {
	t.Parallel()
	clock := noon()
	ids := roundtrip.NewIDs(0, clock.Now)
	begins := map[roundtrip.ID]bool{}
	for range 1000 {
		clock.now = clock.now.Add(10 * time.Millisecond)
		id := ids.Next()
		if got := id.Time(); !got.Equal(clock.now) {
			t.Fatalf("the id is of %v, it is %v", got, clock.now)
		}
		begins[id&0xfff] = true
	}
	if len(begins) < 500 { // about 890 of 4096 are expected
		t.Fatalf("1000 milliseconds begin in %d ways", len(begins))
	}
}

// Where ids were taken on purpose, it does not go on with their neighbours.
func TestIDs_SkipLeavesTheNeighbours(t *testing.T) {
	t.Parallel()
	ids := roundtrip.NewIDs(0, noon().Now)
	far, last := 0, ids.Next()
	for range 100 {
		ids.Skip()
		id := ids.Next()
		if id <= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		if id-last > 64 {
			far++
		}
		last = id
	}
	if far < 80 {
		t.Fatalf("%d of 100 skips went far", far)
	}
}

func TestIDs_AreDifferentForManyGoroutines(t *testing.T) {
	t.Parallel()
	ids := roundtrip.NewIDs(0, time.Now)
	made := make([][]roundtrip.ID, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			for range 5000 {
				made[i] = append(made[i], ids.Next())
			}
		})
	}
	wg.Wait()
	seen := map[roundtrip.ID]bool{}
	for _, part := range made {
		for _, id := range part {
			if seen[id] {
				t.Fatalf("%s was made twice", id)
			}
			seen[id] = true
		}
	}
}
