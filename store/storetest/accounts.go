package storetest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

func accountTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"CreateFindLoad": func(t *testing.T, w *world) {
			session := w.session(1)
			r, err := w.CreateAccount(t.Context(), w.record(t, "users", fields{"handle": roundtrip.Text("ana")}), roundtrip.Credential{Password: "p", Roles: []string{"moderator"}}, &session)
			if err != nil {
				t.Fatal(err)
			}
			c, err := w.FindCredential(t.Context(), "handle", "ana")
			if err != nil || c.Account != r.ID() || c.Password != "p" || !slices.Equal(c.Roles, []string{"moderator"}) {
				t.Fatalf("%+v %v", c, err)
			}
			loaded, c, err := w.LoadAccount(t.Context(), r.ID())
			if err != nil || c.Password != "p" || !slices.Equal(loaded.Values, r.Values) {
				t.Fatalf("%v %v %v", loaded, c, err)
			}
			found, err := w.FindSession(t.Context(), session.Hash)
			if err != nil || found != session {
				t.Fatalf("found %+v, want %+v (%v)", found, session, err)
			}
			_, err = w.CreateAccount(t.Context(), w.record(t, "users", fields{"handle": roundtrip.Text("ana")}), roundtrip.Credential{}, nil)
			wants(t, err, roundtrip.Conflict, "store.unique")
			_, err = w.FindCredential(t.Context(), "handle", "nobody")
			wants(t, err, roundtrip.Missing, "store.missing")
		},
		"List": func(t *testing.T, w *world) {
			for _, name := range []string{"a", "b", "c"} {
				w.user(t, name)
			}
			first, credentials, err := w.ListAccounts(t.Context(), 0, 2)
			if err != nil || len(first) != 2 || len(credentials) != 2 || credentials[0].Password != "x" {
				t.Fatal(first, credentials, err)
			}
			rest, _, err := w.ListAccounts(t.Context(), first[1].ID(), 10)
			if err != nil || len(rest) != 1 {
				t.Fatal(rest, err)
			}
		},
		"SetCredentialEndsOtherSessions": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			keep, other := w.session(1), w.session(2)
			for _, s := range []*roundtrip.Session{&keep, &other} {
				s.Account = ana.ID
				if err := w.AddSession(t.Context(), *s); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.SetCredential(t.Context(), roundtrip.Credential{Account: ana.ID, Password: "new"}, keep.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := w.FindSession(t.Context(), keep.Hash); err != nil {
				t.Fatal(err)
			}
			_, err := w.FindSession(t.Context(), other.Hash)
			wants(t, err, roundtrip.Missing, "store.missing")
		},
		"SessionLife": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			a, b := w.session(1), w.session(2)
			a.Account, b.Account = ana.ID, ana.ID
			b.Created = b.Created.Add(time.Second)
			for _, s := range []roundtrip.Session{a, b} {
				if err := w.AddSession(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			list, err := w.ListSessions(t.Context(), ana.ID)
			if err != nil || len(list) != 2 || list[0].ID != b.ID {
				t.Fatal(list, err)
			}
			used := w.Now().Add(30 * time.Minute)
			if err := w.TouchSession(t.Context(), a.ID, used, used.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			w.Advance(80 * time.Minute) // b ended by then
			_, err = w.FindSession(t.Context(), b.Hash)
			wants(t, err, roundtrip.Missing, "store.missing")
			if got, err := w.FindSession(t.Context(), a.Hash); err != nil || !got.LastUsed.Equal(used) {
				t.Fatal(got, err)
			}
			wants(t, w.EndSession(t.Context(), ana.ID+1, a.ID), roundtrip.Missing, "store.missing") // not that account's
			if err := w.EndSession(t.Context(), ana.ID, a.ID); err != nil {
				t.Fatal(err)
			}
			_, err = w.FindSession(t.Context(), a.Hash)
			wants(t, err, roundtrip.Missing, "store.missing")
		},
		"GoWithTheirRecord": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			s := w.session(1)
			s.Account = ana.ID
			if err := w.AddSession(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			w.mustDelete(t, "users", ana.ID, ana)
			_, err := w.FindSession(t.Context(), s.Hash)
			wants(t, err, roundtrip.Missing, "store.missing")
			wants(t, w.AddSession(t.Context(), w.sessionOf(ana.ID, 3)), roundtrip.Missing, "store.missing")
			_, _, err = w.LoadAccount(t.Context(), ana.ID)
			wants(t, err, roundtrip.Missing, "store.missing")
		},
	}
}

func (w *world) session(n byte) roundtrip.Session {
	now := w.Now().UTC().Truncate(time.Microsecond)
	return roundtrip.Session{
		ID: w.IDs.Next(), Hash: [32]byte{n}, Created: now, LastUsed: now, Expires: now.Add(time.Hour), Ends: now.Add(24 * time.Hour),
		Name: "Firefox", Addr: netip.MustParseAddr("2001:db8::1"),
	}
}

func (w *world) sessionOf(account roundtrip.ID, n byte) roundtrip.Session {
	s := w.session(n)
	s.Account = account
	return s
}
