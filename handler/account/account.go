// Package account is where people sign up, in and out, the same at every door: what is asked of them, in which order it is
// looked at, and how a browser and an app each get what proves the session. A door reads what came and writes what is
// answered.
package account

import (
	"context"
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Desk serves one caller over HTTP. It is made for one request and not kept.
type Desk struct {
	Core    *handler.Core
	Guard   *caller.Guard
	From    handler.Caller
	Request *http.Request
	Header  http.Header // of the answer: cookies are set and cleared there
}

// Who tells who calls. A cookie that proves nothing any more is cleared.
func (d *Desk) Who(ctx context.Context) (*roundtrip.Principal, error) {
	who, err := d.Core.Identity().Who(ctx, d.From.Token)
	if err != nil {
		caller.DropCookie(d.Header, d.Request, d.From, err)
	}
	return who, err
}

// Account tells who is signed in: Unauthenticated auth.missing for a stranger.
func (d *Desk) Account(ctx context.Context) (*roundtrip.Principal, error) {
	who, err := d.Who(ctx)
	if err == nil && who.Stranger() {
		return nil, identity.Missing()
	}
	return who, err
}

// Begin begins a sign-up: the door puts the fields of the account into the input of the call that it returns. It refuses
// where nobody may sign up.
func (d *Desk) Begin() (*roundtrip.Call, error) {
	people := d.Core.Identity()
	if err := people.CanSignUp(); err != nil {
		return nil, err
	}
	if len(d.Request.Header["Idempotency-Key"]) > 0 { // the first answer had a token, which is kept nowhere and can't be given again
		const message = "a sign-up takes no Idempotency-Key; after a lost answer, sign in"
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "the header Idempotency-Key is wrong: %s", message).
			With(roundtrip.Detail{Parameter: "Idempotency-Key", Code: "header", Message: message})
	}
	return &roundtrip.Call{
		Action: roundtrip.Create, Collection: people.Users(), Input: roundtrip.NewRecord(people.Users()),
		Time: d.Core.Now(), Addr: d.From.Addr,
	}, nil
}

// SignUp makes an account and its first session. What is wrong with the fields, and with the password, is said at once. The
// grant has its token only where that belongs into the answer.
func (d *Desk) SignUp(ctx context.Context, call *roundtrip.Call, password string) (*identity.Grant, error) {
	if call.Input.Set[roundtrip.FieldID] {
		input.Wrong(call, "id", "read_only", "the id of a new account is set by the server; leave it out")
	}
	if err := d.checkAccount(ctx, call, password); err != nil {
		return nil, err
	}
	return d.hand(d.Core.Identity().SignUp(ctx, call.Input, password, caller.Device(d.Request, d.From)))
}

func (d *Desk) checkAccount(ctx context.Context, call *roundtrip.Call, password string) error {
	step := trace.From(ctx).Begin(trace.Schema, call.Collection.Name)
	weak := d.Core.Identity().CheckPassword(password, call.Input)
	err := d.Core.Schema().Check(call, &roundtrip.Principal{})
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

// hand gives a new session to who asked for it.
func (d *Desk) hand(grant *identity.Grant, err error) (*identity.Grant, error) {
	if err != nil {
		return nil, err
	}
	grant.Token = d.Guard.Hand(d.Header, d.Request, grant)
	return grant, nil
}

// ChangePassword sets a new password for who knows the old one; all other sessions end. That nobody is signed in goes before
// what is missing.
func (d *Desk) ChangePassword(ctx context.Context, who *roundtrip.Principal, old, password string) error {
	var call roundtrip.Call
	if old == "" {
		input.Wrong(&call, "old", "required", "the password as it is now is missing, in \"old\"")
	}
	if password == "" {
		input.Wrong(&call, "new", "required", "the password as it is to be is missing, in \"new\"")
	}
	if len(call.Wrong) > 0 && !who.Stranger() {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", call.Wrong[0].Message).With(call.Wrong...)
	}
	return d.Core.Identity().ChangePassword(ctx, who, old, password)
}
