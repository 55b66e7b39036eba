package identity

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
)

// SignOut ends the session that made the call. A stranger's sign-out does nothing.
func (i *Identity) SignOut(ctx context.Context, who *roundtrip.Principal) error {
	if who.Stranger() || who.Session == 0 {
		return nil
	}
	err := i.end(ctx, who.ID, who.Session)
	if err != nil && roundtrip.AsError(err).Kind == roundtrip.Missing { // somebody else ended it just now
		return nil
	}
	return err
}

// Sessions returns the caller's sessions, newest first; who.Session tells which is this one.
func (i *Identity) Sessions(ctx context.Context, who *roundtrip.Principal) ([]roundtrip.Session, error) {
	if who.Stranger() || i.users == nil {
		return nil, missing()
	}
	return i.accounts.ListSessions(ctx, who.ID)
}

// EndSession ends one session of the caller. Errors: Missing store.missing for any other.
func (i *Identity) EndSession(ctx context.Context, who *roundtrip.Principal, session roundtrip.ID) error {
	if who.Stranger() || i.users == nil {
		return missing()
	}
	all, err := i.accounts.ListSessions(ctx, who.ID)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID == session {
			return i.end(ctx, who.ID, session)
		}
	}
	return roundtrip.E(roundtrip.Missing, "store.missing", "you have no such session")
}

// EndOtherSessions ends all sessions of the caller but the one that makes the call.
func (i *Identity) EndOtherSessions(ctx context.Context, who *roundtrip.Principal) error {
	all, err := i.Sessions(ctx, who)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID == who.Session {
			continue
		}
		if err := i.end(ctx, who.ID, s.ID); err != nil && roundtrip.AsError(err).Kind != roundtrip.Missing {
			return err
		}
	}
	return nil
}

// end deletes a session and forgets it. It is forgotten even if the delete failed: that costs a look-up, and the other
// way round would let an ended session live.
func (i *Identity) end(ctx context.Context, account, session roundtrip.ID) error {
	err := i.accounts.EndSession(ctx, account, session)
	i.cache.forget(account, session, 0)
	return err
}

// Account returns the caller's account as it is now, and its roles.
func (i *Identity) Account(ctx context.Context, who *roundtrip.Principal) (*roundtrip.Record, []string, error) {
	if who.Stranger() || i.users == nil {
		return nil, nil, missing()
	}
	account, credential, err := i.accounts.LoadAccount(ctx, i.users, who.ID)
	return account, credential.Roles, err
}
