package sqlite_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/store"
)

// A random walk through all that can happen to jobs: of each key the first one that lives can be claimed and no other, and
// each job is done once or dead.
func TestOutbox_RandomWalk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			c := newClock()
			s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
			left, done := map[string]bool{}, map[string]bool{}
			var held []store.Job
			step := func() {
				i := 0
				if len(held) > 0 {
					i = r.IntN(len(held))
				}
				switch n := r.IntN(12); {
				case n < 4:
					key, payload := []string{"a", "b", "c", ""}[r.IntN(4)], fmt.Sprint(len(left))
					ok(t, s.Leave(t.Context(), "webhook.k", false, time.Duration(r.IntN(3))*time.Second, key, payload))
					left[payload] = true
				case n < 7:
					_, jobs := claim(t, s, "webhook.k")
					held = append(held, jobs...)
				case n == 7:
					c.Advance(time.Duration(r.IntN(90)) * time.Second)
				case n == 8:
					_, err := s.ReplayJobs(t.Context(), store.JobWebhook, nil)
					ok(t, err)
				case len(held) == 0:
				case n == 9:
					ok(t, s.FailJob(t.Context(), held[i].ID, "no", c.Now().Add(time.Duration(r.IntN(20))*time.Second)))
					held = slices.Delete(held, i, i+1)
				case n == 10:
					ok(t, s.BuryJob(t.Context(), held[i].ID, "no"))
					held = slices.Delete(held, i, i+1)
				default:
					ok(t, s.FinishJob(t.Context(), held[i].ID))
					done[held[i].Payload] = true
					held = slices.Delete(held, i, i+1)
				}
			}
			for n := range 400 {
				step()
				wrong, err := s.Read(t.Context(), fmt.Sprintf(`SELECT count(*) FROM _outbox AS o WHERE key IS NOT NULL AND dead = 0
					AND (id = (SELECT min(id) FROM _outbox WHERE kind = o.kind AND key = o.key AND dead = 0)) = (due = %d)`, math.MaxInt64))
				if err != nil || wrong != 0 {
					t.Fatalf("after step %d the order of %d jobs is wrong (%v)", n, wrong, err)
				}
			}
			_, err := s.ReplayJobs(t.Context(), store.JobWebhook, nil)
			ok(t, err)
			for range len(left) { // whatever is left can be done
				c.Advance(2 * time.Minute)
				_, jobs := claim(t, s, "webhook.k")
				for _, j := range jobs {
					ok(t, s.FinishJob(t.Context(), j.ID))
					done[j.Payload] = true
				}
			}
			if len(done) != len(left) {
				t.Fatalf("%d of %d jobs were done", len(done), len(left))
			}
		})
	}
}
