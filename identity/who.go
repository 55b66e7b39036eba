package identity

import (
	"context"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	// touchEvery is how often the use of one session is written.
	touchEvery = time.Minute
	// checkEvery is how long a session is believed without asking the store. What this process changes is forgotten at
	// once; this bounds what another one changes, such as `roundtrip user passwd` beside a running server.
	checkEvery = time.Second
)

// touch is a use of a session that is to be written.
type touch struct {
	session       roundtrip.ID
	used, expires time.Time
}

// Who tells who holds a token. No token is a stranger, the zero Principal. A token that proves nothing is an error, and
// never a stranger: Unauthenticated auth.invalid for what is no token at all, auth.expired for one whose session is over
// or not known here. The Principal is shared and must not be changed.
func (i *Identity) Who(ctx context.Context, token string) (*roundtrip.Principal, error) {
	journey := trace.From(ctx)
	if token == "" { // nobody is looked up: that takes no time of its own
		journey.Add(trace.Hop{Layer: trace.Auth, Verdict: trace.Skip, Name: "session", Note: "stranger", Start: int64(journey.Elapsed())})
		return &roundtrip.Principal{}, nil
	}
	step := journey.Begin(trace.Auth, "session")
	hash, ok := parseToken(token)
	if !ok || i.users == nil {
		return nil, deny(step, invalidToken())
	}
	now := i.now()
	e := i.cache.get(&hash)
	verdict := trace.Cached
	if e == nil || i.stale(e, now) {
		loaded, err := i.load(ctx, &hash, e, now)
		if err != nil {
			return nil, deny(step, err)
		}
		e, verdict = loaded, trace.OK
	}
	if now.UnixNano() >= e.expires.Load() {
		return nil, deny(step, expiredToken())
	}
	i.touch(e, now)
	journey.SetAccount(int64(e.who.ID))
	step.End(verdict, trace.None)
	return e.who, nil
}

// stale reports whether this call is the one that asks the store again; calls beside it go on with what is known.
func (i *Identity) stale(e *entry, now time.Time) bool {
	checked := e.checked.Load()
	return now.UnixNano()-checked >= int64(checkEvery) && e.checked.CompareAndSwap(checked, now.UnixNano())
}

// load asks the store what a token proves. old is what was known of it before, or nil.
func (i *Identity) load(ctx context.Context, hash *[32]byte, old *entry, now time.Time) (*entry, error) {
	mark := i.cache.mark()
	session, err := i.accounts.FindSession(ctx, *hash)
	if err != nil {
		return nil, i.loadFailed(old, err)
	}
	if !now.Before(session.Expires) || !now.Before(session.Ends) {
		if old == nil || now.UnixNano() >= old.expires.Load() { // else its last use is still on its way to the store
			return nil, i.loadFailed(old, expiredToken())
		}
	}
	account, credential, err := i.accounts.LoadAccount(ctx, i.users, session.Account)
	if err != nil {
		return nil, i.loadFailed(old, err)
	}
	e := newEntry(session, account, credential.Roles, now)
	if old != nil { // what was not written yet counts all the same
		e.touched.Store(max(e.touched.Load(), old.touched.Load()))
		e.expires.Store(max(e.expires.Load(), min(old.expires.Load(), e.ends)))
	}
	i.cache.put(hash, e, mark)
	return e, nil
}

// loadFailed makes a caller's error of a failed load. A session that is gone is forgotten; after any other failure the
// next call asks again.
func (i *Identity) loadFailed(old *entry, err error) error {
	failed := roundtrip.AsError(err)
	gone := failed.Kind == roundtrip.Missing || failed.Kind == roundtrip.Unauthenticated
	if old != nil {
		old.checked.Store(0)
		if gone {
			i.cache.forget(old.who.ID, old.who.Session, 0)
		}
	}
	if failed.Kind == roundtrip.Missing { // its check sum is right: it was a good token once
		return expiredToken()
	}
	return failed
}

func newEntry(s roundtrip.Session, account *roundtrip.Record, roles []string, now time.Time) *entry {
	e := &entry{
		who:  &roundtrip.Principal{ID: s.Account, Account: account, Roles: roles, Session: s.ID},
		ends: s.Ends.UnixNano(),
	}
	e.expires.Store(min(s.Expires.UnixNano(), e.ends))
	e.touched.Store(s.LastUsed.UnixNano())
	e.checked.Store(now.UnixNano())
	return e
}

// touch moves the session's end and hands the use on to Run, at most once a minute. It never waits.
func (i *Identity) touch(e *entry, now time.Time) {
	nano, touched := now.UnixNano(), e.touched.Load()
	if nano-touched < int64(touchEvery) || !e.touched.CompareAndSwap(touched, nano) {
		return
	}
	expires := min(nano+int64(i.config.Idle), e.ends)
	select {
	case i.touches <- touch{session: e.who.Session, used: now, expires: time.Unix(0, expires)}:
		e.expires.Store(expires)
	default: // the queue is full: another use will do
	}
}

// Forget drops what is known of an account, because its record changed or is gone. The next call of each of its
// sessions asks the store.
func (i *Identity) Forget(account roundtrip.ID) { i.cache.forget(account, 0, 0) }

// ForgetSession drops what is known of one session of an account.
func (i *Identity) ForgetSession(account, session roundtrip.ID) { i.cache.forget(account, session, 0) }

func deny(step trace.Step, err error) error {
	failed := roundtrip.AsError(err)
	verdict := trace.Deny
	if failed.Kind == roundtrip.Internal || failed.Kind == roundtrip.Unavailable || failed.Kind == roundtrip.Deadline {
		verdict = trace.Fail
	}
	step.End(verdict, trace.ReasonOf(failed.Reason))
	return err
}

func invalidToken() *roundtrip.Error {
	return roundtrip.E(roundtrip.Unauthenticated, "auth.invalid", "this is no session token; sign in to get one")
}

func expiredToken() *roundtrip.Error {
	return roundtrip.E(roundtrip.Unauthenticated, "auth.expired", "the session has ended, or is none of this server's; sign in again")
}
