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
			c, err := w.FindCredential(w.Context(), w.users(), "handle", "ana")
			if err != nil || c.Account != r.ID() || c.Password != "p" || !slices.Equal(c.Roles, []string{"moderator"}) {
				w.Fatalf("%+v %v", c, err)
			}
			loaded, c, err := w.LoadAccount(w.Context(), w.users(), r.ID())
			if err != nil || c.Password != "p" || !slices.Equal(loaded.Values, r.Values) {
				w.Fatalf("%v %v %v", loaded, c, err)
			}
			found, err := w.FindSession(w.Context(), session.Hash)
			if err != nil || found != session {
				w.Fatalf("found %+v, want %+v (%v)", found, session, err)
			}
			_, err = w.CreateAccount(w.Context(), w.record("users", fields{"handle": roundtrip.Text("ana")}), roundtrip.Credential{}, nil)
			wants(w, err, roundtrip.Conflict, "store.unique")
			_, err = w.FindCredential(w.Context(), w.users(), "handle", "nobody")
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"List": func(w *world) {
			for _, name := range []string{"a", "b", "c"} {
				w.user(name)
			}
			first, credentials, err := w.ListAccounts(w.Context(), w.users(), 0, 2)
			if err != nil || len(first) != 2 || len(credentials) != 2 || credentials[0].Password != "x" {
				w.Fatal(first, credentials, err)
			}
			rest, _, err := w.ListAccounts(w.Context(), w.users(), first[1].ID(), 10)
			if err != nil || len(rest) != 1 {
				w.Fatal(rest, err)
			}
		},
		"SetPasswordEndsOtherSessions": func(w *world) {
			ana := w.user("ana", "moderator")
			keep, other := w.session(1), w.session(2)
			for _, s := range []*roundtrip.Session{&keep, &other} {
				s.Account = ana.ID
				if err := w.AddSession(w.Context(), *s, "x"); err != nil {
					w.Fatal(err)
				}
			}
			if err := w.SetPassword(w.Context(), ana.ID, "x", "new", keep.ID); err != nil {
				w.Fatal(err)
			}
			if _, err := w.FindSession(w.Context(), keep.Hash); err != nil {
				w.Fatal(err)
			}
			_, err := w.FindSession(w.Context(), other.Hash)
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"SetPasswordOfWhoProvedIt": func(w *world) {
			ana := w.user("ana", "moderator")
			s := w.sessionOf(ana.ID, 1)
			if err := w.AddSession(w.Context(), s, "x"); err != nil {
				w.Fatal(err)
			}
			wants(w, w.SetPassword(w.Context(), ana.ID, "other", "new", 0), roundtrip.Stale, "store.stale")
			if _, err := w.FindSession(w.Context(), s.Hash); err != nil {
				w.Fatalf("a refused change ended a session: %v", err)
			}
			for _, proved := range []string{"x", ""} { // "" is whatever is there
				if err := w.SetPassword(w.Context(), ana.ID, proved, "new"+proved, 0); err != nil {
					w.Fatal(err)
				}
				if c := w.credential(ana.ID); c.Password != "new"+proved || !slices.Equal(c.Roles, []string{"moderator"}) {
					w.Fatalf("credential is %+v", c)
				}
			}
			wants(w, w.SetPassword(w.Context(), 7, "x", "new", 0), roundtrip.Missing, "store.missing")
			wants(w, w.SetPassword(w.Context(), 7, "", "new", 0), roundtrip.Missing, "store.missing")
		},
		"SetRolesLeavesThePassword": func(w *world) {
			ana := w.user("ana", "moderator")
			s := w.sessionOf(ana.ID, 1)
			if err := w.AddSession(w.Context(), s, "x"); err != nil {
				w.Fatal(err)
			}
			if err := w.SetRoles(w.Context(), ana.ID, []string{"editor"}); err != nil {
				w.Fatal(err)
			}
			if c := w.credential(ana.ID); c.Password != "x" || !slices.Equal(c.Roles, []string{"editor"}) {
				w.Fatalf("credential is %+v", c)
			}
			if _, err := w.FindSession(w.Context(), s.Hash); err != nil {
				w.Fatalf("new roles ended a session: %v", err)
			}
			wants(w, w.SetRoles(w.Context(), 7, nil), roundtrip.Missing, "store.missing")
		},
		"RecordWithoutCredentialGetsOne": func(w *world) {
			made := w.must(w.creating("users", fields{"handle": roundtrip.Text("bo")}), w.user("ana"))
			if err := w.SetRoles(w.Context(), made.ID(), []string{"editor"}); err != nil {
				w.Fatal(err)
			}
			for _, proved := range []string{"x", ""} {
				wants(w, w.AddSession(w.Context(), w.sessionOf(made.ID(), 1), proved), roundtrip.Stale, "store.stale")
			}
			if err := w.SetPassword(w.Context(), made.ID(), "", "y", 0); err != nil {
				w.Fatal(err)
			}
			if c := w.credential(made.ID()); c.Password != "y" || !slices.Equal(c.Roles, []string{"editor"}) {
				w.Fatalf("credential is %+v", c)
			}
		},
		"SessionOfAnOldPasswordIsRefused": func(w *world) {
			ana := w.user("ana")
			if err := w.SetPassword(w.Context(), ana.ID, "x", "new", 0); err != nil {
				w.Fatal(err)
			}
			s := w.sessionOf(ana.ID, 1)
			wants(w, w.AddSession(w.Context(), s, "x"), roundtrip.Stale, "store.stale")
			_, err := w.FindSession(w.Context(), s.Hash)
			wants(w, err, roundtrip.Missing, "store.missing")
		},
		"TakenIDIsNoHindrance": func(w *world) {
			ana := w.user("ana")
			id := w.Own.Next()
			for range 20 { // far more than are tried for one record
				id++
				w.must(w.creating("photos", fields{"id": roundtrip.Ref(id), "author": roundtrip.Ref(ana.ID)}), ana)
			}
			for range 5 {
				w.photo(ana, nil)
				w.user("user" + w.Own.Next().String())
			}
		},
		"SessionLife": func(w *world) {
			ana := w.user("ana")
			a, b := w.session(1), w.session(2)
			a.Account, b.Account = ana.ID, ana.ID
			b.Created = b.Created.Add(time.Second)
			for _, s := range []roundtrip.Session{a, b} {
				if err := w.AddSession(w.Context(), s, "x"); err != nil {
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
			if err := w.AddSession(w.Context(), s, "x"); err != nil {
				w.Fatal(err)
			}
			w.mustDelete("users", ana.ID, ana)
			_, err := w.FindSession(w.Context(), s.Hash)
			wants(w, err, roundtrip.Missing, "store.missing")
			wants(w, w.AddSession(w.Context(), w.sessionOf(ana.ID, 3), "x"), roundtrip.Missing, "store.missing")
			_, _, err = w.LoadAccount(w.Context(), w.users(), ana.ID)
			wants(w, err, roundtrip.Missing, "store.missing")
		},
	}
}

func (w *world) users() *roundtrip.Collection { return w.schema.Accounts() }

func (w *world) credential(account roundtrip.ID) roundtrip.Credential {
	w.Helper()
	_, c, err := w.LoadAccount(w.Context(), w.users(), account)
	if err != nil {
		w.Fatal(err)
	}
	return c
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
