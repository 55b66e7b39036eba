package identity

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/tries"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// ChangePassword sets a new password for who knows the old one. All other sessions end; this one stays. Errors:
// Unauthenticated auth.missing for a stranger, Invalid auth.invalid where old is wrong, Invalid auth.weak_password,
// Limited auth.rate_limited.
func (i *Identity) ChangePassword(ctx context.Context, who *roundtrip.Principal, old, password string) error {
	step := trace.From(ctx).Begin(trace.Auth, "password")
	if err := i.changePassword(ctx, who, old, password); err != nil {
		return deny(step, err)
	}
	step.OK()
	return nil
}

func (i *Identity) changePassword(ctx context.Context, who *roundtrip.Principal, old, password string) error {
	if who.Stranger() || i.users == nil {
		return missing()
	}
	for range proveTries {
		account, credential, err := i.proveOld(ctx, who, old)
		if err != nil {
			return err
		}
		if err := i.checkPassword(password, "/new", account); err != nil {
			return err
		}
		if err := i.setPassword(ctx, who.ID, credential.Password, password, who.Session); !changed(err) {
			return err
		}
	}
	return wrongOld()
}

// proveOld checks the password of who is signed in.
func (i *Identity) proveOld(ctx context.Context, who *roundtrip.Principal, old string) (*roundtrip.Record, roundtrip.Credential, error) {
	key := tries.NameKey("\x00" + who.ID.String()) // no name has a NUL: this can't meet a name of the sign-in
	if wait := i.names.Take(key); wait > 0 {
		return nil, roundtrip.Credential{}, rateLimited(wait)
	}
	account, credential, err := i.accounts.LoadAccount(ctx, i.users, who.ID)
	if err != nil {
		i.names.GiveBack(key)
		return nil, credential, err
	}
	ok, err := i.verify(ctx, &credential, old)
	switch {
	case err != nil:
		i.names.GiveBack(key)
		return nil, credential, err
	case !ok:
		return nil, credential, wrongOld()
	}
	i.names.Reset(key)
	return account, credential, nil
}

// setPassword writes a new password in the place of the one whose hash is proved, "" for any; all sessions but keep are
// over when it returns.
func (i *Identity) setPassword(ctx context.Context, account roundtrip.ID, proved, password string, keep roundtrip.ID) error {
	encoded, err := i.hash(ctx, password)
	if err != nil {
		return err
	}
	err = i.accounts.SetPassword(ctx, account, proved, encoded, keep)
	i.cache.forget(account, 0, keep)
	return err
}

// wrongOld is Invalid and not Unauthenticated: the caller is signed in, and clients drop their session on a 401.
func wrongOld() *roundtrip.Error {
	const sentence = "the old password is wrong"
	return roundtrip.E(roundtrip.Invalid, "auth.invalid", sentence).
		With(roundtrip.Detail{Pointer: "/old", Code: "wrong", Message: sentence})
}
