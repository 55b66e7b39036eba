package identity

import (
	"context"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// lentFor is how long a lent session lives if nobody ends it.
const lentFor = 2 * time.Minute

// Lend begins a session of somebody else's account for the operator of this machine, who wants to see what that account sees.
// It is short, it stands in the account's list of sessions under the name of the device, and it ends no other one. login is
// what the account signs in with, or its id. Errors: Missing store.missing where there is no such account.
func (i *Identity) Lend(ctx context.Context, login string, device Device) (*Grant, error) {
	account, credential, err := i.findUser(ctx, login)
	if err != nil {
		return nil, err
	}
	token, session, err := i.newSession(device)
	if err != nil {
		return nil, err
	}
	session.Account = account.ID()
	session.Expires = session.Created.Add(lentFor)
	session.Ends = session.Expires
	if err := i.accounts.AddSession(ctx, session, credential.Password); err != nil {
		return nil, err
	}
	return &Grant{Token: token, Account: account, Session: session}, nil
}

// TakeBack ends a session that was lent.
func (i *Identity) TakeBack(ctx context.Context, account, session roundtrip.ID) error {
	err := i.end(ctx, account, session)
	if err != nil && roundtrip.AsError(err).Kind == roundtrip.Missing { // its time was over
		return nil
	}
	return err
}
