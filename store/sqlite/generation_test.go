package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

// people is a schema of nothing but accounts, with a handle and then the given fields.
func people(fields ...roundtrip.Field) *roundtrip.Schema {
	users := roundtrip.NewCollection("users", roundtrip.Pos{File: "people.yaml", Line: 1, Column: 1})
	users.Accounts = true
	for _, f := range append([]roundtrip.Field{{Name: "handle", Type: roundtrip.TypeText, Required: true, Unique: true}}, fields...) {
		users.Add(&f)
	}
	for _, action := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
		users.Rules[action] = roundtrip.Rule{Source: "true", Pos: users.Pos}
	}
	return roundtrip.NewSchema("people", users)
}

// twoGenerations opens a store in which a newer schema is in force than the one that wrote an account.
func twoGenerations(t *testing.T) (s *sqlite.Store, before, now *roundtrip.Schema, ana *roundtrip.Record) {
	t.Helper()
	s = open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	before = people(roundtrip.Field{Name: "bio", Type: roundtrip.TypeText}, roundtrip.Field{Name: "name", Type: roundtrip.TypeText})
	apply(t, s, before)
	record := roundtrip.NewRecord(before.Accounts())
	record.PutName("handle", roundtrip.Text("ana"))
	record.PutName("name", roundtrip.Text("Ana"))
	ana, err := s.CreateAccount(t.Context(), record, roundtrip.Credential{Password: "p", Roles: []string{"editor"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now = people(roundtrip.Field{Name: "age", Type: roundtrip.TypeInt}, roundtrip.Field{Name: "name", Type: roundtrip.TypeText},
		roundtrip.Field{Name: "bio", Type: roundtrip.TypeText}, roundtrip.Field{Name: "city", Type: roundtrip.TypeText})
	apply(t, s, now)
	return s, before, now, ana
}

// Around a reload two schemas are in use at once: each gets accounts as records of its own collection.
func TestSQLite_AccountsAreRecordsOfTheAskersSchema(t *testing.T) {
	t.Parallel()
	s, before, now, ana := twoGenerations(t)
	for name, schema := range map[string]*roundtrip.Schema{"before": before, "now": now} {
		users := schema.Accounts()
		check := func(r *roundtrip.Record, c roundtrip.Credential) {
			t.Helper()
			if r.Collection != users || len(r.Values) != len(users.Fields) || r.ID() != ana.ID() || r.ETag() != 1 ||
				r.Get("handle").Text() != "ana" || r.Get("name").Text() != "Ana" || !r.Get("bio").IsNull() || !r.Get("age").IsNull() {
				t.Errorf("%s: the account is %v", name, r.Values)
			}
			if c.Account != ana.ID() || c.Password != "p" || len(c.Roles) != 1 {
				t.Errorf("%s: the credential is %+v", name, c)
			}
		}
		r, c, err := s.LoadAccount(t.Context(), users, ana.ID())
		if err != nil {
			t.Fatal(err)
		}
		check(r, c)
		all, credentials, err := s.ListAccounts(t.Context(), users, 0, 10)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		check(all[0], credentials[0])
		found, err := s.FindCredential(t.Context(), users, "handle", "ana")
		if err != nil || found.Account != ana.ID() {
			t.Fatal(found, err)
		}
	}
	bo := roundtrip.NewRecord(before.Accounts())
	bo.PutName("handle", roundtrip.Text("bo"))
	made, err := s.CreateAccount(t.Context(), bo, roundtrip.Credential{Password: "p"}, nil)
	if err != nil || made.Collection != before.Accounts() {
		t.Fatalf("a sign-up of the old schema: %v %v", made, err)
	}
}

// A collection that the store has nothing of has no accounts: nothing of it is guessed by its name.
func TestSQLite_AccountsOfAnUnknownSchemaAreMissing(t *testing.T) {
	t.Parallel()
	s, _, _, ana := twoGenerations(t)
	foreign := people().Accounts() // has no numbers: it was never applied
	_, _, err := s.LoadAccount(t.Context(), foreign, ana.ID())
	if roundtrip.AsError(err).Reason != "store.missing" {
		t.Fatalf("got %v", err)
	}
	_, err = s.FindCredential(t.Context(), foreign, "handle", "ana")
	if roundtrip.AsError(err).Reason != "store.missing" {
		t.Fatalf("got %v", err)
	}
}

// An answer that is given again is one of the schema that asks, whichever wrote it.
func TestSQLite_ReplayIsOfTheAskersSchema(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	older, newer := storetest.Gallery(), storetest.Gallery()
	apply(t, s, older)
	create := func(schema *roundtrip.Schema) (*roundtrip.Record, bool) {
		t.Helper()
		rules, err := policy.New(schema, make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		call := &roundtrip.Call{Action: roundtrip.Create, Collection: schema.Accounts(), Input: roundtrip.NewRecord(schema.Accounts()), Time: c.Now(), Key: "k"}
		call.Input.PutName("handle", roundtrip.Text("ana"))
		p, err := rules.Decide(call, &roundtrip.Principal{ID: 7})
		if err != nil {
			t.Fatal(err)
		}
		result, err := s.Write(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return result.Records[0], result.Replayed
	}
	first, _ := create(older)
	apply(t, s, newer)
	for _, schema := range []*roundtrip.Schema{older, newer} {
		again, replayed := create(schema)
		if !replayed || again.Collection != schema.Accounts() || again.ID() != first.ID() || again.Get("handle").Text() != "ana" {
			t.Fatalf("the answer again is %v of %p (replayed %v), want one of %p", again.Values, again.Collection, replayed, schema.Accounts())
		}
	}
}
