package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

func subscription(account roundtrip.ID, name string) roundtrip.PushSubscription {
	return roundtrip.PushSubscription{Account: account, Endpoint: "https://push.example/" + name, P256dh: []byte("key of " + name), Auth: []byte("secret of " + name)}
}

// endpoints are the names of an account's subscriptions.
func endpoints(t *testing.T, s *sqlite.Store, account roundtrip.ID) string {
	t.Helper()
	subs, err := s.Pushes(t.Context(), account)
	ok(t, err)
	var names []string
	for _, sub := range subs {
		name := strings.TrimPrefix(sub.Endpoint, "https://push.example/")
		if string(sub.P256dh) == "key of "+name && string(sub.Auth) == "secret of "+name && sub.Account == account && !sub.Created.IsZero() {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func TestPush_SubscriptionsComeAndGo(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	is := func(account roundtrip.ID, want string) {
		t.Helper()
		if got := endpoints(t, s, account); got != want {
			t.Fatalf("account %d has %q, want %q", account, got, want)
		}
	}
	ok(t, s.PutPush(t.Context(), subscription(1, "laptop")))
	c.Advance(time.Second)
	ok(t, s.PutPush(t.Context(), subscription(1, "phone")))
	ok(t, s.PutPush(t.Context(), subscription(1, "phone")))
	is(1, "laptop phone")
	ok(t, s.PutPush(t.Context(), subscription(2, "laptop"))) // somebody else signed in there
	is(1, "phone")
	is(2, "laptop")
	ok(t, s.DropPush(t.Context(), 1, "https://push.example/laptop")) // not theirs any more
	is(2, "laptop")
	renewed := subscription(2, "laptop")
	renewed.Auth = []byte("another secret")
	ok(t, s.ForgetPush(t.Context(), renewed))
	is(2, "laptop")
	ok(t, s.ForgetPush(t.Context(), subscription(2, "laptop")))
	is(2, "")
	ok(t, s.DropPush(t.Context(), 1, "https://push.example/phone"))
	is(1, "")
}

func TestPush_TheOldestGoesWhenThereAreTooMany(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q r s t") {
		ok(t, s.PutPush(t.Context(), subscription(1, name)))
		c.Advance(time.Second)
	}
	ok(t, s.PutPush(t.Context(), subscription(2, "other")))
	ok(t, s.PutPush(t.Context(), subscription(1, "u")))
	if got := endpoints(t, s, 1); got != "b c d e f g h i j k l m n o p q r s t u" {
		t.Fatal(got)
	}
	if got := endpoints(t, s, 2); got != "other" {
		t.Fatal(got)
	}
}

func TestPush_GoesWithItsAccount(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	schema := people()
	apply(t, s, schema)
	ana := roundtrip.NewRecord(schema.Accounts())
	ana.PutName("handle", roundtrip.Text("ana"))
	ana, err := s.CreateAccount(t.Context(), ana, roundtrip.Credential{Password: "p"}, nil)
	ok(t, err)
	ok(t, s.PutPush(t.Context(), subscription(ana.ID(), "laptop")))
	ok(t, deleting(t, s, schema, "users", ana.ID())())
	if got := endpoints(t, s, ana.ID()); got != "" {
		t.Fatal(got)
	}
}
