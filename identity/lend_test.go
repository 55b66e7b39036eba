package identity_test

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/identity"
)

func TestIdentity_LendsASessionThatEndsByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.signUp(t, "ana")
	lent, err := b.Lend(t.Context(), "ana", identity.Device{Name: "roundtrip why"})
	if err != nil {
		t.Fatal(err)
	}
	if who := b.who(t, lent.Token); who.ID != ana.Account.ID() {
		t.Errorf("it is of account %s", who.ID)
	}
	if all, err := b.Sessions(t.Context(), b.who(t, ana.Token)); err != nil || len(all) != 2 {
		t.Errorf("the account sees %v, %v", all, err)
	}
	b.clock.add(3 * time.Minute)
	_, err = b.Who(t.Context(), lent.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	b.who(t, ana.Token)
}

func TestIdentity_TakesBackWhatItLent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.signUp(t, "ana")
	lent, err := b.Lend(t.Context(), ana.Account.ID().String(), identity.Device{})
	if err != nil {
		t.Fatal(err)
	}
	b.who(t, lent.Token)
	for range 2 { // the second time there is nothing to take back, which is no mistake
		if err := b.TakeBack(t.Context(), lent.Session.Account, lent.Session.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err = b.Who(t.Context(), lent.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	_, err = b.Lend(t.Context(), "nobody", identity.Device{})
	wantReason(t, err, roundtrip.Missing, "store.missing")
}
