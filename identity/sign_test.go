package identity_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/identity"
)

func newRand() io.Reader { return rand.Reader }

// manySessions finds sessions faster than memory does.
type manySessions struct {
	*memory
	byHash map[[32]byte]roundtrip.Session
}

func (m *manySessions) FindSession(_ context.Context, hash [32]byte) (roundtrip.Session, error) {
	return m.byHash[hash], nil
}

func TestSignUp_RefusesWeakPasswords(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for password, code := range map[string]string{
		"":                           "required",
		"short":                      "too_short",
		"123456789":                  "too_short",
		"ééééé":                      "too_short",
		"1234567890":                 "well_known",
		"Password123":                "well_known",
		"password1!!!":               "well_known",
		"iloveyou2024":               "well_known",
		"passwordpassword":           "well_known",
		"aaaaaaaaaaaaaaaa":           "well_known",
		"abababababab":               "well_known",
		"qwertyuiop":                 "well_known",
		"Anastasia.Jones":            "own_name",
		"anastasia.j@example.com":    "own_name",
		"anastasia.j":                "own_name",
		"bad utf8 \xff text":         "bad_text",
		strings.Repeat("long ", 300): "too_long",
	} {
		_, err := b.SignUp(t.Context(), b.record("anastasia.jones", "anastasia.j@example.com"), password, identity.Device{})
		e := failure(t, err, roundtrip.Invalid, "auth.weak_password")
		if len(e.Details) != 1 || e.Details[0].Code != code || e.Details[0].Pointer != "/password" {
			t.Errorf("%q: details are %+v, want %s", password, e.Details, code)
		}
	}
	for _, password := range []string{good, "пароль не угадать", "Tr0ub4dor&3xyz", "monkeyx-8423-tree"} {
		if err := b.CheckPassword(password, b.record("ana", "")); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestSignUp_Closed(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *identity.Options) { o.Config.SignUp = false })
	_, err := b.SignUp(t.Context(), b.record("ana", ""), good, identity.Device{})
	wantReason(t, err, roundtrip.Denied, "auth.sign_up_closed")
	account, err := b.CreateUser(t.Context(), b.record("ana", ""), good, []string{"editor"})
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	if err != nil || g.Account.ID() != account.ID() {
		t.Fatalf("sign-in of an operator's account: %+v, %v", g, err)
	}
	users, err := b.ListUsers(t.Context(), 0, 10)
	if err != nil || len(users) != 1 || users[0].Roles[0] != "editor" {
		t.Fatalf("users are %+v, %v", users, err)
	}
	_, err = b.CreateUser(t.Context(), b.record("bo", ""), good, []string{"king"})
	wantReason(t, err, roundtrip.Invalid, "request.invalid")
}

func TestSignUp_NameIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.signUp(t, "ana")
	_, err := b.SignUp(t.Context(), b.record("ana", ""), good, identity.Device{})
	wantReason(t, err, roundtrip.Conflict, "store.unique")
}

func TestSignUp_IsLimitedPerAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	device := identity.Device{Addr: netip.MustParseAddr("2001:db8::1")}
	taken := b.record("ana", "")
	b.signUp(t, "ana")
	var err error
	for n := range 61 {
		device.Addr = device.Addr.Next() // one customer has a whole /64
		_, err = b.SignUp(t.Context(), taken, good, device)
		if roundtrip.AsError(err).Kind == roundtrip.Limited {
			if n < 60 {
				t.Fatalf("limited after %d", n)
			}
			break
		}
	}
	if e := failure(t, err, roundtrip.Limited, "auth.rate_limited"); e.Retry <= 0 {
		t.Fatalf("retry is %v", e.Retry)
	}
}

func TestSignIn_ByAnyLoginFieldOrOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.signUp(t, "ana").Account.ID()
	for _, login := range []identity.Login{{Value: "ana"}, {Field: "handle", Value: "ana"}, {Value: "ANA@example.com"}, {Field: "email", Value: "ana@example.com"}} {
		g, err := b.SignIn(t.Context(), login, good, identity.Device{Name: "curl\x1b[31m/8", Addr: netip.MustParseAddr("192.0.2.7")})
		if err != nil || g.Account.ID() != ana || g.Session.Name != "curl[31m/8" {
			t.Fatalf("%+v: %+v, %v", login, g, err)
		}
		b.who(t, g.Token)
	}
	_, err := b.SignIn(t.Context(), identity.Login{Field: "email", Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
}

func TestSignIn_TellsNotWhetherTheAccountExists(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.signUp(t, "ana")
	b.store.mu.Lock()
	noPassword := b.record("bo", "")
	noPassword.Put(roundtrip.FieldID, roundtrip.Ref(7))
	b.store.records[7], b.store.credentials[7] = noPassword, roundtrip.Credential{Account: 7}
	b.store.mu.Unlock()
	said := map[string]bool{}
	for _, try := range []struct{ name, password string }{
		{"ana", "wrong"}, {"ana", ""}, {"nobody", good}, {"bo", ""}, {"bo", good}, {"", ""}, {"ana", strings.Repeat("x", 5000)}, {"' OR 1=1 --", good}, {"\x00", good},
	} {
		_, err := b.SignIn(t.Context(), identity.Login{Value: try.name}, try.password, identity.Device{})
		e := failure(t, err, roundtrip.Unauthenticated, "auth.invalid")
		said[fmt.Sprint(e.Public, e.Details, e.Retry)] = true
	}
	if len(said) != 1 {
		t.Fatalf("the answers differ: %v", said)
	}
}

func TestSignIn_IsLimitedPerName(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.signUp(t, "ana")
	for _, name := range []string{"ana", "nobody"} {
		addr := netip.MustParseAddr("192.0.2.0") // each try from another address
		try := func(password string) error {
			addr = addr.Next()
			_, err := b.SignIn(t.Context(), identity.Login{Value: name}, password, identity.Device{Addr: addr})
			return err
		}
		for range 5 {
			wantReason(t, try("wrong"), roundtrip.Unauthenticated, "auth.invalid")
		}
		if e := failure(t, try(good), roundtrip.Limited, "auth.rate_limited"); e.Retry != time.Minute {
			t.Fatalf("%s: retry is %v", name, e.Retry)
		}
		b.clock.add(time.Minute)
		wantReason(t, try("wrong"), roundtrip.Unauthenticated, "auth.invalid")
		if e := failure(t, try(good), roundtrip.Limited, "auth.rate_limited"); e.Retry != 2*time.Minute {
			t.Fatalf("%s: retry after the back-off is %v", name, e.Retry)
		}
		b.clock.add(2 * time.Minute)
	}
	for range 12 { // a success resets the name
		if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSignIn_IsLimitedPerAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.signUp(t, "ana")
	device := identity.Device{Addr: netip.MustParseAddr("::ffff:192.0.2.9")}
	for n := range 20 {
		_, err := b.SignIn(t.Context(), identity.Login{Value: fmt.Sprintf("name%d", n)}, good, device)
		wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
	}
	device.Addr = device.Addr.Unmap()
	_, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, device)
	wantReason(t, err, roundtrip.Limited, "auth.rate_limited")
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{Addr: device.Addr.Next()}); err != nil {
		t.Fatalf("from another address: %v", err)
	}
}

func TestSignIn_ManyAtOnceDontSlipThroughTheLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.signUp(t, "ana")
	var checked atomic.Int32
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			_, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, "wrong", identity.Device{})
			if roundtrip.AsError(err).Reason == "auth.invalid" {
				checked.Add(1)
			}
		})
	}
	wg.Wait()
	if n := checked.Load(); n > 5 {
		t.Fatalf("%d passwords were tried at once", n)
	}
}

func TestSignIn_BusyIsSaidAndCountsAsNoTry(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *identity.Options) { o.Hashers = 1 })
	b.signUp(t, "ana")
	release := b.HoldHashers(true)
	for range 8 {
		_, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
		if e := failure(t, err, roundtrip.Unavailable, "auth.busy"); e.Retry <= 0 {
			t.Fatalf("retry is %v", e.Retry)
		}
	}
	release()
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{}); err != nil {
		t.Fatal(err)
	}
}

func TestSignIn_WaitForAHasherEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *identity.Options) { o.Hashers = 1 })
	b.signUp(t, "ana")
	defer b.HoldHashers(false)()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.SignIn(ctx, identity.Login{Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Deadline, "app.deadline")
}

func TestSignIn_EndsTheOldestOfTooManySessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	for n := range identity.SessionsMax {
		s := g.Session
		s.ID, s.Hash = roundtrip.ID(1000+n), [32]byte{byte(n), 1}
		s.LastUsed = s.LastUsed.Add(time.Duration(n+1) * time.Second)
		if err := b.store.AddSession(t.Context(), s, b.store.passwordOf(s.Account)); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.add(time.Hour)
	last, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := b.Sessions(t.Context(), b.who(t, last.Token)); err != nil || len(all) != identity.SessionsMax {
		t.Fatalf("%d sessions, %v", len(all), err)
	}
	_, err = b.Who(t.Context(), g.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
}

func TestSignIn_HashesAnewWhatWasMadeAtAnotherCost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	today, err := identity.New(identity.Options{Accounts: b.store, Users: b.users, Now: b.clock.Now, IDs: roundtrip.NewIDs(3, b.clock.Now), Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if _, err := today.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{}); err != nil {
			t.Fatalf("sign-in %d: %v", n, err)
		}
		_, c, err := b.store.LoadAccount(t.Context(), b.users, g.Account.ID())
		if err != nil || !strings.HasPrefix(c.Password, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Fatalf("hash is %q, %v", c.Password, err)
		}
	}
	b.who(t, g.Token) // the sessions stay
}

func TestSignIn_HashThatCannotBeReadNeverFits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, stored := range []string{"", "x", "$argon2id$", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5", "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5", "$2a$10$abcdefghijklmnopqrstuv"} {
		if ok, _, err := b.Verify(t.Context(), "", stored); ok || err != nil {
			t.Errorf("%q fits: %v, %v", stored, ok, err)
		}
	}
}

func TestChangePassword_EndsOtherSessionsAndKeepsThisOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here := b.signUp(t, "ana")
	there, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	if err != nil {
		t.Fatal(err)
	}
	who := b.who(t, here.Token)
	b.who(t, there.Token)
	wantReason(t, b.ChangePassword(t.Context(), who, "wrong", "another good one"), roundtrip.Invalid, "auth.invalid")
	e := failure(t, b.ChangePassword(t.Context(), who, good, "short"), roundtrip.Invalid, "auth.weak_password")
	if e.Details[0].Pointer != "/new" {
		t.Fatalf("details are %+v", e.Details)
	}
	if err := b.ChangePassword(t.Context(), who, good, "another good one"); err != nil {
		t.Fatal(err)
	}
	b.who(t, here.Token)
	_, err = b.Who(t.Context(), there.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	_, err = b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
	if _, err := b.SignIn(t.Context(), identity.Login{Value: "ana"}, "another good one", identity.Device{}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		wantReason(t, b.ChangePassword(t.Context(), who, "wrong", "another good one"), roundtrip.Invalid, "auth.invalid")
	}
	wantReason(t, b.ChangePassword(t.Context(), who, "another good one", good), roundtrip.Limited, "auth.rate_limited")
	wantReason(t, b.ChangePassword(t.Context(), &roundtrip.Principal{}, good, good), roundtrip.Unauthenticated, "auth.missing")
}

func TestSetPassword_EndsAllSessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.signUp(t, "ana")
	b.who(t, g.Token)
	if err := b.SetPassword(t.Context(), "ana@example.com", "another good one"); err != nil {
		t.Fatal(err)
	}
	_, err := b.Who(t.Context(), g.Token)
	wantReason(t, err, roundtrip.Unauthenticated, "auth.expired")
	wantReason(t, b.SetPassword(t.Context(), "ana", "short"), roundtrip.Invalid, "auth.weak_password")
}

func TestIdentity_WithoutAccountsEverybodyIsAStranger(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *identity.Options) { o.Users, o.Accounts = nil, nil })
	if p := b.who(t, ""); !p.Stranger() {
		t.Fatal("no stranger")
	}
	_, err := b.Who(t.Context(), "rt_s_whatever")
	wantReason(t, err, roundtrip.Unauthenticated, "auth.invalid")
	_, err = b.SignIn(t.Context(), identity.Login{Value: "ana"}, good, identity.Device{})
	wantReason(t, err, roundtrip.Missing, "request.unknown_path")
}

func TestNew_NeedsALoginField(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	bare := roundtrip.NewCollection("users", roundtrip.Pos{})
	for name, change := range map[string]func(*identity.Options){
		"none":    func(o *identity.Options) { o.Users = bare },
		"unknown": func(o *identity.Options) { o.Config.Login = []string{"hadle"} },
		"plain":   func(o *identity.Options) { o.Config.Login = []string{"name"} },
		"clock":   func(o *identity.Options) { o.Now = nil },
	} {
		o := identity.Options{Accounts: b.store, Users: b.users, Now: b.clock.Now, IDs: roundtrip.NewIDs(1, b.clock.Now), Rand: rand.Reader}
		change(&o)
		if _, err := identity.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
