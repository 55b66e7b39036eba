package trace_test

import (
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// ended ends a journey after do and returns its id.
func ended(r *trace.Recorder, kind trace.Kind, do func(j *trace.Journey)) trace.ID {
	j := r.Begin(kind)
	if do != nil {
		do(j)
	}
	id := j.ID
	r.End(j)
	return id
}

func refused(code string) func(j *trace.Journey) {
	return func(j *trace.Journey) {
		j.Status = 403
		j.Begin(trace.Access, "rule").Deny(trace.ReasonOf(code))
	}
}

func ids(list []trace.Snapshot) []trace.ID {
	var all []trace.ID
	for _, s := range list {
		all = append(all, s.ID)
	}
	return all
}

func TestRecorder_FindsByTheBeginningOfAnID(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 64})
	one, two := trace.ID{0xab, 0xcd, 0xef, 1}, trace.ID{0xab, 0xcd, 0xef, 2}
	for _, id := range []trace.ID{one, two} {
		ended(r, trace.Request, func(j *trace.Journey) { j.ID = id })
	}
	for text, want := range map[string]trace.ID{
		"abcdef01": one, "ABCDEF02": two, one.String(): one,
		"abcdef": {}, "abcdef0": {}, "abcde": {}, "abcdef03": {}, "": {}, "zzzzzz": {}, one.String() + "00": {},
	} {
		s, ok := r.Find(text)
		if ok != (want != trace.ID{}) || ok && s.ID != want {
			t.Errorf("Find(%q) = %s, %v", text, s.ID, ok)
		}
	}
}

func TestRecorder_FollowsLinks(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 64})
	connection := ended(r, trace.Connection, nil)
	var want []trace.ID
	for range 3 {
		want = append(want, ended(r, trace.Request, func(j *trace.Journey) { j.Link(trace.Link{Role: trace.Over, ID: connection}) }))
	}
	ended(r, trace.Request, nil)
	if got := ids(r.Following(connection)); !slices.Equal(got, want) {
		t.Errorf("following: %v, want %v", got, want)
	}
}

func TestRecorder_AfterGivesEachJourneyOnce(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 256})
	ended(r, trace.Request, nil)
	list, at, missed := r.After(trace.Cursor{}, trace.Filter{}, 10)
	if len(list) != 0 || missed != 0 {
		t.Fatalf("the zero cursor gives %d, missed %d", len(list), missed)
	}
	var want, got []trace.ID
	for range 25 {
		want = append(want, ended(r, trace.Request, nil))
		ended(r, trace.Query, nil)
	}
	for {
		list, next, missed := r.After(trace.ParseCursor(at.String()), trace.Filter{Kinds: []trace.Kind{trace.Request}}, 4)
		if missed != 0 {
			t.Fatalf("missed %d", missed)
		}
		if at = next; len(list) == 0 {
			break
		}
		got = append(got, ids(list)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d journeys, want the %d in their order", len(got), len(want))
	}
}

func TestRecorder_AfterCountsWhatWasPushedOut(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 16})
	_, at, _ := r.After(trace.Cursor{}, trace.Filter{}, 1)
	const many = 500
	for range many {
		ended(r, trace.Request, nil)
	}
	seen, lost := 0, 0
	for {
		list, next, missed := r.After(at, trace.Filter{}, 3)
		lost += missed
		if at = next; len(list) == 0 {
			break
		}
		seen += len(list)
	}
	if seen == 0 || seen+lost != many {
		t.Errorf("seen %d, missed %d, want %d together", seen, lost, many)
	}
}

func TestCursor_OfAnotherRecorderBeginsAnew(t *testing.T) {
	t.Parallel()
	other := trace.New(trace.Options{Now: time.Now, Recent: 16})
	_, at, _ := other.After(trace.Cursor{}, trace.Filter{}, 1)
	r := trace.New(trace.Options{Now: time.Now, Recent: 16})
	ended(r, trace.Request, nil)
	if list, _, missed := r.After(at, trace.Filter{}, 5); len(list) != 0 || missed != 0 {
		t.Errorf("%d journeys, missed %d", len(list), missed)
	}
	for _, bad := range []string{"", "x", "AAAA", "AAAAAAA", at.String() + "AA"} {
		if trace.ParseCursor(bad) != (trace.Cursor{}) {
			t.Errorf("ParseCursor(%q) is a cursor", bad)
		}
	}
}

func TestRecorder_PinnedStays(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 16, Kept: 40})
	ended(r, trace.Request, nil) // the first of its kind, which stays anyway
	id := ended(r, trace.Request, nil)
	if !r.Pin(id, true) || r.Pin(trace.ID{1}, true) {
		t.Fatal("pinned what is not there, or not what is")
	}
	for range 500 {
		ended(r, trace.Request, nil)
	}
	s, ok := r.Find(id.String())
	if !ok || s.Kept&trace.Pinned == 0 {
		t.Fatalf("found %v, kept %v", ok, s.Kept.Words())
	}
	if got := ids(r.Select(trace.Filter{Kept: trace.Pinned}, 5)); !slices.Equal(got, []trace.ID{id}) {
		t.Errorf("selected %v", got)
	}
	if !r.Pin(id, false) {
		t.Error("not unpinned")
	}
	if _, ok := r.Find(id.String()); ok {
		t.Error("still there")
	}
	if n := r.Stats().Pinned; n != 0 {
		t.Errorf("%d are pinned", n)
	}
}

func TestRecorder_PinsAreBounded(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 4096})
	pinned := 0
	for range 300 {
		if r.Pin(ended(r, trace.Request, nil), true) {
			pinned++
		}
	}
	if pinned != 100 || r.Stats().Pinned != 100 {
		t.Errorf("%d pinned, want 100", pinned)
	}
}

func TestParseParent(t *testing.T) {
	t.Parallel()
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for header, want := range map[string]bool{
		"00-" + id + "-" + span + "-01":                             true,
		"00-" + id + "-" + span + "-00":                             true,
		"00-" + id + "-" + span + "-ff":                             true,
		"cc-" + id + "-" + span + "-01-what-the-future-will-be":     true,
		"cc-" + id + "-" + span + "-01":                             true,
		"cc-" + id + "-" + span + "-01.what-the-future-will-not-be": false,
		"00-" + id + "-" + span + "-01-more":                        false,
		"ff-" + id + "-" + span + "-01":                             false,
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01":       false,
		"00-00000000000000000000000000000000-" + span + "-01":       false,
		"00-" + id + "-0000000000000000-01":                         false,
		"00-" + id + "-" + span:                                     false,
		"00-" + id + "-" + span + "-0":                              false,
		"00_" + id + "-" + span + "-01":                             false,
		"":                                                          false,
		"00-" + id + "-" + span + "-0x":                             false,
		"0g-" + id + "-" + span + "-01":                             false,
		"00-" + id + "x" + span + "-01":                             false,
		"00-" + id + "-" + span + "x01":                             false,
		"00-" + "zz" + id[2:] + "-" + span + "-01":                  false,
		"00-" + id + "-" + span[:15] + "z-01":                       false,
		" 00-" + id + "-" + span + "-01":                            false,
		"00-" + id + "-" + span + "-01\n":                           false,
		"00-" + id + "-" + span + "-01" + "-":                       false,
		"01-" + id + "-" + span + "-01" + "-":                       true,
	} {
		gotID, gotSpan, sampled, ok := trace.ParseParent(header)
		if ok != want {
			t.Errorf("ParseParent(%q): %v, want %v", header, ok, want)
			continue
		}
		if !ok {
			continue
		}
		if gotID.String() != id || gotSpan != 0x00f067aa0ba902b7 {
			t.Errorf("ParseParent(%q) = %s, %x", header, gotID, gotSpan)
		}
		again := string(trace.AppendParent(nil, gotID, gotSpan, sampled))
		if a, b, c, ok := trace.ParseParent(again); !ok || a != gotID || b != gotSpan || c != sampled {
			t.Errorf("%q does not read as %q", again, header)
		}
	}
}

func FuzzParseParent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x")
	f.Fuzz(func(t *testing.T, header string) {
		id, span, sampled, ok := trace.ParseParent(header)
		if !ok {
			return
		}
		if header[:2] == "00" && header[53:] < "02" {
			if got := string(trace.AppendParent(nil, id, span, sampled)); got != header {
				t.Errorf("%q becomes %q", header, got)
			}
		}
	})
}

func TestRecorder_KeepsWhatIsWorthIt(t *testing.T) {
	t.Parallel()
	all := trace.Keep{Errors: true, Refusals: true, Waits: 10 * time.Millisecond, Over: time.Second}
	clock := newClock(0)
	r := trace.New(trace.Options{Now: clock.Now, Recent: 64, Kept: 400, Keep: all})
	for _, kind := range []trace.Reason{trace.None, trace.ReasonOf("access.rule_denied"), trace.ReasonOf("store.failed")} {
		ended(r, trace.Request, func(j *trace.Journey) { j.SetReason(kind) }) // so that none of the below is the first of its kind
	}
	for _, c := range []struct {
		name string
		do   func(j *trace.Journey)
		want []string
	}{
		{"nothing special", nil, nil},
		{"refused", refused("access.rule_denied"), []string{"deny"}},
		{"failed", func(j *trace.Journey) { j.Status = 500; j.SetReason(trace.ReasonOf("store.failed")) }, []string{"error"}},
		{"made by us", func(j *trace.Journey) { j.Kept |= trace.Probed }, []string{"probe"}},
		{"traced", func(j *trace.Journey) { j.Kept |= trace.Traced }, []string{"traced"}},
		{"waited", func(j *trace.Journey) { j.Add(trace.Hop{Layer: trace.Pool, Verdict: trace.Wait, Took: 20e6}) }, []string{"wait"}},
		{"waited a moment", func(j *trace.Journey) { j.Add(trace.Hop{Layer: trace.Pool, Verdict: trace.Wait, Took: 5e6}) }, nil},
		{"shadow", func(j *trace.Journey) { j.Add(trace.Hop{Verdict: trace.Shadowed}) }, []string{"wait"}},
		{"over a second", func(j *trace.Journey) { j.Start = j.Start.Add(-2 * time.Second) }, []string{"slow"}},
	} {
		id := ended(r, trace.Request, c.do)
		s, _ := r.Find(id.String())
		if got := s.Kept.Words(); !slices.Equal(got, c.want) {
			t.Errorf("%s: kept for %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRecorder_KeepsTheFirstOfItsKind(t *testing.T) {
	t.Parallel()
	clock := newClock(0)
	r := trace.New(trace.Options{Now: clock.Now, Recent: 64, Kept: 400})
	first := func(route, reason string) bool {
		id := ended(r, trace.Request, func(j *trace.Journey) { j.SetRoute(route); j.SetReason(trace.ReasonOf(reason)) })
		s, _ := r.Find(id.String())
		return s.Kept&trace.First != 0
	}
	for i, want := range []bool{
		first("a", "auth.missing"), !first("a", "auth.missing"),
		first("b", "auth.missing"), first("a", "access.rule_denied"), !first("a", "access.rule_denied"),
	} {
		if !want {
			t.Errorf("try %d is wrong", i)
		}
	}
	clock.mu.Lock()
	clock.now = clock.now.Add(10 * time.Minute)
	clock.mu.Unlock()
	if !first("a", "auth.missing") || first("a", "auth.missing") {
		t.Error("after ten minutes one more is the first")
	}
}

func TestRecorder_AFloodOfOneNetworkLeavesTheOthers(t *testing.T) {
	t.Parallel()
	clock := newClock(0)
	r := trace.New(trace.Options{Now: clock.Now, Recent: 64, Kept: 400, Keep: trace.Keep{Errors: true, Refusals: true}})
	ended(r, trace.Request, refused("access.rule_denied"))
	from := func(client string) func(j *trace.Journey) {
		return func(j *trace.Journey) {
			j.Client = netip.MustParseAddr(client)
			refused("access.rule_denied")(j)
		}
	}
	honest := ended(r, trace.Request, from("198.51.100.7"))
	kept := 0
	for i := range 2000 {
		id := ended(r, trace.Request, from("203.0.113."+[]string{"1", "99"}[i%2]))
		if s, _ := r.Find(id.String()); s.Kept&trace.Denied != 0 {
			kept++
		}
	}
	if kept != 8 || r.Stats().Bounded != 2000-8 {
		t.Errorf("%d of the flood are kept, %d are counted", kept, r.Stats().Bounded)
	}
	if _, ok := r.Find(honest.String()); !ok {
		t.Error("the flood pushed out what another network did")
	}
	if s, _ := r.Find(ended(r, trace.Request, from("198.51.100.8")).String()); s.Kept&trace.Denied == 0 {
		t.Error("another network has its share used up")
	}
}

func TestRecorder_AFloodOfRefusalsLeavesTheErrors(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 16, Kept: 40, Keep: trace.Keep{Errors: true, Refusals: true}})
	fail := func(j *trace.Journey) { j.Status = 502; j.SetReason(trace.ReasonOf("store.failed")) }
	first := ended(r, trace.Request, fail)
	id := ended(r, trace.Request, fail)
	for range 1000 {
		ended(r, trace.Request, refused("access.rule_denied"))
	}
	for _, id := range []trace.ID{first, id} {
		if _, ok := r.Find(id.String()); !ok {
			t.Error("an error was pushed out")
		}
	}
}

func TestRecorder_LearnsWhatIsSlow(t *testing.T) {
	t.Parallel()
	clock := newClock(0)
	r := trace.New(trace.Options{Now: clock.Now, Recent: 64, Kept: 400, Keep: trace.Keep{Slow: 0.99}})
	tend := trace.Tender(r)
	took := func(d time.Duration) bool {
		id := ended(r, trace.Request, func(j *trace.Journey) { j.SetRoute("photos.list"); j.Start = j.Start.Add(-d) })
		s, _ := r.Find(id.String())
		return s.Kept&trace.Slow != 0
	}
	tend()
	if took(time.Hour) {
		t.Error("slow before anything is known of the route")
	}
	for range 1000 {
		took(2 * time.Millisecond)
	}
	tend()
	if took(2*time.Millisecond) || !took(3*time.Millisecond) {
		t.Error("2 ms is normal here, 3 ms is slow")
	}
	for range 3 { // the route has become slower: what is normal follows
		for range 20_000 {
			took(50 * time.Millisecond)
		}
		tend()
	}
	if took(50*time.Millisecond) || !took(100*time.Millisecond) {
		t.Error("50 ms is normal now, 100 ms is slow")
	}
}

func TestRecorder_ForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	clock := newClock(0)
	r := trace.New(trace.Options{Now: clock.Now, Recent: 64, Kept: 400, Keep: trace.Keep{Refusals: true, For: 15 * time.Minute}})
	old := []trace.ID{ended(r, trace.Request, nil), ended(r, trace.Request, nil), ended(r, trace.Request, refused("access.rule_denied"))}
	pinned := ended(r, trace.Request, nil)
	r.Pin(pinned, true)
	clock.mu.Lock()
	clock.now = clock.now.Add(16 * time.Minute)
	clock.mu.Unlock()
	young := ended(r, trace.Request, nil)
	trace.Tender(r)()
	for _, id := range old {
		if _, ok := r.Find(id.String()); ok {
			t.Error("an old one is still there")
		}
	}
	for _, id := range []trace.ID{pinned, young} {
		if _, ok := r.Find(id.String()); !ok {
			t.Error("one that should stay is gone")
		}
	}
	if s := r.Stats(); s.Held != 2 || s.Recorded != 5 {
		t.Errorf("stats: %+v", s)
	}
}

func TestRecorder_CountsByRoute(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(0).Now, Recent: 64})
	for range 3 {
		ended(r, trace.Request, func(j *trace.Journey) { j.SetRoute("/"); j.Status = 200; j.Start = j.Start.Add(-time.Millisecond) })
	}
	ended(r, trace.Request, func(j *trace.Journey) { j.SetRoute("/"); refused("access.rule_denied")(j) })
	ended(r, trace.Query, nil)
	all := r.Routes()
	if len(all) != 1 {
		t.Fatalf("routes: %+v", all)
	}
	got := all[0]
	if got.Route != "/" || got.Count != 4 || got.Classes != [6]uint64{2: 3, 4: 1} || got.Sum != 3*time.Millisecond {
		t.Errorf("%+v", got)
	}
	if want := []trace.Refusal{{Class: 4, Reason: trace.ReasonOf("access.rule_denied"), Count: 1}}; !slices.Equal(got.Refusals, want) {
		t.Errorf("refusals: %+v", got.Refusals)
	}
	if i := slices.Index(trace.Edges(), time.Millisecond); got.Buckets[i] != 3 || got.Buckets[0] != 1 {
		t.Errorf("buckets: %v", got.Buckets)
	}
}

func TestRecorder_BoundsTheRoutes(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 16})
	for i := range 1000 {
		ended(r, trace.Request, func(j *trace.Journey) { j.SetRoute(strconv.Itoa(i)) })
	}
	all := r.Routes()
	if len(all) != 257 {
		t.Fatalf("%d routes", len(all))
	}
	if i := slices.IndexFunc(all, func(s trace.RouteStats) bool { return s.Route == "other" }); i < 0 || all[i].Count != 1000-256 {
		t.Errorf("those beyond the bound are not counted together")
	}
}

func TestBuckets_EachDurationIsAtMostItsEdge(t *testing.T) {
	t.Parallel()
	edges := trace.Edges()
	if !slices.IsSorted(edges) {
		t.Fatal("edges are not sorted")
	}
	for i, e := range edges {
		if trace.BucketOf(e) != i || trace.BucketOf(e+1) != i+1 {
			t.Errorf("edge %v: bucket %d, and %d above it; want %d and %d", e, trace.BucketOf(e), trace.BucketOf(e+1), i, i+1)
		}
	}
	if trace.BucketOf(-1) != 0 || trace.BucketOf(0) != 0 {
		t.Error("nothing and less belong into the first bucket")
	}
}

// TestRecorder_ManyLookWhileManyEnd is for the race detector: everything at once.
func TestRecorder_ManyLookWhileManyEnd(t *testing.T) {
	t.Parallel()
	o := keeping()
	o.Recent, o.Kept, o.Keep.For = 64, 80, time.Nanosecond
	r := trace.New(o)
	tend := trace.Tender(r)
	var all, lookers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for i := range 500 {
				walk(r, []trace.Reason{trace.None, trace.ReasonOf("access.rule_denied")}[i%2])
			}
		})
	}
	lookers.Go(func() {
		var at trace.Cursor
		for {
			select {
			case <-done:
				return
			default:
			}
			_, at, _ = r.After(at, trace.Filter{}, 50)
			for _, s := range r.Select(trace.Filter{Kept: trace.Denied}, 3) {
				r.Pin(s.ID, true)
				r.Following(s.ID)
				r.Find(s.ID.String()[:8])
				r.Pin(s.ID, false)
			}
			tend()
			r.Routes()
			r.Stats()
			r.SetKeep(o.Keep)
		}
	})
	all.Wait()
	close(done)
	lookers.Wait()
	if s := r.Stats(); s.Recorded != 2000 || s.Pinned != 0 {
		t.Errorf("recorded %d, pinned %d", s.Recorded, s.Pinned)
	}
}

// What newer failures push out of what is kept is recent all the same, and a viewer gets each of them once.
func TestRecorder_ManyFailuresAreRecentAllTheSame(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 1024, Kept: 80, Keep: trace.Keep{Errors: true, Refusals: true}})
	var want []trace.ID
	_, cursor, _ := r.After(trace.Cursor{}, trace.Filter{}, 1)
	seen := map[trace.ID]int{}
	for i := range 240 {
		id := ended(r, trace.Request, func(j *trace.Journey) {
			if i%3 == 0 {
				refused("access.rule_denied")(j)
			} else {
				j.Status = 503
				j.Begin(trace.Pool, "store").End(trace.Timeout, trace.ReasonOf("store.pool_exhausted"))
			}
		})
		want = append(want, id)
		if i%60 == 59 {
			list, next, missed := r.After(cursor, trace.Filter{}, 1000)
			for _, s := range list {
				seen[s.ID]++
			}
			if cursor = next; missed != 0 {
				t.Errorf("%d missed", missed)
			}
		}
	}
	got := ids(r.Select(trace.Filter{}, 1000))
	slices.Reverse(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d of %d are there, or not in their order", len(got), len(want))
	}
	for _, id := range want {
		if seen[id] != 1 {
			t.Fatalf("a viewer got %s %d times", id, seen[id])
		}
	}
}
