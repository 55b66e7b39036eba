package account

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// SignOut ends the session that made the call. A cookie that proves nothing is cleared all the same.
func (d *Desk) SignOut(ctx context.Context) error {
	who, err := d.Who(ctx)
	switch {
	case err == nil:
		if err := d.Core.Identity().SignOut(ctx, who); err != nil {
			return err
		}
		caller.ClearCookie(d.Header, d.Request)
	case !d.From.Cookie || roundtrip.AsError(err).Kind != roundtrip.Unauthenticated: // else Who has cleared it
		return err
	}
	return nil
}

// EndSession ends one session of the caller, whose id came as text. list says where the ids are found.
func (d *Desk) EndSession(ctx context.Context, text, list string) error {
	who, err := d.Who(ctx)
	if err != nil {
		return err
	}
	id, ok := roundtrip.ParseID(text)
	if !ok && !who.Stranger() {
		return roundtrip.E(roundtrip.Missing, "store.missing", "you have no session %q; %s lists them", input.Cut(text, 64), list)
	}
	if err := d.Core.Identity().EndSession(ctx, who, id); err != nil {
		return err
	}
	if id == who.Session {
		caller.ClearCookie(d.Header, d.Request)
	}
	return nil
}

// EndOtherSessions leaves the caller signed in here alone.
func (d *Desk) EndOtherSessions(ctx context.Context) error {
	who, err := d.Who(ctx)
	if err != nil {
		return err
	}
	return d.Core.Identity().EndOtherSessions(ctx, who)
}
