package console

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/internal/tries"
)

const (
	sessionIdle     = 12 * time.Hour
	sessionAbsolute = 7 * 24 * time.Hour
	sessionsMax     = 500
	guestLinkLife   = 12 * time.Hour // of the link that dev prints
)

// Operator is who asks.
type Operator struct {
	Name  string
	Role  operators.Role
	Guest bool   // came in by the link of dev, without an account
	From  string // the network that they ask from
}

type operatorKey struct{}

// OperatorFrom returns the operator of a request; ok is false where nobody is signed in.
func OperatorFrom(ctx context.Context) (o Operator, ok bool) {
	o, ok = ctx.Value(operatorKey{}).(Operator)
	return o, ok
}

// sessions are who is signed in. They are kept in memory alone, so that no file opens the console: a restart signs out.
type sessions struct {
	now func() time.Time

	mu   sync.Mutex // guards list
	list map[[32]byte]*session
}

type session struct {
	name        string
	guest       bool
	began, used time.Time
	accounts    map[string]account // of the page API: who they are at a site
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, list: map[[32]byte]*session{}}
}

// begin keeps a new session under its token.
func (s *sessions) begin(token, name string, guest bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for len(s.list) >= sessionsMax { // the one that was used least recently goes
		var oldest [32]byte
		for key, one := range s.list {
			if at := s.list[oldest]; at == nil || one.used.Before(at.used) {
				oldest = key
			}
		}
		delete(s.list, oldest)
	}
	s.list[sha256.Sum256([]byte(token))] = &session{name: name, guest: guest, began: now, used: now}
}

// find returns the session of a token, if it lives. Where it is used, it lives on.
func (s *sessions) find(token string, used bool) (session, bool) {
	key := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.list[key]
	if one == nil {
		return session{}, false
	}
	now := s.now()
	if now.Sub(one.used) >= sessionIdle || now.Sub(one.began) >= sessionAbsolute {
		delete(s.list, key)
		return session{}, false
	}
	if used {
		one.used = now
	}
	return *one, true
}

// as is who the operator of a session is at a site.
func (s *sessions) as(token, site string) (account, bool) {
	one, ok := s.allAs(token)[site]
	return one, ok
}

// allAs is the same of all sites.
func (s *sessions) allAs(token string) map[string]account {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.list[sha256.Sum256([]byte(token))]; one != nil {
		return maps.Clone(one.accounts)
	}
	return nil
}

// setAs keeps who they are at a site, and returns who they were.
func (s *sessions) setAs(token, site string, a account) (old account, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.list[sha256.Sum256([]byte(token))]
	if one == nil { // it has ended meanwhile
		return a, true
	}
	if one.accounts == nil {
		one.accounts = map[string]account{}
	}
	old, ok = one.accounts[site]
	one.accounts[site] = a
	return old, ok
}

// end ends the session of a token.
func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.list, sha256.Sum256([]byte(token)))
}

// endOf ends all sessions of an operator.
func (s *sessions) endOf(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, one := range s.list {
		if !one.guest && one.name == name {
			delete(s.list, key)
		}
	}
}

// identify puts the operator of a request into its context. A cookie of a session that has ended is as good as none.
func (c *Console) identify(r *http.Request) (*http.Request, error) {
	o, in, err := c.who(r, true)
	if err != nil || !in {
		return r, err
	}
	return r.WithContext(context.WithValue(c.withNote(r.Context()), operatorKey{}, o)), nil
}

// who finds out who sent a request. used says that it counts as a use of the session.
func (c *Console) who(r *http.Request, used bool) (o Operator, in bool, err error) {
	cookie, err := r.Cookie(c.cookieName())
	if err != nil {
		return o, false, nil //nolint:nilerr // no cookie, nobody
	}
	one, ok := c.sessions.find(cookie.Value, used)
	if !ok {
		return o, false, nil
	}
	o = Operator{Name: one.name, Role: operators.Owner, Guest: one.guest, From: network(c.client(r))}
	if one.guest {
		return o, true, nil
	}
	known, err := c.book.Find(one.name)
	switch {
	case err != nil && roundtrip.AsError(err).Kind == roundtrip.Missing:
		c.sessions.endOf(one.name)
		return o, false, nil
	case err != nil:
		return o, false, err
	case known.Created.After(one.began): // another one of the same name
		c.sessions.end(cookie.Value)
		return o, false, nil
	}
	o.Role = known.Role
	return o, true, nil
}

// cookieName has the port in it: cookies know none, and two consoles on one machine must not sign each other out.
func (c *Console) cookieName() string {
	name := "roundtrip_console"
	if _, port, err := net.SplitHostPort(c.options.Listener.Addr().String()); err == nil {
		name += "_" + port
	}
	if c.secure() {
		return "__Host-" + name
	}
	return name
}

func (c *Console) setCookie(w http.ResponseWriter, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever browsers come by https; plain http is for loopback alone
		Name: c.cookieName(), Value: value, Path: "/", MaxAge: int(age.Seconds()), Secure: c.secure(), HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
}

// shownSession is who is signed in, for the page.
type shownSession struct {
	Name    string         `json:"name"`
	Role    operators.Role `json:"role"`
	Guest   bool           `json:"guest"`
	Dev     bool           `json:"dev"`
	Project string         `json:"project"`
}

func (c *Console) shown(o Operator) shownSession {
	return shownSession{Name: o.Name, Role: o.Role, Guest: o.Guest, Dev: c.options.Dev, Project: c.options.Name}
}

func (c *Console) session(r *http.Request) (any, error) {
	o, _ := OperatorFrom(r.Context())
	return c.shown(o), nil
}

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
	name, from := tries.NameKey(in.Name), tries.AddrKey(c.client(r))
	if wait := c.places.Wait(from); wait > 0 {
		return rateLimited(wait)
	}
	if wait := c.names.Take(name); wait > 0 {
		return rateLimited(wait)
	}
	known, err := c.book.Check(r.Context(), in.Name, in.Password)
	switch {
	case err != nil && roundtrip.AsError(err).Kind == roundtrip.Unauthenticated:
		c.places.Take(from)
		return errors.Join(c.note(Entry{Who: in.Name, From: network(c.client(r)), What: "sign-in", Refused: "auth.invalid"}), err)
	case err != nil:
		c.names.GiveBack(name)
		return err
	}
	c.names.Reset(name)
	return c.enter(w, r, Operator{Name: known.Name, Role: known.Role, From: network(c.client(r))}, "sign-in")
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
			return operators.Operator{}, errors.Join(c.note(e), err)
		}
		return operators.Operator{}, err
	}
	if err := c.book.Allow(name, password); err != nil {
		return operators.Operator{}, err
	}
	if err := c.note(e); err != nil {
		return operators.Operator{}, err
	}
	known, err := c.book.Claim(r.Context(), token, name, password)
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
	c.leaveAll(r)
	c.sessions.end(c.cookieOf(r))
	c.setCookie(w, "", -time.Second)
	if err := Note(r.Context(), Entry{What: "sign-out"}); err != nil {
		c.options.Log.Error("console: somebody signed out, and the audit log does not have it", "error", err)
	}
	return c.writeJSON(w, struct{}{})
}

func rateLimited(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	e := roundtrip.E(roundtrip.Limited, "auth.rate_limited", "too many tries; try again in %s s", strconv.Itoa(seconds))
	e.Retry = time.Duration(seconds) * time.Second
	return e
}
