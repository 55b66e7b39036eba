package identity

import (
	"context"
	"encoding/base32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/tries"
)

// What follows is for operators, who name an account by its id alone: a name that somebody chose can look like one.

// User returns an account. Errors: Missing store.missing.
func (i *Identity) User(ctx context.Context, id roundtrip.ID) (User, error) {
	if i.users == nil {
		return User{}, noAccounts()
	}
	account, credential, err := i.accounts.LoadAccount(ctx, i.users, id)
	if err != nil {
		return User{}, err
	}
	return userOf(account, credential), nil
}

func userOf(account *roundtrip.Record, c roundtrip.Credential) User {
	return User{Account: account, Roles: c.Roles, Locked: c.Password == ""}
}

// DeclaredRoles returns the roles that accounts can have.
func (i *Identity) DeclaredRoles() []string { return slices.Clone(i.config.Roles) }

// SetUserRoles replaces the roles of an account as SetRoles does.
func (i *Identity) SetUserRoles(ctx context.Context, id roundtrip.ID, roles []string) error {
	roles, err := i.checkRoles(roles)
	if err != nil {
		return err
	}
	if _, err := i.User(ctx, id); err != nil {
		return err
	}
	err = i.accounts.SetRoles(ctx, id, roles)
	i.Forget(id)
	return err
}

// SetUserPassword gives an account a new password, ends all of its sessions, and forgets the sign-ins that failed.
func (i *Identity) SetUserPassword(ctx context.Context, id roundtrip.ID, password string) error {
	u, err := i.User(ctx, id)
	if err != nil {
		return err
	}
	if err := i.checkPassword(password, "/password", u.Account); err != nil {
		return err
	}
	if err := i.setPassword(ctx, id, "", password, 0); err != nil {
		return err
	}
	i.ForgetFailures(u.Account)
	return nil
}

// NewPassword makes a password that nobody guesses: five groups of four letters and digits, 100 bits, or longer where the
// declaration wants that.
func (i *Identity) NewPassword() (string, error) {
	const group = 4
	digits := max(20, (i.config.MinLen+group-1)/group*group)
	raw := make([]byte, (digits*5+7)/8)
	if _, err := io.ReadFull(i.rand, raw); err != nil {
		return "", roundtrip.Wrap("identity.password", err)
	}
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))[:digits]
	groups := make([]string, 0, digits/group)
	for ; text != ""; text = text[group:] {
		groups = append(groups, text[:group])
	}
	return strings.Join(groups, "-"), nil
}

// UserSessions returns an account's sessions, newest first.
func (i *Identity) UserSessions(ctx context.Context, id roundtrip.ID) ([]roundtrip.Session, error) {
	if i.users == nil {
		return nil, noAccounts()
	}
	return i.accounts.ListSessions(ctx, id)
}

// EndUserSession ends one session of an account. Errors: Missing store.missing.
func (i *Identity) EndUserSession(ctx context.Context, id, session roundtrip.ID) error {
	all, err := i.UserSessions(ctx, id)
	if err != nil {
		return err
	}
	if session == 0 || !slices.ContainsFunc(all, func(s roundtrip.Session) bool { return s.ID == session }) {
		return roundtrip.E(roundtrip.Missing, "store.missing", "the account has no such session (any more)")
	}
	return i.end(ctx, id, session)
}

// EndUserSessions ends all sessions of an account.
func (i *Identity) EndUserSessions(ctx context.Context, id roundtrip.ID) error {
	all, err := i.UserSessions(ctx, id)
	if err != nil || len(all) == 0 {
		return err
	}
	return i.end(ctx, id, 0)
}

// Failures is what is known of an account's sign-ins that failed, under any of its names. It lies in memory alone.
type Failures struct {
	Count int
	Last  time.Time
	Until time.Time // sign-ins are refused until then; zero where they are not
}

// FailuresOf looks at the sign-ins of an account.
func (i *Identity) FailuresOf(account *roundtrip.Record) Failures {
	var f Failures
	for _, key := range i.nameKeys(account) {
		s := i.names.Look(key)
		f.Count += s.Count
		if s.Last.After(f.Last) {
			f.Last = s.Last
		}
		if s.Until.After(f.Until) {
			f.Until = s.Until
		}
	}
	return f
}

// ForgetFailures lets an account sign in at once, however often that has failed.
func (i *Identity) ForgetFailures(account *roundtrip.Record) {
	for _, key := range i.nameKeys(account) {
		i.names.Reset(key)
	}
}

func (i *Identity) nameKeys(account *roundtrip.Record) []tries.Key {
	var keys []tries.Key
	for _, f := range i.login {
		if v := account.Values[f]; !v.IsNull() {
			keys = append(keys, tries.NameKey(v.Text()))
		}
	}
	return keys
}
