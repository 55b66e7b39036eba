package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip"
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
	body, err := x.json(jsonType)
	if err != nil {
		return err
	}
	call := &roundtrip.Call{
		Action: roundtrip.Create, Collection: people.Users(), Input: roundtrip.NewRecord(people.Users()),
		Time: x.door.core.Now(), Addr: x.addr(),
	}
	var password string
	if err := decodeRecord(call, body, textMember{"password", &password}); err != nil {
		return err
	}
	if err := x.checkAccount(call, password); err != nil {
		return err
	}
	grant, err := people.SignUp(x.r.Context(), call.Input, password, x.device())
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
	grant, err := people.SignIn(x.r.Context(), login, password, x.device())
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
		wrongField(&call, names[0], "required", "the account's name is needed: "+nearestOr("", names, ""))
	case given > 1:
		wrongField(&call, names[0], "ambiguous", "name the account by one field only")
	}
	if password == "" {
		wrongField(&call, "password", "required", "the password is needed")
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
		x.clearCookie()
	case !x.cookie || roundtrip.AsError(err).Kind != roundtrip.Unauthenticated: // else who has cleared it
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
		b = appendString(b, []byte(role))
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
		return roundtrip.E(roundtrip.Missing, "store.missing", "you have no session %q; GET auth/sessions lists them", cut(x.at.args[0], 64))
	}
	if err := x.door.core.Identity().EndSession(x.r.Context(), who, id); err != nil {
		return err
	}
	if id == who.Session {
		x.clearCookie()
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
	if err := x.door.core.Identity().ChangePassword(x.r.Context(), who, old, password); err != nil {
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
}

func (x *exchange) who() (*roundtrip.Principal, error) {
	who, err := x.door.core.Identity().Who(x.r.Context(), x.visit.Token)
	if err != nil {
		x.dropCookie(err)
	}
	return who, err
}

// dropCookie clears a cookie that proves nothing any more. A script can't do it, and with it the page would not even be
// answered what strangers may see.
func (x *exchange) dropCookie(err error) {
	if e := roundtrip.AsError(err); x.cookie && (e.Reason == "auth.expired" || e.Reason == "auth.invalid") {
		x.clearCookie()
	}
}

func (x *exchange) device() identity.Device {
	return identity.Device{Name: x.r.UserAgent(), Addr: x.addr()}
}

// grant answers with a new session. Where the session cookie works it is set, and the token stays out of the body, where
// a script that was smuggled into the page could read it.
func (x *exchange) grant(status int, g *identity.Grant) error {
	inBody := true
	switch x.caller() {
	case samePage:
		x.setCookie(g.Token, g.Session.Ends.Sub(g.Session.Created))
		inBody = false
	case noPage:
		x.setCookie(g.Token, g.Session.Ends.Sub(g.Session.Created))
	case otherPage: // a Lax cookie would not come back from there; and no other site signs anybody in here
	}
	b := append(x.answer.out[:0], `{"account":`...)
	b = x.door.byPlace[g.Account.Collection].appendRecord(b, g.Account, nil)
	b = append(b, `,"session":`...)
	b = appendSession(b, &g.Session, true)
	if inBody {
		b = append(b, `,"token":`...)
		b = appendString(b, []byte(g.Token))
	}
	x.answer.out = append(b, '}')
	return x.sendPrivate(status, x.answer.out)
}

// pageKind is where a request was made.
type pageKind uint8

const (
	noPage    pageKind = iota // an app or a command, no browser
	samePage                  // a page of this site, to which the cookie comes back
	otherPage                 // a page of another site, by CORS
)

// caller tells the kinds apart by Fetch Metadata (https://www.w3.org/TR/fetch-metadata/), which browsers send over TLS,
// and else by the Origin header.
func (x *exchange) caller() pageKind {
	switch x.r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "same-site", "none":
		return samePage
	case "cross-site":
		return otherPage
	}
	origin := x.r.Header.Get("Origin")
	if origin == "" {
		return noPage
	}
	if u, err := url.Parse(origin); err == nil && u.Host == x.r.Host {
		return samePage
	}
	return otherPage
}

// setCookie hands the token to the browser until the session's absolute end.
func (x *exchange) setCookie(token string, lasts time.Duration) {
	http.SetCookie(x.w, x.sessionCookie(token, int(lasts/time.Second)))
}

func (x *exchange) clearCookie() { http.SetCookie(x.w, x.sessionCookie("", -1)) }

func (x *exchange) sessionCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is off on plain HTTP alone, where a browser would drop the cookie
		Name: sessionCookie(x.r), Value: value, Path: "/", MaxAge: maxAge,
		Secure: x.r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// appendSession appends a session as the account's owner sees it. Its hash stays inside.
func appendSession(b []byte, s *roundtrip.Session, current bool) []byte {
	b = append(b, `{"id":"`...)
	b = s.ID.AppendTo(b)
	b = append(b, `","create_time":"`...)
	b = roundtrip.AppendTime(b, s.Created.UnixMicro())
	b = append(b, `","last_use_time":"`...)
	b = roundtrip.AppendTime(b, s.LastUsed.UnixMicro())
	b = append(b, `","expire_time":"`...)
	b = roundtrip.AppendTime(b, s.Expires.UnixMicro())
	b = append(b, `","name":`...)
	b = appendString(b, []byte(s.Name))
	b = append(b, `,"address":`...)
	if s.Addr.IsValid() {
		b = appendString(b, []byte(s.Addr.String()))
	} else {
		b = append(b, "null"...)
	}
	if current {
		return append(b, `,"current":true}`...)
	}
	return append(b, `,"current":false}`...)
}

// sendPrivate is send for what must lie in no cache, not even the browser's own.
func (x *exchange) sendPrivate(status int, body []byte) error {
	h := x.w.Header()
	x.secure(h, x.door.fixed.json)
	h["Cache-Control"] = x.door.fixed.noStore
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(status)
	_, err := x.w.Write(body)
	return x.aborted(err)
}

// decodeTexts reads a whole body as one object of texts.
func decodeTexts(body []byte, members []textMember) error {
	d := newDecoder(body)
	if err := d.open('{', `an object is expected, such as {"name":"value"}`); err != nil {
		return err
	}
	var call roundtrip.Call // collects what is wrong
	for d.dec.PeekKind() != '}' {
		name, err := d.dec.ReadToken()
		if err != nil {
			return d.failed(err)
		}
		if err := d.textMember(&call, name.String(), members); err != nil {
			return d.failed(err)
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return d.failed(err)
	}
	if err := d.end(); err != nil {
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
	wrongField(call, name, "unknown_field", "there is no member "+cut(name, 64)+" here; did you mean "+nearestOr(name, names, "")+"?")
	return d.dec.SkipValue()
}
