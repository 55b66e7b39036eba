package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/internal/tries"
)

// signIn begins a session of an operator who proves it with a password.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := readJSON(r, &in); err != nil {
		return err
	}
	in.Name = strings.ToLower(strings.TrimSpace(in.Name))
	at := network(c.client(r))
	var known operators.Operator
	err := c.guess(r, in.Name, func(ctx context.Context) (err error) {
		known, err = c.book.Check(ctx, in.Name, in.Password, at)
		return err
	})
	if err != nil {
		if roundtrip.AsError(err).Kind == roundtrip.Unauthenticated {
			err = errors.Join(c.noteRefused(Entry{Who: in.Name, From: at, What: "sign-in", Refused: "auth.invalid"}), err)
		}
		return err
	}
	return c.enter(w, r, Operator{Name: known.Name, Role: known.Role, From: at}, "sign-in")
}

// guess lets check try a password of a name, and makes those wait who try too many: an address, whatever the name; a
// network, of one name; and all networks together in which the operator of that name never was. So a stranger can't keep an
// operator out of the console who comes from where they always come from, or from the machine itself.
func (c *Console) guess(r *http.Request, name string, check func(ctx context.Context) error) error {
	at := network(c.client(r))
	from, pair, all := tries.AddrKey(c.client(r)), tries.NameKey(name+"\n"+at), tries.NameKey(name)
	if wait := c.places.Wait(from); wait > 0 {
		return rateLimited(wait)
	}
	known, err := c.book.Knows(name, at)
	if err != nil {
		return err
	}
	if wait := c.names.Take(pair); wait > 0 {
		return rateLimited(wait)
	}
	if !known && at != loopback {
		if wait := c.everywhere.Take(all); wait > 0 {
			c.names.GiveBack(pair)
			return rateLimited(wait)
		}
	}
	err = check(r.Context())
	switch {
	case err == nil:
		c.names.Reset(pair)
	case roundtrip.AsError(err).Kind == roundtrip.Unauthenticated:
		c.places.Take(from)
		return err
	default:
		c.names.GiveBack(pair)
	}
	if !known && at != loopback {
		c.everywhere.GiveBack(all)
	}
	return err
}

// claim makes an operator of who has a link, and signs them in. A link of dev makes no account.
func (c *Console) claim(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Token    string `json:"token"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := readJSON(r, &in); err != nil {
		return err
	}
	from := tries.AddrKey(c.client(r))
	if wait := c.places.Wait(from); wait > 0 {
		return rateLimited(wait)
	}
	o := Operator{Name: operators.Guest, Role: operators.Owner, Guest: true, From: network(c.client(r))}
	if !c.guests.claim(in.Token) {
		known, err := c.newOperator(r, in.Token, in.Name, in.Password)
		if err != nil {
			return err
		}
		o.Name, o.Role, o.Guest = known.Name, known.Role, false
	}
	return c.enter(w, r, o, "sign-in")
}

// newOperator makes an operator of who has a link. That it was tried is noted first.
func (c *Console) newOperator(r *http.Request, token, name, password string) (operators.Operator, error) {
	e := Entry{Who: strings.ToLower(strings.TrimSpace(name)), From: network(c.client(r)), What: "claim"}
	if err := c.book.Open(token); err != nil {
		if roundtrip.AsError(err).Reason == "console.link_dead" {
			c.places.Take(tries.AddrKey(c.client(r)))
			e.Refused = "console.link_dead"
			return operators.Operator{}, errors.Join(c.noteRefused(e), err)
		}
		return operators.Operator{}, err
	}
	if err := c.book.Allow(name, password); err != nil {
		return operators.Operator{}, err
	}
	if err := c.note(e); err != nil {
		return operators.Operator{}, err
	}
	known, err := c.book.Claim(r.Context(), token, name, password, e.From)
	if err != nil {
		e.Refused = roundtrip.AsError(err).Reason
		return known, errors.Join(c.note(e), err)
	}
	return known, nil
}

// enter begins a session and answers with who it is.
func (c *Console) enter(w http.ResponseWriter, r *http.Request, o Operator, what string) error {
	if err := c.note(Entry{Who: o.Name, Role: o.Role.String(), From: o.From, What: what}); err != nil {
		return err
	}
	token, err := operators.NewToken(c.options.Rand)
	if err != nil {
		return err
	}
	if old, err := r.Cookie(c.cookieName()); err == nil {
		c.sessions.end(old.Value)
	}
	c.sessions.begin(token, o.Name, o.Guest)
	c.setCookie(w, token, sessionAbsolute)
	return c.writeJSON(w, c.shown(o))
}

// signOut ends a session. It is the one deed that is done though it can't be noted: a full disk must keep nobody signed in.
func (c *Console) signOut(w http.ResponseWriter, r *http.Request) error {
	c.sessions.end(c.cookieOf(r))
	c.setCookie(w, "", -time.Second)
	if err := Note(r.Context(), Entry{What: "sign-out"}); err != nil {
		c.options.Log.Error("console: somebody signed out, and the audit log does not have it", "error", err)
	}
	return c.writeJSON(w, struct{}{})
}

// changePassword gives the operator who is signed in another password, if they know the one that they have. Their sessions
// elsewhere end: who changes a password may do so because somebody else knows it.
func (c *Console) changePassword(r *http.Request) (any, error) {
	var in struct {
		Current  string `json:"current"`
		Password string `json:"password"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	o, _ := OperatorFrom(r.Context())
	if o.Guest {
		return nil, roundtrip.E(roundtrip.Unprocessable, "console.no_operator", "the link of dev is no account, and has no password")
	}
	if err := c.book.Allow(o.Name, in.Password); err != nil {
		return nil, err
	}
	err := c.guess(r, o.Name, func(ctx context.Context) error {
		e := Entry{What: "operator.password", Target: o.Name}
		if err := Note(ctx, e); err != nil {
			return err
		}
		err := c.book.SetPassword(ctx, o.Name, in.Current, in.Password)
		if err == nil {
			return nil
		}
		e.Refused = roundtrip.AsError(err).Reason
		return errors.Join(Note(ctx, e), err)
	})
	if err != nil && roundtrip.AsError(err).Kind == roundtrip.Unauthenticated { // the session is as good as before
		return nil, roundtrip.E(roundtrip.Unprocessable, "auth.invalid", "the current password is wrong").
			With(roundtrip.Detail{Pointer: "/current", Code: "wrong", Message: "this is not your password"})
	}
	if err != nil {
		return nil, err
	}
	c.sessions.endOf(o.Name, c.cookieOf(r))
	return struct{}{}, nil
}

func rateLimited(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	e := roundtrip.E(roundtrip.Limited, "auth.rate_limited", "too many tries; try again in %s s", strconv.Itoa(seconds))
	e.Retry = time.Duration(seconds) * time.Second
	return e
}
