package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

// A cursor is good as long as the database goes on from where it was, and no longer: whoever holds one of a database that
// was put back from a copy would miss changes and never be told.
func TestSQLite_EpochIsAnotherOneAfterARestore(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "x.db")
	epoch := func() string {
		t.Helper()
		s := open(t, at, newClock())
		defer func() { must(t, s.Close()) }()
		e, err := s.Epoch(t.Context())
		must(t, err)
		return e
	}
	account := func(handle string) {
		t.Helper()
		s := open(t, at, newClock())
		defer func() { must(t, s.Close()) }()
		schema := storetest.Gallery()
		plan, err := s.Plan(t.Context(), schema)
		must(t, err)
		must(t, s.Apply(t.Context(), schema, plan))
		r := roundtrip.NewRecord(schema.Accounts())
		r.PutName("handle", roundtrip.Text(handle))
		_, err = s.CreateAccount(t.Context(), r, roundtrip.Credential{}, nil)
		must(t, err)
	}
	account("ana")
	first := epoch()
	account("bo")
	if got := epoch(); got != first {
		t.Fatalf("opened again it is %s, was %s", got, first)
	}
	copied, err := os.ReadFile(at)
	must(t, err)
	account("cy")
	if got := epoch(); got != first {
		t.Fatalf("after a write it is %s, was %s", got, first)
	}
	must(t, os.WriteFile(at, copied, 0o600))
	second := epoch()
	if second == first || epoch() != second {
		t.Fatalf("put back it is %s, was %s", second, first)
	}
	account("di") // as far as it had been before
	must(t, os.Remove(at+".lock"))
	if third := epoch(); third == second {
		t.Fatalf("taken elsewhere without its lock it is still %s", third)
	}
}

func TestSQLite_EpochSurvivesANonsenseLockFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "123\n", "x\ny", "1\n- 9 9\n", "1\nabc 99999999999999999999999 1\n", string(make([]byte, 500))} {
		at := filepath.Join(t.TempDir(), "x.db")
		must(t, os.WriteFile(at+".lock", []byte(text), 0o600))
		s := open(t, at, newClock())
		if e, err := s.Epoch(t.Context()); err != nil || len(e) != 8 {
			t.Fatalf("%q: %q %v", text, e, err)
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
