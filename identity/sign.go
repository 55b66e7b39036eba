package identity

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/roundtrip-dev/roundtrip"
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
	key := addrKey(device.Addr)
	if wait := i.signUps.take(key); wait > 0 {
		return nil, rateLimited(wait)
	}
	encoded, err := i.hasher.hash(ctx, password)
	if err != nil {
		i.signUps.giveBack(key)
		return nil, err
	}
	token, session, err := i.newSession(device)
	if err != nil {
		return nil, err
	}
	i.giveID(record)
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
	credential, err := i.prove(ctx, login, password, device.Addr)
	if err != nil {
		return nil, err
	}
	token, session, err := i.newSession(device)
	if err != nil {
		return nil, err
	}
	session.Account = credential.Account
	if err := i.accounts.AddSession(ctx, session); err != nil {
		return nil, err
	}
	// The account is read after the session was written: if it went away between, the session went with it.
	account, _, err := i.accounts.LoadAccount(ctx, credential.Account)
	if err != nil {
		return nil, err
	}
	if err := i.endOldest(ctx, session); err != nil {
		return nil, err
	}
	return &Grant{Token: token, Account: account, Session: session}, nil
}

// giveID names a record that nobody named.
func (i *Identity) giveID(record *roundtrip.Record) {
	if record.ID() == 0 {
		record.Put(roundtrip.FieldID, roundtrip.Ref(i.ids.Next()))
	}
}

// prove checks name and password under both limits. The name's try is counted beforehand, so that many at once don't
// slip through; the address's afterwards, so that many people behind one address don't hinder each other.
func (i *Identity) prove(ctx context.Context, login Login, password string, addr netip.Addr) (roundtrip.Credential, error) {
	name, from := nameKey(login.Value), addrKey(addr)
	if wait := i.addrs.wait(from); wait > 0 {
		return roundtrip.Credential{}, rateLimited(wait)
	}
	if wait := i.names.take(name); wait > 0 {
		return roundtrip.Credential{}, rateLimited(wait)
	}
	credential, err := i.findCredential(ctx, login)
	if err != nil {
		i.names.giveBack(name)
		return credential, err
	}
	ok, err := i.verify(ctx, credential, password)
	if err != nil {
		i.names.giveBack(name)
		return credential, err
	}
	if !ok {
		i.addrs.take(from)
		return credential, roundtrip.E(roundtrip.Unauthenticated, "auth.invalid", "the name or the password is wrong")
	}
	i.names.reset(name)
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
		credential, err := i.accounts.FindCredential(ctx, field.Name, value)
		if err == nil || roundtrip.AsError(err).Kind != roundtrip.Missing {
			return credential, err
		}
	}
	return roundtrip.Credential{}, nil
}

// verify checks a password, and hashes it anew where the stored hash was made at another cost.
func (i *Identity) verify(ctx context.Context, credential roundtrip.Credential, password string) (bool, error) {
	if len(password) > passwordMaxBytes {
		return false, nil
	}
	ok, old, err := i.hasher.verify(ctx, password, credential.Password)
	if err != nil || !ok || credential.Account == 0 {
		return false, err
	}
	if !old {
		return true, nil
	}
	encoded, err := i.hasher.hash(ctx, password)
	if err != nil {
		return false, err
	}
	credential.Password = encoded
	if err := i.accounts.SetCredential(ctx, credential, KeepAll); err != nil {
		return false, err
	}
	return true, nil
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
	key := nameKey("\x00" + who.ID.String()) // no name has a NUL: this can't meet a name of the sign-in
	if wait := i.names.take(key); wait > 0 {
		return rateLimited(wait)
	}
	account, credential, err := i.accounts.LoadAccount(ctx, who.ID)
	if err != nil {
		i.names.giveBack(key)
		return err
	}
	ok, err := i.verify(ctx, credential, old)
	switch {
	case err != nil:
		i.names.giveBack(key)
		return err
	case !ok:
		// Invalid and not Unauthenticated: the caller is signed in, and clients drop their session on a 401.
		const sentence = "the old password is wrong"
		return roundtrip.E(roundtrip.Invalid, "auth.invalid", sentence).
			With(roundtrip.Detail{Pointer: "/old", Code: "wrong", Message: sentence})
	}
	i.names.reset(key)
	if err := i.checkPassword(password, "/new", account); err != nil {
		return err
	}
	return i.setPassword(ctx, credential, password, who.Session)
}

// setPassword writes a new password; all sessions but keep are over when it returns.
func (i *Identity) setPassword(ctx context.Context, credential roundtrip.Credential, password string, keep roundtrip.ID) error {
	encoded, err := i.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	credential.Password = encoded
	err = i.accounts.SetCredential(ctx, credential, keep)
	i.cache.forget(credential.Account, 0, keep)
	return err
}

func noAccounts() *roundtrip.Error {
	return roundtrip.E(roundtrip.Missing, "request.unknown_path", "there are no accounts here; declare identity.accounts to have some")
}

func missing() *roundtrip.Error {
	return roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "nobody is signed in; send the session cookie or Authorization: Bearer TOKEN")
}
