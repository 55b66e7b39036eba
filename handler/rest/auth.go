package rest

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// authRoutes are the paths of identity. All of their answers are no-store.
func authRoutes() []route {
	return []route{
		{"POST", authShape, "auth/sign-up", (*exchange).signUp},
		{"POST", authShape, "auth/sign-in", (*exchange).signIn},
		{"POST", authShape, "auth/sign-out", (*exchange).signOut},
		{"GET", authShape, "auth/me", (*exchange).me},
		{"GET", authShape, "auth/sessions", (*exchange).sessions},
		{"DELETE", authShape, "auth/sessions", (*exchange).endOtherSessions},
		{"DELETE", authShape, "auth/sessions/{id}", (*exchange).endSession},
		{"POST", authShape, "auth/password", (*exchange).changePassword},
	}
}

// signUp answers POST auth/sign-up: the fields of a new account, and its password.
func (x *exchange) signUp() error {
	people := x.door.core.Identity()
	if err := x.noParameters(); err != nil {
		return err
	}
	if err := people.CanSignUp(); err != nil {
		return err
	}
	if len(x.r.Header["Idempotency-Key"]) > 0 { // the first answer had a token, which is kept nowhere and can't be given again
		return badHeader("Idempotency-Key", "auth/sign-up takes no Idempotency-Key; after a lost answer, sign in")
	}
	body, err := x.json(jsonType)
	if err != nil {
		return err
	}
	call := &roundtrip.Call{
		Action: roundtrip.Create, Collection: people.Users(), Input: roundtrip.NewRecord(people.Users()),
		Time: x.door.core.Now(), Addr: x.from.Addr,
	}
	var password string
	if err := decodeRecord(call, body, textMember{"password", &password}); err != nil {
		return err
	}
	if call.Input.Set[roundtrip.FieldID] {
		input.Wrong(call, "id", "read_only", "the id of a new account is set by the server; leave it out")
	}
	if err := x.checkAccount(call, password); err != nil {
		return err
	}
	grant, err := people.SignUp(x.r.Context(), call.Input, password, caller.Device(x.r, x.from))
	if err != nil {
		return err
	}
	x.w.Header()["Location"] = []string{x.door.byPlace[people.Users()].location + grant.Account.ID().String()}
	return x.grant(http.StatusCreated, grant)
}

// checkAccount says at once what is wrong with the fields and with the password.
func (x *exchange) checkAccount(call *roundtrip.Call, password string) error {
	step := x.journey.Begin(trace.Schema, call.Collection.Name)
	weak := x.door.core.Identity().CheckPassword(password, call.Input)
	err := x.door.core.Schema().Check(call, &roundtrip.Principal{})
	if err == nil {
		step.OK()
		return weak
	}
	e := roundtrip.AsError(err)
	if weak != nil && e.Kind == roundtrip.Invalid {
		_ = e.With(roundtrip.AsError(weak).Details...)
	}
	step.Deny(trace.ReasonOf(e.Reason))
	return e
}

// signIn answers POST auth/sign-in: {"handle":"ana","password":"…"}, the login field by its own name or any of them as
// "login".
func (x *exchange) signIn() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	people := x.door.core.Identity()
	if people.Users() == nil {
		return unknownPath("there are no accounts here; declare identity.accounts to have some")
	}
	body, err := x.json(jsonType)
	if err != nil {
		return err
	}
	names := people.Login()
	values := make([]string, len(names)+1)
	var password string
	members := []textMember{{"password", &password}}
	for i, name := range names {
		members = append(members, textMember{name, &values[i]})
	}
	members = append(members, textMember{"login", &values[len(names)]}) // a field of that name goes before
	if err := decodeTexts(body, members); err != nil {
		return err
	}
	login, err := oneLogin(names, values, password)
	if err != nil {
		return err
	}
	grant, err := people.SignIn(x.r.Context(), login, password, caller.Device(x.r, x.from))
	if err != nil {
		return err
	}
	return x.grant(http.StatusOK, grant)
}

// oneLogin finds the one name that was given. values are those of names, and that of "login" last.
func oneLogin(names, values []string, password string) (identity.Login, error) {
	var login identity.Login
	given := 0
	for i, value := range values {
		if value == "" {
			continue
		}
		login = identity.Login{Value: value}
		if i < len(names) {
			login.Field = names[i]
		}
		given++
	}
	var call roundtrip.Call
	switch {
	case given == 0:
		input.Wrong(&call, names[0], "required", "the account's name is missing, in "+input.Either(names))
	case given > 1:
		input.Wrong(&call, names[0], "ambiguous", "name the account by one field only")
	}
	if password == "" {
		input.Wrong(&call, "password", "required", "the password is missing")
	}
	if len(call.Wrong) > 0 {
		return login, roundtrip.E(roundtrip.Invalid, "request.invalid", "a sign-in is the account's name and its password").With(call.Wrong...)
	}
	return login, nil
}

// signOut answers POST auth/sign-out. A cookie that proves nothing is cleared all the same.
func (x *exchange) signOut() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	who, err := x.who()
	switch {
	case err == nil:
		if err := x.door.core.Identity().SignOut(x.r.Context(), who); err != nil {
			return err
		}
		caller.ClearCookie(x.w.Header(), x.r)
	case !x.from.Cookie || roundtrip.AsError(err).Kind != roundtrip.Unauthenticated: // else who has cleared it
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
}

// me answers GET auth/me: the account as it is now, its roles and the session.
func (x *exchange) me() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	who, err := x.who()
	if err != nil {
		return err
	}
	account, roles, err := x.door.core.Identity().Account(x.r.Context(), who)
	if err != nil {
		return err
	}
	b := append(x.answer.out[:0], `{"account":`...)
	b = x.door.byPlace[account.Collection].appendRecord(b, account, nil)
	b = append(b, `,"roles":[`...)
	for i, role := range roles {
		if i > 0 {
			b = append(b, ',')
		}
		b = input.AppendString(b, []byte(role))
	}
	b = append(b, `],"session":"`...)
	b = who.Session.AppendTo(b)
	x.answer.out = append(b, '"', '}')
	return x.sendPrivate(http.StatusOK, x.answer.out)
}

// sessions answers GET auth/sessions.
func (x *exchange) sessions() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	who, err := x.who()
	if err != nil {
		return err
	}
	all, err := x.door.core.Identity().Sessions(x.r.Context(), who)
	if err != nil {
		return err
	}
	b := append(x.answer.out[:0], `{"sessions":[`...)
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSession(b, &all[i], all[i].ID == who.Session)
	}
	x.answer.out = append(b, ']', '}')
	return x.sendPrivate(http.StatusOK, x.answer.out)
}

// endSession answers DELETE auth/sessions/ID.
func (x *exchange) endSession() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	who, err := x.who()
	if err != nil {
		return err
	}
	id, ok := roundtrip.ParseID(x.at.args[0])
	if !ok && !who.Stranger() {
		return roundtrip.E(roundtrip.Missing, "store.missing", "you have no session %q; GET auth/sessions lists them", input.Cut(x.at.args[0], 64))
	}
	if err := x.door.core.Identity().EndSession(x.r.Context(), who, id); err != nil {
		return err
	}
	if id == who.Session {
		caller.ClearCookie(x.w.Header(), x.r)
	}
	return x.sendEmpty(http.StatusNoContent, "")
}

// endOtherSessions answers DELETE auth/sessions: this device alone stays signed in.
func (x *exchange) endOtherSessions() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	who, err := x.who()
	if err != nil {
		return err
	}
	if err := x.door.core.Identity().EndOtherSessions(x.r.Context(), who); err != nil {
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
}

// changePassword answers POST auth/password: {"old":"…","new":"…"}. All other sessions end.
func (x *exchange) changePassword() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	who, err := x.who()
	if err != nil {
		return err
	}
	body, err := x.json(jsonType)
	if err != nil {
		return err
	}
	var old, password string
	if err := decodeTexts(body, []textMember{{"old", &old}, {"new", &password}}); err != nil {
		return err
	}
	if err := bothPasswords(who, old, password); err != nil {
		return err
	}
	if err := x.door.core.Identity().ChangePassword(x.r.Context(), who, old, password); err != nil {
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
}

// bothPasswords says which of the two is missing; that nobody is signed in goes before that.
func bothPasswords(who *roundtrip.Principal, old, password string) error {
	var call roundtrip.Call
	if old == "" {
		input.Wrong(&call, "old", "required", "the password as it is now is missing, in \"old\"")
	}
	if password == "" {
		input.Wrong(&call, "new", "required", "the password as it is to be is missing, in \"new\"")
	}
	if len(call.Wrong) == 0 || who.Stranger() {
		return nil
	}
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", call.Wrong[0].Message).With(call.Wrong...)
}

func (x *exchange) who() (*roundtrip.Principal, error) {
	who, err := x.door.core.Identity().Who(x.r.Context(), x.visit.Token)
	if err != nil {
		caller.DropCookie(x.w.Header(), x.r, x.from, err)
	}
	return who, err
}

// decodeTexts reads a whole body as one object of texts.
func decodeTexts(body []byte, members []textMember) error {
	d := newDecoder(body)
	if err := d.Open('{', `an object is expected, such as {"name":"value"}`); err != nil {
		return err
	}
	var call roundtrip.Call // collects what is wrong
	for d.Dec.PeekKind() != '}' {
		name, err := d.Dec.ReadToken()
		if err != nil {
			return d.Failed(err)
		}
		if err := d.textMember(&call, name.String(), members); err != nil {
			return d.Failed(err)
		}
	}
	if _, err := d.Dec.ReadToken(); err != nil {
		return d.Failed(err)
	}
	if err := d.End(); err != nil {
		return err
	}
	if len(call.Wrong) > 0 {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", call.Wrong[0].Message).With(call.Wrong...)
	}
	return nil
}

func (d *decoder) textMember(call *roundtrip.Call, name string, members []textMember) error {
	names := make([]string, len(members))
	for i, m := range members {
		if m.name == name {
			return d.text(call, name, m.to)
		}
		names[i] = m.name
	}
	input.Wrong(call, name, "unknown_field", "there is no member "+input.Cut(name, 64)+" here; "+input.MeantOf(name, names))
	return d.Dec.SkipValue()
}
