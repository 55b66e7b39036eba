package identity_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/identity"
)

const other = "another four words"

// meanwhile returns a function that lets another goroutine do something to its end before it comes back.
func meanwhile(t *testing.T, do func() error) func() {
	t.Helper()
	return func() {
		done := make(chan error)
		go func() { done <- do() }()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// The old password was right when it was checked, and is changed before the session is written: the change ended all
// sessions, and this one must not outlive it.
func TestSignIn_OldPasswordBeginsNoSessionAfterTheChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	who := b.who(t, g.Token)
	b.store.proved = meanwhile(t, func() error { return b.ChangePassword(context.Background(), who, good, other) })
	_, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
	if all, err := b.Sessions(t.Context(), who); err != nil || len(all) != 1 || all[0].ID != g.Session.ID {
		t.Fatalf("sessions are %+v, %v", all, err)
	}
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, other, identity.Device{}); err != nil {
		t.Fatal(err)
	}
}

func TestSignIn_GoneAccountBeginsNoSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.signUp(t, "ana").Account.ID()
	b.store.proved = func() { b.store.remove(ana) }
	_, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
}

// Two sign-ins find a hash of an old cost and both hash the same password anew: both are in.
func TestSignIn_HashedAnewBySomebodyElseIsStillRight(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	b.HashDearer()
	again := func() error {
		_, err := b.SignIn(context.Background(), identity.Login{Value: "ana"}, good, identity.Device{})
		return err
	}
	b.store.hashed = meanwhile(t, again)
	if err := again(); err != nil {
		t.Fatal(err)
	}
	if all, err := b.Sessions(t.Context(), b.who(t, g.Token)); err != nil || len(all) != 3 {
		t.Fatalf("sessions are %+v, %v", all, err)
	}
}

func TestSignIn_HashedAnewDoesNotUndoAChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.who(t, b.signUp(t, "ana").Token)
	b.HashDearer()
	b.store.hashed = meanwhile(t, func() error { return b.SetPassword(context.Background(), "ana", other) })
	_, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
	_, err = b.SignIn(t.Context(), identity.Login{Value: "ana"}, other, identity.Device{})
	if err != nil {
		t.Fatalf("the new password of %s: %v", who.ID, err)
	}
}

func TestChangePassword_LeavesNewRoles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.who(t, b.signUp(t, "ana").Token)
	b.store.hashed = meanwhile(t, func() error { return b.SetRoles(context.Background(), "ana", []string{"editor"}) })
	if err := b.ChangePassword(t.Context(), who, good, other); err != nil {
		t.Fatal(err)
	}
	if _, roles, err := b.Account(t.Context(), who); err != nil || !slices.Equal(roles, []string{"editor"}) {
		t.Fatalf("roles are %v, %v", roles, err)
	}
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, other, identity.Device{}); err != nil {
		t.Fatal(err)
	}
}

func TestChangePassword_OfTwoAtOnceOneIsTheChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.who(t, b.signUp(t, "ana").Token)
	b.store.hashed = meanwhile(t, func() error { return b.ChangePassword(context.Background(), who, good, other) })
	wantReason(t, b.ChangePassword(t.Context(), who, good, "a third set of words"), roundtrip.Invalid, "auth.invalid")
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, other, identity.Device{}); err != nil {
		t.Fatal(err)
	}
}

func TestChangePassword_HashedAnewMeanwhileIsTheSamePassword(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.who(t, b.signUp(t, "ana").Token)
	b.store.hashed = meanwhile(t, func() error {
		b.HashDearer()
		_, err := b.SignIn(context.Background(), identity.Login{Value: "ana"}, good, identity.Device{})
		return err
	})
	if err := b.ChangePassword(t.Context(), who, good, other); err != nil {
		t.Fatal(err)
	}
}

// What is in memory ends on time by itself: here the store is not asked again.
func TestIdentity_SessionInMemoryEndsToTheMoment(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*identity.Options){
		"idle":     func(o *identity.Options) { o.Config.Idle = 500 * time.Millisecond },
		"absolute": func(o *identity.Options) { o.Config.Absolute = 500 * time.Millisecond },
	} {
		b := newBench(t, change)
		g := b.signUp(t, "ana")
		b.who(t, g.Token)
		b.clock.add(500*time.Millisecond - time.Nanosecond)
		b.who(t, g.Token)
		b.clock.add(time.Nanosecond)
		_, err := b.Who(t.Context(), g.Token)
		wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
		if n := b.store.looked(); n != 1 {
			t.Fatalf("%s: the store was asked %d times, want once", name, n)
		}
	}
}

// A change is seen by the next call, without the second look at the store a second later.
func TestIdentity_ForgetBringsNewFields(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	if p := b.who(t, g.Token); !p.Account.Get("name").IsNull() {
		t.Fatalf("account is %v", p.Account.Values)
	}
	b.store.rename(g.Account.ID(), "Ana")
	if p := b.who(t, g.Token); !p.Account.Get("name").IsNull() {
		t.Fatal("this test proves nothing: the account was not in memory")
	}
	b.Forget(g.Account.ID())
	if p := b.who(t, g.Token); p.Account.Get("name").Text() != "Ana" {
		t.Fatalf("account is %v", p.Account.Values)
	}
}
