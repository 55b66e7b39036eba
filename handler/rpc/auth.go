package rpc

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/account"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/identity"
)

// authMethods is the service of accounts and their sessions. What proves a session, or tells of one, lies in no cache.
func (d *Door) authMethods() []method {
	return []method{
		{name: "SignUp", unary: private(signUp)},
		{name: "SignIn", unary: private(signIn)},
		{name: "SignOut", unary: private(signOut)},
		{name: "Me", reads: true, unary: private(me)},
		{name: "ListSessions", reads: true, unary: private(listSessions)},
		{name: "EndSession", unary: private(endSession)},
		{name: "EndOtherSessions", unary: private(endOtherSessions)},
		{name: "ChangePassword", unary: private(changePassword)},
	}
}

// private is a method whose answer lies in no cache, not even the browser's own.
func private(unary func(context.Context, *call) error) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		c.header["Cache-Control"] = []string{"no-store"}
		return unary(ctx, c)
	}
}

// desk is where people sign up, in and out.
func (c *call) desk() *account.Desk {
	c.atDesk = true
	return &account.Desk{Core: c.door.core, Guard: c.door.guard, From: c.from, Request: c.request, Header: c.header}
}

// signUp makes an account of the fields that are given, and signs in to it.
func signUp(ctx context.Context, c *call) error {
	desk := c.desk()
	call, err := desk.Begin()
	if err != nil {
		return err
	}
	var password string
	fields := c.door.plans.Of(call.Collection).Input(c.format, call)
	err = wire.Read(c.format, c.in, wire.Table{{Number: 1, Name: "account", To: fields}, {Number: 2, Name: "password", To: &password}})
	if err != nil {
		return err
	}
	if err := fields.Done(nil, nil); err != nil { // no files: a stranger sends none
		return err
	}
	grant, err := desk.SignUp(ctx, call, password)
	if err != nil {
		return err
	}
	c.grant(grant)
	return nil
}

func signIn(ctx context.Context, c *call) error {
	var login, field, password string
	err := wire.Read(c.format, c.in, wire.Table{
		{Number: 1, Name: "login", To: &login}, {Number: 2, Name: "field", To: &field}, {Number: 3, Name: "password", To: &password},
	})
	if err != nil {
		return err
	}
	if err := c.namesAccounts(field); err != nil {
		return err
	}
	name := account.Name{Member: "login", Login: identity.Login{Field: field, Value: login}}
	grant, err := c.desk().SignIn(ctx, []account.Name{name}, name.Member, password)
	if err != nil {
		return err
	}
	c.grant(grant)
	return nil
}

// namesAccounts refuses a field that names no account at sign-in.
func (c *call) namesAccounts(field string) error {
	names := c.door.core.Identity().Login()
	if field == "" {
		return nil
	}
	for _, name := range names {
		if name == field {
			return nil
		}
	}
	var call roundtrip.Call
	input.Wrong(&call, "field", "wrong_value", "no account is named by "+input.Cut(field, 64)+"; "+input.MeantOf(field, names))
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", call.Wrong[0].Message).With(call.Wrong...)
}

// grant answers with a new session.
func (c *call) grant(g *identity.Grant) {
	var w wire.Writer
	w.Start(c.out, c.format)
	w.Record(1, "account", c.door.plans.Of(g.Account.Collection), g.Account, nil)
	w.Message(2, "session")
	writeSession(&w, &g.Session, true)
	w.End()
	w.String(3, "token", g.Token)
	c.out = w.Bytes()
}

// writeSession writes a session as the account's owner sees it. Its hash stays inside.
func writeSession(w *wire.Writer, s *roundtrip.Session, current bool) {
	w.String(1, "id", s.ID.String())
	w.Time(2, "create_time", s.Created.UnixMicro())
	w.Time(3, "last_use_time", s.LastUsed.UnixMicro())
	w.Time(4, "expire_time", s.Expires.UnixMicro())
	w.String(5, "name", s.Name)
	if s.Addr.IsValid() {
		w.String(6, "address", s.Addr.String())
	}
	w.Bool(7, "current", current)
}

func signOut(ctx context.Context, c *call) error {
	if err := wire.Read(c.format, c.in, nil); err != nil {
		return err
	}
	return c.empty(c.desk().SignOut(ctx))
}

// empty answers with the empty message.
func (c *call) empty(err error) error {
	if err == nil && c.format == wire.JSON {
		c.out = append(c.out, '{', '}')
	}
	return err
}

// me tells of the account as it is now, its roles and the session.
func me(ctx context.Context, c *call) error {
	if err := wire.Read(c.format, c.in, nil); err != nil {
		return err
	}
	who, err := c.desk().Who(ctx)
	if err != nil {
		return err
	}
	record, roles, err := c.door.core.Identity().Account(ctx, who)
	if err != nil {
		return err
	}
	var w wire.Writer
	w.Start(c.out, c.format)
	w.Record(1, "account", c.door.plans.Of(record.Collection), record, nil)
	w.Strings(2, "roles", roles)
	w.String(3, "session", who.Session.String())
	c.out = w.Bytes()
	return nil
}

func listSessions(ctx context.Context, c *call) error {
	if err := wire.Read(c.format, c.in, nil); err != nil {
		return err
	}
	who, err := c.desk().Who(ctx)
	if err != nil {
		return err
	}
	all, err := c.door.core.Identity().Sessions(ctx, who)
	if err != nil {
		return err
	}
	var w wire.Writer
	w.Start(c.out, c.format)
	w.List(1, "sessions")
	for i := range all {
		w.Item()
		writeSession(&w, &all[i], all[i].ID == who.Session)
		w.End()
	}
	w.EndList()
	c.out = w.Bytes()
	return nil
}

func endSession(ctx context.Context, c *call) error {
	var id string
	if err := wire.Read(c.format, c.in, wire.Table{{Number: 1, Name: "id", To: &id}}); err != nil {
		return err
	}
	return c.empty(c.desk().EndSession(ctx, id, "ListSessions"))
}

func endOtherSessions(ctx context.Context, c *call) error {
	if err := wire.Read(c.format, c.in, nil); err != nil {
		return err
	}
	return c.empty(c.desk().EndOtherSessions(ctx))
}

func changePassword(ctx context.Context, c *call) error {
	desk := c.desk()
	who, err := desk.Who(ctx)
	if err != nil {
		return err
	}
	var old, password string
	if err := wire.Read(c.format, c.in, wire.Table{{Number: 1, Name: "old", To: &old}, {Number: 2, Name: "new", To: &password}}); err != nil {
		return err
	}
	return c.empty(desk.ChangePassword(ctx, who, old, password))
}
