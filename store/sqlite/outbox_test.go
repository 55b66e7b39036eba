package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

// claim takes what is due and returns the payloads in order.
func claim(t *testing.T, s *sqlite.Store, kind string) (payloads []string, jobs []store.Job) {
	t.Helper()
	jobs, err := s.ClaimJobs(t.Context(), kind, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		payloads = append(payloads, j.Payload)
	}
	return payloads, jobs
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOutbox_KeepsTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	ok(t, s.Leave(t.Context(), "k", false, 0, "a", "a1", "b", "b1", "a", "a2", "", "free1", "a", "a3", "", "free2"))
	ok(t, s.Leave(t.Context(), "other", false, 0, "a", "o1"))
	is := func(want ...string) []store.Job {
		t.Helper()
		got, jobs := claim(t, s, "k")
		if !slices.Equal(got, want) {
			t.Fatalf("claimed %q, want %q", got, want)
		}
		return jobs
	}
	first := is("a1", "b1", "free1", "free2")
	is() // they are claimed
	ok(t, s.FinishJob(t.Context(), first[1].ID))
	ok(t, s.FailJob(t.Context(), first[0].ID, "no", c.Now().Add(5*time.Second)))
	is()
	if due, waits, err := s.NextJob(t.Context(), "k"); err != nil || !waits || !due.Equal(c.Now().Truncate(time.Millisecond).Add(5*time.Second)) {
		t.Fatal(due, waits, err)
	}
	c.Advance(5 * time.Second)
	again := is("a1") // and a2 still waits for it
	if again[0].Tries != 2 || again[0].ID != first[0].ID || again[0].Key != "a" {
		t.Fatalf("%+v", again)
	}
	ok(t, s.FinishJob(t.Context(), again[0].ID))
	second := is("a2")
	ok(t, s.Leave(t.Context(), "k", false, 0, "a", "a4"))
	is()
	ok(t, s.BuryJob(t.Context(), second[0].ID, "gave up"))
	is("a3") // what was given up holds nobody
	c.Advance(time.Minute)
	is("free1", "a3", "free2") // whoever had them is gone: they come again
	if _, waits, err := s.NextJob(t.Context(), "none"); err != nil || waits {
		t.Fatal(waits, err)
	}
}

func TestOutbox_OnceWhileNobodyHasClaimedIt(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	for _, payload := range []string{"1", "2", "3"} {
		ok(t, s.Leave(t.Context(), "push", true, 10*time.Second, "n", payload))
	}
	if got, _ := claim(t, s, "push"); got != nil {
		t.Fatalf("%q came before its time", got)
	}
	c.Advance(10 * time.Second)
	got, jobs := claim(t, s, "push")
	if !slices.Equal(got, []string{"1"}) {
		t.Fatalf("claimed %q", got)
	}
	for _, payload := range []string{"4", "5"} { // what happens while the first is sent is another one, behind it
		ok(t, s.Leave(t.Context(), "push", true, 10*time.Second, "n", payload))
	}
	if got, _ := claim(t, s, "push"); got != nil {
		t.Fatalf("claimed %q", got)
	}
	ok(t, s.FinishJob(t.Context(), jobs[0].ID))
	if got, _ := claim(t, s, "push"); !slices.Equal(got, []string{"4"}) {
		t.Fatalf("claimed %q", got)
	}
}

func TestOutbox_DeadLettersComeBackInOrder(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	ok(t, s.Leave(t.Context(), "webhook.a", false, 0, "r", "1", "r", "2", "r", "3", "s", "4"))
	ok(t, s.Leave(t.Context(), "webhook_b", false, 0, "r", "not ours"))
	for _, want := range []string{"1", "2"} {
		got, jobs := claim(t, s, "webhook.a")
		if got[0] != want {
			t.Fatalf("claimed %q", got)
		}
		ok(t, s.BuryJob(t.Context(), jobs[0].ID, "no "+want))
		ok(t, s.BuryJob(t.Context(), jobs[0].ID, "twice"))
		c.Advance(time.Second)
	}
	claim(t, s, "webhook.a") // 3
	counts, err := s.CountJobs(t.Context(), store.JobWebhook)
	if err != nil || len(counts) != 1 || counts[0].Waiting != 2 || counts[0].Dead != 2 || counts[0].Error != "no 2" || counts[0].Oldest.IsZero() {
		t.Fatalf("%+v %v", counts, err)
	}
	dead, err := s.DeadJobs(t.Context(), store.JobWebhook, 10)
	if err != nil || len(dead) != 2 || dead[0].Payload != "2" || dead[1].Error != "no 1" || !dead[1].Died.Before(dead[0].Died) {
		t.Fatalf("%+v %v", dead, err)
	}
	if _, err := s.ReplayJobs(t.Context(), store.JobWebhook, []int64{dead[0].ID, 999}); roundtrip.AsError(err).Reason != "store.missing" {
		t.Fatal(err)
	}
	if n, err := s.ReplayJobs(t.Context(), store.JobWebhook, []int64{dead[0].ID}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.ReplayJobs(t.Context(), store.JobWebhook, nil); n != 1 || err != nil { // all the others
		t.Fatal(n, err)
	}
	for _, want := range []string{"1", "2", "3"} {
		got, jobs := claim(t, s, "webhook.a")
		if len(got) != 1 || got[0] != want || want != "3" && jobs[0].Tries != 1 {
			t.Fatalf("claimed %q, want %q", got, want)
		}
		ok(t, s.FinishJob(t.Context(), jobs[0].ID))
	}
}

func TestOutbox_DropsDeadLettersAfterThirtyDays(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	ok(t, s.Leave(t.Context(), "webhook.a", false, 0, "r", "1", "s", "waits"))
	_, jobs := claim(t, s, "webhook.a")
	ok(t, s.BuryJob(t.Context(), jobs[0].ID, "no"))
	c.Advance(31 * 24 * time.Hour)
	within(t, "the dead letter is gone, the other one is not", func() bool {
		n, err := s.Read(t.Context(), "SELECT count(*) FROM _outbox")
		ok(t, err)
		return n == 1
	})
}

func TestOutbox_IsServedByIndexes(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	for sql, want := range map[string]string{
		"SELECT id FROM _outbox WHERE kind = ?1 AND dead = 0 AND due <= ?2 ORDER BY due, id LIMIT 10": "USING COVERING INDEX _outbox_ready (kind=? AND due<?)",
		"SELECT 1 FROM _outbox WHERE kind = ?1 AND key = ?2 AND dead = 0":                             "_outbox_key (kind=? AND key=?)",
		"SELECT min(id) FROM _outbox WHERE kind = ?1 AND key = ?2 AND dead = 0":                       "_outbox_key (kind=? AND key=?)",
		"SELECT due FROM _outbox WHERE kind = ? AND dead = 0 ORDER BY due LIMIT 1":                    "_outbox_ready (kind=?)",
		"SELECT id FROM _outbox WHERE dead > 0 AND dead < 5 LIMIT 10":                                 "_outbox_dead",
		"SELECT id FROM _outbox WHERE kind = ?1 AND key = ?2 AND dead = 0 AND id > 7":                 "_outbox_key (kind=? AND key=? AND id>?)",
	} {
		params := strings.Count(sql, "?")
		if text, err := s.Explained(t.Context(), sql, slices.Repeat([]roundtrip.Value{roundtrip.Text("x")}, params)...); err != nil || !strings.Contains(text, want) || strings.Contains(text, "TEMP B-TREE") {
			t.Errorf("%s:\n%s%v, want %s", sql, text, err, want)
		}
	}
}

// A database made before jobs had an order opens, and its jobs are done.
func TestOutbox_OpensAnOlderDatabase(t *testing.T) {
	t.Parallel()
	c := newClock()
	path := filepath.Join(t.TempDir(), "x.db")
	older, err := sqlite.New(sqlite.Options{Path: path, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now)})
	ok(t, err)
	ok(t, older.Open(t.Context()))
	for _, sql := range []string{
		"DROP TABLE _outbox",
		"CREATE TABLE _outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload TEXT NOT NULL, due INTEGER NOT NULL, tries INTEGER NOT NULL) STRICT",
		"CREATE INDEX _outbox_due ON _outbox (kind, due)",
		"INSERT INTO _outbox (kind, payload, due, tries) VALUES ('files.remove', '[]', 7, 0)",
	} {
		ok(t, older.Exec(t.Context(), sql))
	}
	ok(t, older.Close())
	s := open(t, path, c)
	got, jobs := claim(t, s, store.JobFilesRemove)
	if !slices.Equal(got, []string{"[]"}) || jobs[0].Key != "" {
		t.Fatalf("%+v", jobs)
	}
	ok(t, s.Leave(t.Context(), "k", false, 0, "a", "1"))
	if got, _ := claim(t, s, "k"); !slices.Equal(got, []string{"1"}) {
		t.Fatalf("%q", got)
	}
}

// What a process had claimed that was killed is due as soon as another one opens the database; what failed waits on.
func TestOutbox_ClaimsEndWithTheProcess(t *testing.T) {
	t.Parallel()
	c := newClock()
	path := filepath.Join(t.TempDir(), "x.db")
	first, err := sqlite.New(sqlite.Options{Path: path, Now: c.Now, IDs: roundtrip.NewIDs(1, c.Now)})
	ok(t, err)
	ok(t, first.Open(t.Context()))
	ok(t, first.Leave(t.Context(), "k", false, 0, "a", "a1", "a", "a2", "b", "b1", "", "free"))
	_, jobs := claim(t, first, "k")
	ok(t, first.FailJob(t.Context(), jobs[1].ID, "no", c.Now().Add(time.Hour)))
	ok(t, first.Close())
	s := open(t, path, c)
	if got, _ := claim(t, s, "k"); !slices.Equal(got, []string{"a1", "free"}) {
		t.Fatalf("claimed %q", got)
	}
	if got, _ := claim(t, s, "k"); got != nil {
		t.Fatalf("claimed %q again", got)
	}
}

// A job that nobody does any more does not lie there for good.
func TestOutbox_EndsWhatNobodyDoes(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	for _, kind := range []string{"webhook.here", "webhook.gone", "push", "email", "files.remove"} {
		ok(t, s.Leave(t.Context(), kind, false, 0, "r", "1", "r", "2", "s", "3"))
	}
	c.Advance(72*time.Hour + time.Minute)
	ok(t, s.Leave(t.Context(), "webhook.gone", false, 0, "r", "4"))
	ok(t, s.Leave(t.Context(), "push", false, 0, "r", "5"))
	count := func() string {
		t.Helper()
		var all []string
		counts, err := s.CountJobs(t.Context(), "")
		ok(t, err)
		for _, k := range counts {
			all = append(all, fmt.Sprint(k.Kind, " ", k.Waiting, "+", k.Dead))
		}
		return strings.Join(all, ", ")
	}
	if got := count(); got != "email 3+0, files.remove 3+0, push 4+0, webhook.gone 4+0, webhook.here 3+0" {
		t.Fatalf("before the declaration is known: %s", got)
	}
	schema := notes(nil)
	schema.Collections[0].Hooks = map[roundtrip.Action][]string{roundtrip.Create: {"here"}}
	apply(t, s, schema)
	c.Advance(time.Minute)
	for range 2 { // a sweep follows the first write, and is over when the second one runs
		ok(t, s.Fill(t.Context(), "DELETE FROM _keys"))
	}
	if got := count(); got != "email 1+0, files.remove 3+0, push 2+0, webhook.gone 1+3, webhook.here 3+0" {
		t.Fatal(got)
	}
	for kind, want := range map[string]string{"webhook.gone": "4", "push": "2"} { // which waited for its turn
		if got, _ := claim(t, s, kind); !slices.Equal(got, []string{want}) {
			t.Fatalf("claimed %q of %s", got, kind)
		}
	}
}
