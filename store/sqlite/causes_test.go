package sqlite_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Each change leads back to the journeys that wrote it, and so do the jobs that it left.
func TestCauses_LeadFromAChangeToItsJourney(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	schema := withCount()
	schema.Lookup("tags").Hooks = map[roundtrip.Action][]string{roundtrip.Create: {"a"}}
	apply(t, s, schema)
	by := func(n byte, collection string, f map[string]roundtrip.Value) *roundtrip.Record {
		t.Helper()
		ctx := trace.With(t.Context(), &trace.Journey{ID: trace.ID{n, 1}})
		result, err := s.Write(ctx, creating(t, schema, collection, f))
		if err != nil {
			t.Fatal(err)
		}
		return result.Records[0]
	}
	note := by(1, "notes", titled("a"))
	of := map[string]roundtrip.Value{"note": roundtrip.Ref(note.ID())}
	by(2, "tags", of)
	create(t, s, schema, "tags", of) // nobody watches
	var all sync.WaitGroup
	for n := range byte(20) {
		all.Go(func() { by(10+n, "tags", of) })
	}
	all.Wait()

	changes, err := s.Changes(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[trace.ID]bool{}
	for i, c := range changes {
		got := s.AppendCauses(nil, c.Position)
		var want []trace.ID
		switch {
		case i == 0:
			want = []trace.ID{{1, 1}}
		case i < 3: // the tag, and the count of its note
			want = []trace.ID{{2, 1}}
		case i < 5:
		case c.Counts: // of all that came in one group, some are named
			if len(got) == 0 || len(got) > 4 {
				t.Errorf("change %d is by %v", c.Position, got)
			}
			continue
		default:
			if len(got) == 1 {
				seen[got[0]] = true
			}
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("change %d is by %v, want %v", c.Position, got, want)
		}
	}
	if len(seen) != 20 {
		t.Errorf("20 journeys wrote, and changes lead to %d", len(seen))
	}
	if got := s.AppendCauses([]trace.ID{{1, 1}}, 1); len(got) != 1 {
		t.Errorf("a journey is named twice: %v", got)
	}
	_, jobs := told(t, s, "a")
	if jobs[0].Cause != (trace.ID{2, 1}) || jobs[1].Cause != (trace.ID{}) || !seen[jobs[2].Cause] || jobs[2].Kind != store.JobWebhook+"a" {
		t.Errorf("the jobs are by %v, %v, %v", jobs[0].Cause, jobs[1].Cause, jobs[2].Cause)
	}
}
