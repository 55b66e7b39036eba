package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// User is an account as an operator sees it.
type User struct {
	Account *roundtrip.Record
	Roles   []string
	Locked  bool // has no password, so that nobody can sign in to it
}

// CreateUser makes an account without a session, whether sign-up is open or not. record was checked by package schema.
func (i *Identity) CreateUser(ctx context.Context, record *roundtrip.Record, password string, roles []string) (*roundtrip.Record, error) {
	if i.users == nil {
		return nil, noAccounts()
	}
	roles, err := i.checkRoles(roles)
	if err != nil {
		return nil, err
	}
	if err := i.checkPassword(password, "/password", record); err != nil {
		return nil, err
	}
	encoded, err := i.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	return i.accounts.CreateAccount(ctx, record, roundtrip.Credential{Password: encoded, Roles: roles}, nil)
}

// SetPassword gives an account a new password and ends all of its sessions. login is the value of a login field or the
// account's id.
func (i *Identity) SetPassword(ctx context.Context, login, password string) error {
	account, credential, err := i.findUser(ctx, login)
	if err != nil {
		return err
	}
	if err := i.checkPassword(password, "/password", account); err != nil {
		return err
	}
	return i.setPassword(ctx, credential.Account, "", password, 0)
}

// SetRoles replaces the roles of an account; only declared ones are taken. Its sessions stay, and have the new roles from
// their next call on.
func (i *Identity) SetRoles(ctx context.Context, login string, roles []string) error {
	roles, err := i.checkRoles(roles)
	if err != nil {
		return err
	}
	_, credential, err := i.findUser(ctx, login)
	if err != nil {
		return err
	}
	err = i.accounts.SetRoles(ctx, credential.Account, roles)
	i.Forget(credential.Account)
	return err
}

// ListUsers returns up to limit accounts in the order of their ids, those after the given one.
func (i *Identity) ListUsers(ctx context.Context, after roundtrip.ID, limit int) ([]User, error) {
	if i.users == nil {
		return nil, noAccounts()
	}
	records, credentials, err := i.accounts.ListAccounts(ctx, i.users, after, limit)
	if err != nil {
		return nil, err
	}
	users := make([]User, len(records))
	for n, r := range records {
		users[n] = userOf(r, credentials[n])
	}
	return users, nil
}

func (i *Identity) findUser(ctx context.Context, login string) (*roundtrip.Record, roundtrip.Credential, error) {
	if i.users == nil {
		return nil, roundtrip.Credential{}, noAccounts()
	}
	credential, err := i.findCredential(ctx, Login{Value: login})
	if err != nil {
		return nil, credential, err
	}
	id := credential.Account
	if id == 0 {
		parsed, ok := roundtrip.ParseID(login)
		if !ok {
			return nil, credential, noUser(login, i.Login())
		}
		id = parsed
	}
	account, credential, err := i.accounts.LoadAccount(ctx, i.users, id)
	if err != nil && roundtrip.AsError(err).Kind == roundtrip.Missing {
		return nil, credential, noUser(login, i.Login())
	}
	return account, credential, err
}

func noUser(login string, fields []string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Missing, "store.missing", "no account has %q as its %s or id", login, strings.Join(fields, ", "))
}

// checkRoles refuses what is not declared, all of it at once, and sorts the rest.
func (i *Identity) checkRoles(roles []string) ([]string, error) {
	var wrong []roundtrip.Detail
	for _, role := range roles {
		if slices.Contains(i.config.Roles, role) {
			continue
		}
		message := "identity.roles declares no role \"" + role + "\""
		if near := nearest.Of(role, i.config.Roles); near != "" {
			message += "; did you mean \"" + near + "\"?"
		} else if len(i.config.Roles) > 0 {
			message += "; there are: " + strings.Join(i.config.Roles, ", ")
		}
		wrong = append(wrong, roundtrip.Detail{Parameter: "roles", Code: "unknown_role", Message: message})
	}
	if len(wrong) > 0 {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", wrong[0].Message).With(wrong...)
	}
	roles = slices.Clone(roles)
	slices.Sort(roles)
	return slices.Compact(roles), nil
}
