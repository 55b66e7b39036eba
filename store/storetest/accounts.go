package storetest

import (
	"net/netip"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

func accountTests() map[string]func(*world) {
	return map[string]func(*world){
		"CreateFindLoad": func(w *world) {
			session := w.session(1)
			r, err := w.CreateAccount(w.Context(), w.record("users", fields{"handle": roundtrip.Text("ana")}), roundtrip.Credential{Password: "p", Roles: []string{"moderator"}}, &session)
			if err != nil {
				w.Fatal(err)
			}
			c, err := w.FindCredential(w.Context(), "handle", "ana")
			if err != nil || c.Account != r.ID() || c.Password != "p" || !slices.Equal(c.Roles, []string{"moderator"}) {
				w.Fatalf("%+v %v", c, err)
			}
			loaded, c, err := w.LoadAccount(w.Context(), r.ID())
			if err != nil || c.Password != "p" || !slices.Equal(loaded.Values, r.Values) {
				w.Fatalf("%v %v %v", loaded, c, err)
			}
			found, err := w.FindSession(w.Context(), session.Hash)
			if err != nil || found != session {
				w.Fatalf("found %+v, want %+v (%v)", found, session, err)
			}
			_, err = w.CreateAccount(w.Context(), w.record("users", fields{"handle": roundtrip.Text("ana")}), roundtrip.Credential{}, nil)
			wants(w, err, roundtrip.Conflict, "store.unique")
			_, err = w.FindCredential(w.Context(), "handle", "nobody")
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"List": func(w *world) {
			for _, name := range []string{"a", "b", "c"} {
				w.user(name)
			}
			first, credentials, err := w.ListAccounts(w.Context(), 0, 2)
			if err != nil || len(first) != 2 || len(credentials) != 2 || credentials[0].Password != "x" {
				w.Fatal(first, credentials, err)
			}
			rest, _, err := w.ListAccounts(w.Context(), first[1].ID(), 10)
			if err != nil || len(rest) != 1 {
				w.Fatal(rest, err)
			}
		},
		"SetCredentialEndsOtherSessions": func(w *world) {
			ana := w.user("ana")
			keep, other := w.session(1), w.session(2)
			for _, s := range []*roundtrip.Session{&keep, &other} {
				s.Account = ana.ID
				if err := w.AddSession(w.Context(), *s); err != nil {
					w.Fatal(err)
				}
			}
			if err := w.SetCredential(w.Context(), roundtrip.Credential{Account: ana.ID, Password: "new"}, keep.ID); err != nil {
				w.Fatal(err)
			}
			if _, err := w.FindSession(w.Context(), keep.Hash); err != nil {
				w.Fatal(err)
			}
			_, err := w.FindSession(w.Context(), other.Hash)
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"SessionLife": func(w *world) {
			ana := w.user("ana")
			a, b := w.session(1), w.session(2)
			a.Account, b.Account = ana.ID, ana.ID
			b.Created = b.Created.Add(time.Second)
			for _, s := range []roundtrip.Session{a, b} {
				if err := w.AddSession(w.Context(), s); err != nil {
					w.Fatal(err)
				}
			}
			list, err := w.ListSessions(w.Context(), ana.ID)
			if err != nil || len(list) != 2 || list[0].ID != b.ID {
				w.Fatal(list, err)
			}
			used := w.Now().Add(30 * time.Minute)
			if err := w.TouchSession(w.Context(), a.ID, used, used.Add(time.Hour)); err != nil {
				w.Fatal(err)
			}
			w.Advance(80 * time.Minute) // b ended by then
			_, err = w.FindSession(w.Context(), b.Hash)
			wants(w, err, roundtrip.Missing, "store.missing")
			if got, err := w.FindSession(w.Context(), a.Hash); err != nil || !got.LastUsed.Equal(used) {
				w.Fatal(got, err)
			}
			wants(w, w.EndSession(w.Context(), ana.ID+1, a.ID), roundtrip.Missing, "store.missing") // not that account's
			if err := w.EndSession(w.Context(), ana.ID, a.ID); err != nil {
				w.Fatal(err)
			}
			_, err = w.FindSession(w.Context(), a.Hash)
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"GoWithTheirRecord": func(w *world) {
			ana := w.user("ana")
			s := w.session(1)
			s.Account = ana.ID
			if err := w.AddSession(w.Context(), s); err != nil {
				w.Fatal(err)
			}
			w.mustDelete("users", ana.ID, ana)
			_, err := w.FindSession(w.Context(), s.Hash)
			wants(w, err, roundtrip.Missing, "store.missing")
			wants(w, w.AddSession(w.Context(), w.sessionOf(ana.ID, 3)), roundtrip.Missing, "store.missing")
			_, _, err = w.LoadAccount(w.Context(), ana.ID)
			wants(w, err, roundtrip.Missing, "store.missing")
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
