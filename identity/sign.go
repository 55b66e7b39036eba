package identity

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/tries"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Device is where somebody signs in from.
type Device struct {
	Name string // for the list of sessions, from the User-Agent
	Addr netip.Addr
}

// Login names an account.
type Login struct {
	Field string // one of the login fields; "" tries them all in their order
	Value string
}

// Grant is what a sign-up or sign-in gives. The token is shown this once.
type Grant struct {
	Token   string
	Account *roundtrip.Record
	Session roundtrip.Session
}

// sessionsMax is how many devices one account can be signed in on; one more ends the one that was used least lately.
const sessionsMax = 100

// SignUp makes an account with its first session, in one transaction. record is what a stranger gave, checked by package
// schema. Errors: Denied auth.sign_up_closed, Invalid auth.weak_password, Limited auth.rate_limited, Conflict
// store.unique.
func (i *Identity) SignUp(ctx context.Context, record *roundtrip.Record, password string, device Device) (*Grant, error) {
	journey := trace.From(ctx)
	step := journey.Begin(trace.Auth, "sign-up")
	grant, err := i.signUp(ctx, record, password, device)
	if err != nil {
		return nil, deny(step, err)
	}
	journey.SetAccount(int64(grant.Account.ID()))
	step.OK()
	return grant, nil
}

func (i *Identity) signUp(ctx context.Context, record *roundtrip.Record, password string, device Device) (*Grant, error) {
	if err := i.CanSignUp(); err != nil {
		return nil, err
	}
	if err := i.checkPassword(password, "/password", record); err != nil {
		return nil, err
	}
	key := tries.AddrKey(device.Addr)
	if wait := i.signUps.Take(key); wait > 0 {
		return nil, rateLimited(wait)
	}
	encoded, err := i.hash(ctx, password)
	if err != nil {
		i.signUps.GiveBack(key)
		return nil, err
	}
	token, session, err := i.newSession(device)
	if err != nil {
		return nil, err
	}
	account, err := i.accounts.CreateAccount(ctx, record, roundtrip.Credential{Password: encoded}, &session)
	if err != nil {
		return nil, err
	}
	session.Account = account.ID()
	return &Grant{Token: token, Account: account, Session: session}, nil
}

// CanSignUp reports whether strangers may make accounts: Denied auth.sign_up_closed where not, Missing
// request.unknown_path where there are no accounts.
func (i *Identity) CanSignUp() error {
	switch {
	case i.users == nil:
		return noAccounts()
	case !i.config.SignUp:
		return roundtrip.E(roundtrip.Denied, "auth.sign_up_closed", "new accounts are not taken here; ask an operator for one")
	}
	return nil
}

// SignIn proves an account by its password and begins a session. Whether the name or the password was wrong is not told,
// neither by the answer nor by its time. Errors: Unauthenticated auth.invalid, Limited auth.rate_limited, Unavailable
// auth.busy.
func (i *Identity) SignIn(ctx context.Context, login Login, password string, device Device) (*Grant, error) {
	journey := trace.From(ctx)
	step := journey.Begin(trace.Auth, "sign-in")
	grant, err := i.signIn(ctx, login, password, device)
	if err != nil {
		return nil, deny(step, err)
	}
	journey.SetAccount(int64(grant.Account.ID()))
	step.OK()
	return grant, nil
}

func (i *Identity) signIn(ctx context.Context, login Login, password string, device Device) (*Grant, error) {
	if i.users == nil {
		return nil, noAccounts()
	}
	for range proveTries {
		credential, err := i.prove(ctx, login, password, device.Addr)
		if err != nil {
			return nil, err
		}
		grant, err := i.begin(ctx, credential, device)
		if !changed(err) {
			return grant, err
		}
		// The password that was proved is not the one of now. It may be the same one, hashed anew by another sign-in.
	}
	return nil, wrongLogin()
}

// proveTries is how often a password is checked again because the stored one changed meanwhile.
const proveTries = 3

// changed reports whether a write was refused because the password that the caller proved is not there any more.
func changed(err error) bool {
	if err == nil {
		return false
	}
	kind := roundtrip.AsError(err).Kind
	return kind == roundtrip.Stale || kind == roundtrip.Missing
}

// begin begins a session of an account whose password was proved.
func (i *Identity) begin(ctx context.Context, credential roundtrip.Credential, device Device) (*Grant, error) {
	token, session, err := i.newSession(device)
	if err != nil {
		return nil, err
	}
	session.Account = credential.Account
	if err := i.accounts.AddSession(ctx, session, credential.Password); err != nil {
		return nil, err
	}
	// The account is read after the session was written: if it went away between, the session went with it.
	account, _, err := i.accounts.LoadAccount(ctx, i.users, credential.Account)
	if err != nil {
		return nil, err
	}
	if err := i.endOldest(ctx, session); err != nil && !changed(err) { // somebody else may have ended them
		return nil, err
	}
	return &Grant{Token: token, Account: account, Session: session}, nil
}

// prove checks name and password under both limits. The name's try is counted beforehand, so that many at once don't
// slip through; the address's afterwards, so that many people behind one address don't hinder each other.
func (i *Identity) prove(ctx context.Context, login Login, password string, addr netip.Addr) (roundtrip.Credential, error) {
	name, from := tries.NameKey(login.Value), tries.AddrKey(addr)
	if wait := i.addrs.Wait(from); wait > 0 {
		return roundtrip.Credential{}, rateLimited(wait)
	}
	if wait := i.names.Take(name); wait > 0 {
		return roundtrip.Credential{}, rateLimited(wait)
	}
	credential, err := i.findCredential(ctx, login)
	if err != nil {
		i.names.GiveBack(name)
		return credential, err
	}
	ok, err := i.verify(ctx, &credential, password)
	if err != nil {
		i.names.GiveBack(name)
		return credential, err
	}
	if !ok {
		i.addrs.Take(from)
		return credential, wrongLogin()
	}
	i.names.Reset(name)
	return credential, nil
}

// findCredential returns the zero Credential for a name that nobody has.
func (i *Identity) findCredential(ctx context.Context, login Login) (roundtrip.Credential, error) {
	for _, f := range i.login {
		field := i.users.Fields[f]
		if login.Field != "" && login.Field != field.Name {
			continue
		}
		value := login.Value
		if field.Type == roundtrip.TypeEmail { // kept in lower case
			value = strings.ToLower(value)
		}
		credential, err := i.accounts.FindCredential(ctx, i.users, field.Name, value)
		if err == nil || roundtrip.AsError(err).Kind != roundtrip.Missing {
			return credential, err
		}
	}
	return roundtrip.Credential{}, nil
}

// verify checks a password, and hashes it anew where the stored hash was made at another cost; credential then has the new
// hash. Where the stored one has changed meanwhile nothing is written: what builds on the proof is refused as well.
func (i *Identity) verify(ctx context.Context, credential *roundtrip.Credential, password string) (bool, error) {
	if len(password) > passwordMaxBytes {
		return false, nil
	}
	ok, old, err := i.check(ctx, password, credential.Password)
	if err != nil || !ok || credential.Account == 0 {
		return false, err
	}
	if !old {
		return true, nil
	}
	encoded, err := i.hash(ctx, password)
	if err != nil {
		return false, err
	}
	err = i.accounts.SetPassword(ctx, credential.Account, credential.Password, encoded, KeepAll)
	if changed(err) {
		return true, nil
	}
	credential.Password = encoded
	return err == nil, err
}

// newSession makes a token and its session, which has no account yet.
func (i *Identity) newSession(device Device) (string, roundtrip.Session, error) {
	token, hash, err := newToken(i.rand)
	if err != nil {
		return "", roundtrip.Session{}, roundtrip.Wrap("identity.token", err)
	}
	now := i.now()
	ends := now.Add(i.config.Absolute)
	expires := now.Add(i.config.Idle)
	if expires.After(ends) {
		expires = ends
	}
	return token, roundtrip.Session{
		ID: i.ids.Next(), Hash: hash, Created: now, LastUsed: now, Expires: expires, Ends: ends,
		Name: deviceName(device.Name), Addr: device.Addr,
	}, nil
}

// deviceName keeps what is printable of a device's name, up to 120 characters.
func deviceName(name string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name))
	return string(runes[:min(len(runes), 120)])
}

// endOldest keeps the number of an account's sessions bounded. newest is never ended.
func (i *Identity) endOldest(ctx context.Context, newest roundtrip.Session) error {
	all, err := i.accounts.ListSessions(ctx, newest.Account)
	if err != nil || len(all) <= sessionsMax {
		return err
	}
	slices.SortFunc(all, func(a, b roundtrip.Session) int { return a.LastUsed.Compare(b.LastUsed) })
	for _, s := range all[:len(all)-sessionsMax] {
		if s.ID == newest.ID {
			continue
		}
		if err := i.end(ctx, newest.Account, s.ID); err != nil {
			return err
		}
	}
	return nil
}

func wrongLogin() *roundtrip.Error {
	return roundtrip.E(roundtrip.Unauthenticated, "auth.invalid", "the name or the password is wrong")
}

func noAccounts() *roundtrip.Error {
	return roundtrip.E(roundtrip.Missing, "request.unknown_path", "there are no accounts here; declare identity.accounts to have some")
}

func missing() *roundtrip.Error { return Missing() }

// Missing is the error of a call that only somebody who is signed in may make: Unauthenticated auth.missing.
func Missing() *roundtrip.Error {
	return roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "nobody is signed in; send the session cookie or Authorization: Bearer TOKEN")
}
