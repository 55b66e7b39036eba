package sqlite_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestSQLite_RefusesASecondProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	c := newClock()
	open(t, path, c)
	second, err := sqlite.New(sqlite.Options{Path: path, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now)})
	if err != nil {
		t.Fatal(err)
	}
	err = second.Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Fatalf("got %v, want an error that names this process", err)
	}
}

func TestSQLite_RefusesAForeignFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClock()
	s, err := sqlite.New(sqlite.Options{Path: path, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err == nil {
		t.Fatal("a text file was opened as a database")
	}
}

func TestSQLite_KeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	c := newClock()
	first, err := sqlite.New(sqlite.Options{Path: path, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	<-first.Ready()
	schema := storetest.Gallery()
	apply(t, first, schema)
	user := roundtrip.NewRecord(schema.Lookup("users"))
	user.PutName("handle", roundtrip.Text("ana"))
	user, err = first.CreateAccount(t.Context(), user, roundtrip.Credential{Password: "p"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.LoadAccount(t.Context(), schema.Accounts(), user.ID()); roundtrip.AsError(err).Reason != "store.closed" {
		t.Fatalf("after the end: %v", err)
	}
	if _, err := first.Secret(t.Context(), "x"); roundtrip.AsError(err).Reason != "store.closed" {
		t.Fatalf("after the end: %v", err)
	}

	again := open(t, path, c)
	schema = storetest.Gallery()
	p, err := again.Plan(t.Context(), schema)
	if err != nil || !p.Empty() {
		t.Fatalf("the same declaration has a plan: %v %v", p, err)
	}
	apply(t, again, schema)
	if _, got, err := again.LoadAccount(t.Context(), schema.Accounts(), user.ID()); err != nil || got.Password != "p" {
		t.Fatal(got, err)
	}
	changes, err := again.Changes(t.Context(), 0, 10)
	if err != nil || len(changes) != 1 || changes[0].Collection != schema.Lookup("users") {
		t.Fatal(changes, err)
	}
}

func TestSQLite_StatementHasADeadline(t *testing.T) {
	t.Parallel()
	c := newClock()
	s, err := sqlite.New(sqlite.Options{Path: filepath.Join(t.TempDir(), "x.db"), Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now), PoolWait: time.Minute, StatementDeadline: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	schema := storetest.Gallery()
	apply(t, s, schema)
	rules, err := policy.New(schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4000 {
		r := roundtrip.NewRecord(schema.Lookup("users"))
		r.PutName("handle", roundtrip.Text("u"+strconv.Itoa(i)))
		r.PutName("name", roundtrip.Text("same"))
		if _, err := s.CreateAccount(t.Context(), r, roundtrip.Credential{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	p, err := rules.Job(&roundtrip.Call{Action: roundtrip.List, Collection: schema.Lookup("users"), Query: roundtrip.Query{
		Filter: `users.exists(a, a.name > record.name)`, Count: true,
	}}, "to be slow")
	if err != nil {
		t.Fatal(err)
	}
	recorder := trace.New(trace.Options{Now: time.Now, Recent: 8})
	j := recorder.Begin(trace.Request)
	err = s.View(trace.With(t.Context(), j), func(v store.View) error { _, err := v.List(p, nil); return err })
	if e := roundtrip.AsError(err); e.Kind != roundtrip.Deadline || e.Reason != "store.deadline" {
		t.Fatalf("got %v, want a deadline", err)
	}
	recorder.End(j)
	seen := recorder.Select(trace.Filter{}, 1)[0]
	for seen.Awaits { // the plan is looked for beside the request
		runtime.Gosched()
		seen = recorder.Select(trace.Filter{}, 1)[0]
	}
	hops := seen.Hops
	if len(hops) != 2 || hops[0].Layer != trace.Pool || hops[0].Verdict != trace.OK || hops[1].Layer != trace.SQL || hops[1].Verdict != trace.Timeout {
		t.Fatalf("the journey has the hops %+v", hops)
	}
	if !strings.Contains(hops[1].Note, "SCAN r") {
		t.Fatalf("the plan of a slow statement is in the journey: %q", hops[1].Note)
	}
}

func TestSQLite_PoolNeverLosesAReader(t *testing.T) {
	t.Parallel()
	c := newClock()
	s, err := sqlite.New(sqlite.Options{Path: filepath.Join(t.TempDir(), "x.db"), PoolMax: 2, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now), PoolWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	for i := range 32 {
		callers.Go(func() {
			for n := range 300 {
				ctx := t.Context()
				if (i+n)%7 == 0 { // some leave while they wait
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Duration(n%50)*10*time.Microsecond)
					defer cancel()
				}
				_, err := s.Changes(ctx, 0, 1)
				if err != nil && roundtrip.AsError(err).Kind != roundtrip.Deadline {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	if got := s.Stats(); got.Busy != 0 || got.Waiting != 0 {
		t.Fatalf("left behind: %+v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSQLite_IdleReadersLetTheLogGo(t *testing.T) {
	t.Parallel()
	c := newClock()
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path, c)
	apply(t, s, storetest.Gallery())
	if _, err := s.Changes(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(time.Minute)
	for s.Stats().Held > 0 {
		select {
		case <-deadline:
			t.Fatal("an idle reader keeps its snapshot")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestSQLite_SurvivesKill starts this test binary as a writer, kills it in the middle, and looks whether everything that
// it had been promised is there.
func TestSQLite_SurvivesKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSQLite_WriterToBeKilled$")
		cmd.Env = append(os.Environ(), "ROUNDTRIP_KILL="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1<<16)
		var seen strings.Builder
		for strings.Count(seen.String(), "\n") < 200 {
			n, err := out.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				t.Fatalf("the writer ended by itself: %v\n%s", err, seen.String())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		c := newClock()
		s, err := sqlite.New(sqlite.Options{Path: path, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		schema := storetest.Gallery()
		apply(t, s, schema)
		whole := seen.String()
		for line := range strings.Lines(whole[:strings.LastIndexByte(whole, '\n')+1]) {
			id, ok := roundtrip.ParseID(strings.TrimSpace(line))
			if !ok {
				t.Fatalf("the writer said %q", line)
			}
			if _, _, err := s.LoadAccount(t.Context(), schema.Accounts(), id); err != nil {
				t.Fatalf("acknowledged and lost: %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSQLite_WriterToBeKilled is the child of TestSQLite_SurvivesKill; by itself it does nothing.
func TestSQLite_WriterToBeKilled(t *testing.T) {
	path := os.Getenv("ROUNDTRIP_KILL")
	if path == "" {
		return
	}
	ids := roundtrip.NewIDs(os.Getpid()%1024, time.Now)
	s, err := sqlite.New(sqlite.Options{Path: path, Now: time.Now, IDs: ids, PoolWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	schema := storetest.Gallery()
	apply(t, s, schema)
	var writers sync.WaitGroup
	var mu sync.Mutex
	for range 16 {
		writers.Go(func() {
			for t.Context().Err() == nil {
				r := roundtrip.NewRecord(schema.Lookup("users"))
				r.PutName("handle", roundtrip.Text(ids.Next().String()))
				r, err := s.CreateAccount(t.Context(), r, roundtrip.Credential{}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				_, err = os.Stdout.WriteString(r.ID().String() + "\n")
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	writers.Wait()
}
