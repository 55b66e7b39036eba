package rest

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/account"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/identity"
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

// desk is where people sign up, in and out.
func (x *exchange) desk() *account.Desk {
	return &account.Desk{Core: x.door.core, Guard: x.door.guard, From: x.from, Request: x.r, Header: x.w.Header()}
}

func (x *exchange) who() (*roundtrip.Principal, error) { return x.desk().Who(x.r.Context()) }

// signUp answers POST auth/sign-up: the fields of a new account, and its password.
func (x *exchange) signUp() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	desk := x.desk()
	call, err := desk.Begin()
	if err != nil {
		return err
	}
	body, err := x.json(jsonType)
	if err != nil {
		return err
	}
	var password string
	if err := decodeRecord(call, body, textMember{"password", &password}); err != nil {
		return err
	}
	grant, err := desk.SignUp(x.r.Context(), call, password)
	if err != nil {
		return err
	}
	x.w.Header()["Location"] = []string{x.door.byPlace[call.Collection].location + grant.Account.ID().String()}
	return x.grant(http.StatusCreated, grant)
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
	fields := people.Login()
	names := make([]account.Name, 0, len(fields)+1)
	for _, field := range fields {
		names = append(names, account.Name{Member: field, Login: identity.Login{Field: field}})
	}
	names = append(names, account.Name{Member: "login"}) // a field of that name goes before
	var password string
	members := []textMember{{"password", &password}}
	for i := range names {
		members = append(members, textMember{names[i].Member, &names[i].Value})
	}
	if err := decodeTexts(body, members); err != nil {
		return err
	}
	grant, err := x.desk().SignIn(x.r.Context(), names, input.Either(fields), password)
	if err != nil {
		return err
	}
	return x.grant(http.StatusOK, grant)
}

// signOut answers POST auth/sign-out.
func (x *exchange) signOut() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	if err := x.desk().SignOut(x.r.Context()); err != nil {
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
	record, roles, err := x.door.core.Identity().Account(x.r.Context(), who)
	if err != nil {
		return err
	}
	b := append(x.answer.out[:0], `{"account":`...)
	b = x.door.byPlace[record.Collection].appendRecord(b, record, nil)
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
	if err := x.desk().EndSession(x.r.Context(), x.at.args[0], "GET auth/sessions"); err != nil {
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
}

// endOtherSessions answers DELETE auth/sessions: this device alone stays signed in.
func (x *exchange) endOtherSessions() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	if err := x.desk().EndOtherSessions(x.r.Context()); err != nil {
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
	if err := x.desk().ChangePassword(x.r.Context(), who, old, password); err != nil {
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
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
