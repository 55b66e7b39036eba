// Package identity is station 5 of the path: who is asking? It turns a token into a [roundtrip.Principal], and a name
// and password into a token.
//
// A token is random and opaque; only its SHA-256 is kept, in the store and in memory. What a token proves is cached, and
// is forgotten exactly when its session ends or its account changes.
package identity

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/internal/password"
	"github.com/roundtrip-dev/roundtrip/internal/tries"
)

// Options is what an [Identity] is made of.
type Options struct {
	Accounts Accounts
	Config   config.Identity
	Users    *roundtrip.Collection // the collection that people sign in to; nil: there are no accounts, everybody is a stranger
	Now      func() time.Time
	IDs      *roundtrip.IDs             // makes the ids of sessions
	Rand     io.Reader                  // cryptographic: crypto/rand.Reader
	Forgot   func(account roundtrip.ID) // is told whenever a session of an account ends, or its record changes; it must not wait. nil: nobody
	Hashers  int                        // passwords that are hashed at once, 19 MiB each; 0: as many as there are cores
	HashCost password.Cost              // of new passwords; zero: the usual one
}

// Identity knows who people are. Its methods may be called by many goroutines.
type Identity struct {
	accounts Accounts
	config   config.Identity
	users    *roundtrip.Collection
	login    []int // positions of the login fields
	now      func() time.Time
	ids      *roundtrip.IDs
	rand     io.Reader

	cache   *cache
	hasher  *password.Hasher
	common  password.List  // passwords that everybody knows, in lower case
	names   *tries.Limiter // failed sign-ins of one name
	addrs   *tries.Limiter // failed sign-ins of one address
	signUps *tries.Limiter // new accounts of one address
	touches chan touch
	ready   chan struct{}
}

// touchQueueMax bounds the sessions whose use waits to be written. What does not fit is written a minute later.
const touchQueueMax = 1024

// New makes an Identity. It reads and writes nothing.
func New(o Options) (*Identity, error) {
	switch {
	case o.Now == nil || o.Rand == nil:
		return nil, errors.New("identity: Now and Rand must be given")
	case o.Users != nil && (o.Accounts == nil || o.IDs == nil):
		return nil, errors.New("identity: accounts need Accounts and IDs")
	}
	if o.Hashers <= 0 {
		o.Hashers = runtime.GOMAXPROCS(0)
	}
	if o.HashCost == (password.Cost{}) {
		o.HashCost = password.UsualCost()
	}
	setDefaults(&o.Config)
	i := &Identity{
		accounts: o.Accounts, config: o.Config, users: o.Users, now: o.Now, ids: o.IDs, rand: o.Rand,
		cache:   newCache(o.Forgot),
		hasher:  password.NewHasher(o.Hashers, o.Rand).WithCost(o.HashCost),
		common:  password.WellKnown(),
		names:   tries.New(5, o.Now),
		addrs:   tries.New(20, o.Now),
		signUps: tries.New(60, o.Now),
		touches: make(chan touch, touchQueueMax),
		ready:   make(chan struct{}),
	}
	if o.Users == nil {
		return i, nil
	}
	login, err := loginFields(o.Users, o.Config.Login)
	i.login = login
	return i, err
}

func setDefaults(c *config.Identity) {
	if c.MinLen <= 0 {
		c.MinLen = 10
	}
	if c.Idle <= 0 {
		c.Idle = 30 * 24 * time.Hour
	}
	if c.Absolute <= 0 {
		c.Absolute = 180 * 24 * time.Hour
	}
}

// loginFields finds the fields that name an account: the declared ones, or all unique texts and emails.
func loginFields(users *roundtrip.Collection, declared []string) ([]int, error) {
	var login []int
	for _, name := range declared {
		f, ok := users.Lookup(name)
		if !ok || !namesAccount(users.Fields[f]) {
			return nil, errors.New("identity.login: " + name + " is not a unique text or email field of " + users.Name)
		}
		login = append(login, f)
	}
	if len(declared) == 0 {
		for f := roundtrip.FirstField; f < len(users.Fields); f++ {
			if namesAccount(users.Fields[f]) {
				login = append(login, f)
			}
		}
	}
	if len(login) == 0 {
		return nil, errors.New("identity.accounts: " + users.Name + " has no unique text or email field to sign in with")
	}
	return login, nil
}

func namesAccount(f *roundtrip.Field) bool {
	return f.Unique && (f.Type == roundtrip.TypeText || f.Type == roundtrip.TypeEmail)
}

// Users returns the collection that people sign in to, or nil where there are no accounts.
func (i *Identity) Users() *roundtrip.Collection { return i.users }

// Login returns the names of the fields that name an account at sign-in.
func (i *Identity) Login() []string {
	names := make([]string, len(i.login))
	for n, f := range i.login {
		names[n] = i.users.Fields[f].Name
	}
	return names
}

// Ready is closed when Run has begun.
func (i *Identity) Ready() <-chan struct{} { return i.ready }

// Run writes when sessions were last used, until ctx ends; then what is left of it. It is called once.
func (i *Identity) Run(ctx context.Context) error {
	close(i.ready)
	for {
		select {
		case <-ctx.Done():
			i.drainTouches(ctx)
			return nil
		case t := <-i.touches:
			i.writeTouch(ctx, t)
		}
	}
}

// drainTouches writes what waits, for two seconds at most: a server that stops must not forget that people were here.
func (i *Identity) drainTouches(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case t := <-i.touches:
			i.writeTouch(ctx, t)
		default:
			return
		}
	}
}

// writeTouch drops its error on purpose: the next use of the session touches it again, and the store has recorded why.
func (i *Identity) writeTouch(ctx context.Context, t touch) {
	_ = i.accounts.TouchSession(ctx, t.session, t.used, t.expires)
}
