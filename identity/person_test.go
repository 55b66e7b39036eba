package identity_test

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/identity"
)

func TestPerson_FailuresAreSeenAndForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.signUp(t, "ana")
	if f := b.FailuresOf(ana.Account); f != (identity.Failures{}) {
		t.Fatalf("nobody has failed yet: %+v", f)
	}
	for range 5 {
		_, err := b.SignIn(t.Context(), identity.Login{Value: "ANA"}, "wrong password", identity.Device{})
		wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
	}
	f := b.FailuresOf(ana.Account)
	if f.Count != 5 || !f.Last.Equal(b.clock.Now()) || f.Until.Sub(b.clock.Now()) != time.Minute {
		t.Fatalf("after five failures: %+v", f)
	}
	_, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Limited, "auth.rate_limited")
	b.ForgetFailures(ana.Account)
	if f := b.FailuresOf(ana.Account); f != (identity.Failures{}) {
		t.Errorf("forgotten: %+v", f)
	}
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{}); err != nil {
		t.Errorf("after they were forgotten: %v", err)
	}
}

// TestPerson_IsNamedByID: who chose another's id as their name is not taken for them.
func TestPerson_IsNamedByID(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.signUp(t, "ana")
	b.signUp(t, ana.Account.ID().String())
	password, err := b.NewPassword()
	if err != nil || len(password) != 24 {
		t.Fatalf("%q, %v", password, err)
	}
	if err := b.SetUserPassword(t.Context(), ana.Account.ID(), password); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Who(t.Context(), ana.Token); err == nil {
		t.Error("a session outlived the new password")
	}
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, password, identity.Device{}); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if _, err := b.SignIn(t.Context(), identity.Login{Value: ana.Account.ID().String()}, good, identity.Device{}); err != nil {
		t.Errorf("the other one's password: %v", err)
	}
	if err := b.SetUserRoles(t.Context(), ana.Account.ID(), []string{"editor"}); err != nil {
		t.Fatal(err)
	}
	u, err := b.User(t.Context(), ana.Account.ID())
	if err != nil || len(u.Roles) != 1 || u.Locked {
		t.Errorf("%+v, %v", u, err)
	}
	wantReason(t, b.SetUserRoles(t.Context(), ana.Account.ID(), []string{"owner"}), roundtrip.Invalid, "request.invalid")
	wantReason(t, b.SetUserPassword(t.Context(), ana.Account.ID(), "short"), roundtrip.Invalid, "auth.weak_password")
	wantReason(t, b.SetUserPassword(t.Context(), 12345, password), roundtrip.Missing, "store.missing")
}

func TestPerson_SessionsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana, bo := b.signUp(t, "ana"), b.signUp(t, "bo")
	id := ana.Account.ID()
	second, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{Name: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := b.UserSessions(t.Context(), id); err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	wantReason(t, b.EndUserSession(t.Context(), id, bo.Session.ID), roundtrip.Missing, "store.missing")
	wantReason(t, b.EndUserSession(t.Context(), id, 0), roundtrip.Missing, "store.missing")
	if err := b.EndUserSession(t.Context(), id, second.Session.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Who(t.Context(), second.Token); err == nil {
		t.Error("the session did not end")
	}
	if _, err := b.Who(t.Context(), ana.Token); err != nil {
		t.Errorf("the other one ended too: %v", err)
	}
	for range 2 { // the second time there is none
		if err := b.EndUserSessions(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Who(t.Context(), ana.Token); err == nil {
		t.Error("not all ended")
	}
	if _, err := b.Who(t.Context(), bo.Token); err != nil {
		t.Errorf("somebody else's ended: %v", err)
	}
}
