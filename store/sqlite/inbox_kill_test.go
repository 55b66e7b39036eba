package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

// TestInbox_SurvivesKill starts this test binary as one that likes and takes back at full speed, kills it in the middle, and
// looks whether each like that is there is told of, once, and nothing else is.
func TestInbox_SurvivesKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	for range 3 {
		acknowledged := likeUntilKilled(t, path, 300)
		c := newClock()
		s := open(t, path, c)
		schema := storetest.Gallery()
		storetest.Notify(schema)
		apply(t, s, schema)
		if drift, err := s.CheckInboxes(t.Context()); err != nil || drift != 0 {
			t.Fatalf("drift %d, %v", drift, err)
		}
		for what, sql := range map[string]string{
			"likes that nobody was told of":             "SELECT count(*) FROM likes AS l WHERE NOT EXISTS (SELECT 1 FROM _note_sources WHERE kind = 'liked' AND source = l.id)",
			"likes that are told of, and are not there": "SELECT count(*) FROM _note_sources WHERE kind = 'liked' AND source NOT IN (SELECT id FROM likes)",
			"numbers that were given twice":             "SELECT count(*) - count(DISTINCT account * 1000000 + seq) FROM _notes",
		} {
			if n, err := s.Read(t.Context(), sql); err != nil || n != 0 {
				t.Fatalf("%s: %d, %v", what, n, err)
			}
		}
		for id := range acknowledged {
			if n, err := s.Read(t.Context(), fmt.Sprintf("SELECT count(*) FROM likes WHERE id = %d", id)); err != nil || n != 1 {
				t.Fatalf("acknowledged and lost: %d, %v", n, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// likeUntilKilled runs the child until it has acknowledged so many writes, and returns the likes that must be there.
func likeUntilKilled(t *testing.T, path string, writes int) map[roundtrip.ID]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInbox_LikerToBeKilled$")
	cmd.Env = append(os.Environ(), "ROUNDTRIP_LIKE="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	there := map[roundtrip.ID]bool{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == writes {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		var what string
		var id roundtrip.ID
		if _, err := fmt.Sscan(lines.Text(), &what, &id); err != nil {
			break // the last line may be cut
		}
		switch what {
		case "liked":
			there[id] = true
		case "takes": // said before it is taken back
			delete(there, id)
		default:
			t.Fatalf("the liker said %q", lines.Text())
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if len(there) == 0 {
		t.Fatal("the liker did nothing")
	}
	return there
}

// TestInbox_LikerToBeKilled is the child of TestInbox_SurvivesKill; by itself it does nothing.
func TestInbox_LikerToBeKilled(t *testing.T) {
	path := os.Getenv("ROUNDTRIP_LIKE")
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
	storetest.Notify(schema)
	apply(t, s, schema)
	rules, err := policy.New(schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	account := func() roundtrip.ID {
		r, err := s.CreateAccount(t.Context(), record(schema, "users", map[string]roundtrip.Value{"handle": roundtrip.Text(ids.Next().String())}), roundtrip.Credential{}, nil)
		if err != nil {
			t.Error(err)
			return 0
		}
		return r.ID()
	}
	write := func(who roundtrip.ID, call roundtrip.Call) (roundtrip.ID, error) {
		p, err := rules.Decide(&call, &roundtrip.Principal{ID: who})
		if err != nil {
			return 0, err
		}
		result, err := s.Write(t.Context(), p)
		if err != nil || result.Records[0] == nil {
			return 0, err
		}
		return result.Records[0].ID(), nil
	}
	var mu sync.Mutex
	say := func(what string, id roundtrip.ID) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(os.Stdout, what, int64(id))
	}
	ana := account()
	photo, err := write(ana, createCall(schema, "photos", map[string]roundtrip.Value{"author": roundtrip.Ref(ana)}))
	if err != nil {
		t.Fatal(err)
	}
	var likers sync.WaitGroup
	for i := range 32 {
		who := account()
		likers.Go(func() {
			for n := i; ; n++ {
				like, err := write(who, createCall(schema, "likes", map[string]roundtrip.Value{"user": roundtrip.Ref(who), "photo": roundtrip.Ref(photo)}))
				if err != nil {
					t.Error(err)
					return
				}
				say("liked", like)
				if n%8 == 0 { // this one stays, and somebody else goes on
					who = account()
					continue
				}
				say("takes", like)
				if _, err := write(who, roundtrip.Call{Action: roundtrip.Delete, Collection: schema.Lookup("likes"), ID: like}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	likers.Wait()
}
