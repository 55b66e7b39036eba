package identity_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/identity"
)

func TestIdentity_NoTokenIsAStranger(t *testing.T) {
	t.Parallel()
	if p := newBench(t).who(t, ""); !p.Stranger() {
		t.Fatalf("%+v is not a stranger", p)
	}
}

func TestIdentity_BadTokensAreRefusedWithoutALookUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.signUp(t, "ana").Token
	flipped := []byte(token)
	flipped[20]++
	for _, bad := range []string{"x", "rt_s_", token[1:], token + "0", strings.ToUpper(token), string(flipped), "rt_s_" + strings.Repeat("z", 49), strings.Repeat("\x00", len(token))} {
		_, err := b.Who(t.Context(), bad)
		wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
	}
	if n := b.store.looked(); n != 0 {
		t.Fatalf("the store was asked %d times", n)
	}
}

func TestIdentity_WhoIsCachedAndKnowsTheAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	for range 10 {
		p := b.who(t, g.Token)
		if p.ID != g.Account.ID() || p.Session != g.Session.ID || p.Account.Get("handle").Text() != "ana" {
			t.Fatalf("who is %+v", p)
		}
	}
	if n := b.store.looked(); n != 1 {
		t.Fatalf("the store was asked %d times, want once", n)
	}
}

func TestIdentity_AnotherProcessIsNoticedWithinASecond(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	b.who(t, g.Token)
	if err := b.store.EndSession(t.Context(), g.Account.ID(), g.Session.ID); err != nil { // behind the back of the cache
		t.Fatal(err)
	}
	b.clock.add(time.Second)
	_, err := b.Who(t.Context(), g.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
}

func TestIdentity_EndedSessionStopsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.signUp(t, "ana")
	second, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{Name: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	who := b.who(t, first.Token)
	b.who(t, second.Token)
	if err := b.EndSession(t.Context(), who, second.Session.ID); err != nil {
		t.Fatal(err)
	}
	_, err = b.Who(t.Context(), second.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	b.who(t, first.Token)
	wantReason(t, b.EndSession(t.Context(), who, second.Session.ID), roundtrip.Missing, "store.missing")
}

func TestIdentity_EndingTheSessionsOfOthersIsMissing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana, bo := b.signUp(t, "ana"), b.signUp(t, "bo")
	wantReason(t, b.EndSession(t.Context(), b.who(t, ana.Token), bo.Session.ID), roundtrip.Missing, "store.missing")
	b.who(t, bo.Token)
}

func TestIdentity_EndOtherSessionsKeepsThisOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here := b.signUp(t, "ana")
	var others []string
	for range 3 {
		g, err := b.SignIn(t.Context(), identity.Login{Field: "handle", Value: "ana"}, good, identity.Device{})
		if err != nil {
			t.Fatal(err)
		}
		b.who(t, g.Token)
		others = append(others, g.Token)
	}
	who := b.who(t, here.Token)
	if err := b.EndOtherSessions(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	for _, token := range others {
		_, err := b.Who(t.Context(), token)
		wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	}
	if all, err := b.Sessions(t.Context(), who); err != nil || len(all) != 1 || all[0].ID != who.Session {
		t.Fatalf("sessions are %v, %v", all, err)
	}
	if err := b.SignOut(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	_, err := b.Who(t.Context(), here.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	if err := b.SignOut(t.Context(), who); err != nil {
		t.Fatalf("signing out twice: %v", err)
	}
}

func TestIdentity_ForgetBringsNewRoles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	if p := b.who(t, g.Token); len(p.Roles) != 0 {
		t.Fatalf("roles are %v", p.Roles)
	}
	if err := b.SetRoles(t.Context(), "ana", []string{"moderator", "editor", "moderator"}); err != nil {
		t.Fatal(err)
	}
	if p := b.who(t, g.Token); fmt.Sprint(p.Roles) != "[editor moderator]" {
		t.Fatalf("roles are %v", p.Roles)
	}
	e := failure(t, b.SetRoles(t.Context(), "ana", []string{"moderater"}), roundtrip.Invalid, "request.invalid")
	if !strings.Contains(e.Public, `did you mean "moderator"?`) {
		t.Fatalf("sentence is %q", e.Public)
	}
	wantReason(t, b.SetRoles(t.Context(), "nobody", nil), roundtrip.Missing, "store.missing")
	if err := b.SetRoles(t.Context(), g.Account.ID().String(), nil); err != nil {
		t.Fatalf("by id: %v", err)
	}
}

// A load that has read the account, and is overtaken by a change of it, must not put the old one into memory.
func TestIdentity_LoadThatRacedWithAForgetIsNotCached(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana, bo := b.signUp(t, "ana"), b.signUp(t, "bo")
	b.store.loading = func(id roundtrip.ID) {
		if id == ana.Account.ID() {
			b.Forget(id)
		} else {
			b.Forget(ana.Account.ID()) // another account's change keeps nobody out of memory
		}
	}
	b.who(t, ana.Token)
	if n := b.Cached(); n != 0 {
		t.Fatalf("%d sessions are cached", n)
	}
	b.who(t, bo.Token)
	if n := b.Cached(); n != 1 {
		t.Fatalf("%d sessions are cached, want bo's", n)
	}
	b.store.loading = func(roundtrip.ID) {
		for n := range 1000 { // more than are remembered
			b.Forget(roundtrip.ID(n + 1))
		}
	}
	b.who(t, ana.Token)
	if n := b.Cached(); n != 1 {
		t.Fatalf("%d sessions are cached after a flood of changes", n)
	}
}

func TestIdentity_WhoAndForgetFromManySides(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var grants []*identity.Grant
	for n := range 4 {
		grants = append(grants, b.signUp(t, fmt.Sprintf("user%d", n)))
	}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for k := range 500 {
				g := grants[(n+k)%len(grants)]
				if p, err := b.Who(t.Context(), g.Token); err != nil || p.ID != g.Account.ID() {
					t.Errorf("who is %v, %v", p, err)
					return
				}
				if k%10 == 0 {
					b.Forget(g.Account.ID())
				}
			}
		})
	}
	wg.Wait()
	for _, g := range grants {
		if err := b.SignOut(t.Context(), b.who(t, g.Token)); err != nil {
			t.Fatal(err)
		}
		_, err := b.Who(t.Context(), g.Token)
		wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	}
}

func TestIdentity_CacheIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	lookup := map[[32]byte]roundtrip.Session{}
	many := &manySessions{memory: b.store, byHash: lookup}
	c := newBench(t, func(o *identity.Options) { o.Accounts = many })
	ids := roundtrip.NewIDs(2, b.clock.Now)
	for range identity.CacheMax + 2000 {
		token, hash, err := identity.NewToken(newRand())
		if err != nil {
			t.Fatal(err)
		}
		now := c.clock.Now()
		lookup[hash] = roundtrip.Session{ID: ids.Next(), Account: g.Account.ID(), Hash: hash, LastUsed: now, Expires: now.Add(time.Hour), Ends: now.Add(time.Hour)}
		c.who(t, token)
	}
	if n := c.Cached(); n > identity.CacheMax || n < identity.CacheMax/2 {
		t.Fatalf("%d sessions are in memory", n)
	}
	c.Forget(g.Account.ID())
	if n := c.Cached(); n != 0 {
		t.Fatalf("%d sessions are in memory after a forget", n)
	}
}

func TestIdentity_SessionSlidesAndEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	<-b.Ready()
	g := b.signUp(t, "ana")
	for day := 0; day < 179; day += 20 { // used every 20 days: never idle for 30
		b.who(t, g.Token)
		b.who(t, g.Token)
		if day > 0 {
			<-b.store.touched
		}
		b.clock.add(20 * 24 * time.Hour)
	}
	_, err := b.Who(t.Context(), g.Token) // day 180
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")

	idle := b.signUp(t, "bo")
	b.who(t, idle.Token)
	b.clock.add(30 * 24 * time.Hour)
	_, err = b.Who(t.Context(), idle.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	if len(b.store.touched) != 0 {
		t.Fatal("a session was touched more than once a minute")
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestIdentity_RunWritesWhatIsLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	b.who(t, g.Token)
	b.clock.add(2 * time.Minute)
	b.who(t, g.Token)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if id := <-b.store.touched; id != g.Session.ID {
		t.Fatalf("session %s was touched", id)
	}
}

func TestIdentity_HitAllocatesNothing(t *testing.T) {
	b := newBench(t)
	token := b.signUp(t, "ana").Token
	ctx := t.Context()
	b.who(t, token)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := b.Who(ctx, token); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations a hit", n)
	}
}

func BenchmarkIdentity_Hit(b *testing.B) {
	k := newBench(b, func(o *identity.Options) { o.Now = time.Now })
	g, err := k.SignUp(b.Context(), k.record("ana", ""), good, identity.Device{Addr: netip.MustParseAddr("192.0.2.1")})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Who(ctx, g.Token); err != nil {
			b.Fatal(err)
		}
	}
}
