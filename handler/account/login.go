package account

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/identity"
)

// Name is a member of a sign-in that may name the account.
type Name struct {
	Member string // as the door calls it
	identity.Login
}

// SignIn begins a session for who names an account, by one of names, and knows its password. in says in which members the
// name is looked for. The grant has its token only where that belongs into the answer.
func (d *Desk) SignIn(ctx context.Context, names []Name, in, password string) (*identity.Grant, error) {
	login, err := oneLogin(names, in, password)
	if err != nil {
		return nil, err
	}
	return d.hand(d.Core.Identity().SignIn(ctx, login, password, caller.Device(d.Request, d.From)))
}

// oneLogin finds the one name that was given.
func oneLogin(names []Name, in, password string) (identity.Login, error) {
	var login identity.Login
	given := 0
	for _, n := range names {
		if n.Value != "" {
			login = n.Login
			given++
		}
	}
	var call roundtrip.Call
	switch {
	case given == 0:
		input.Wrong(&call, names[0].Member, "required", "the account's name is missing, in "+in)
	case given > 1:
		input.Wrong(&call, names[0].Member, "ambiguous", "name the account by one field only")
	}
	if password == "" {
		input.Wrong(&call, "password", "required", "the password is missing")
	}
	if len(call.Wrong) > 0 {
		return login, roundtrip.E(roundtrip.Invalid, "request.invalid", "a sign-in is the account's name and its password").With(call.Wrong...)
	}
	return login, nil
}
