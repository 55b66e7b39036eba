package console

import (
	"context"
	"crypto/sha256"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
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
	now  func() time.Time
	over chan struct{} // has one in it while ended has something

	mu    sync.Mutex // guards all below
	list  map[[32]byte]*session
	ended []visit // of accounts, whose console session has ended
}

type session struct {
	name        string
	guest       bool
	began, used time.Time
	accounts    map[string]account // of the page API: who they are at a site
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, over: make(chan struct{}, 1), list: map[[32]byte]*session{}}
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
		s.drop(oldest)
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
	if one.dead(now) {
		s.drop(key)
		return session{}, false
	}
	if used {
		one.used = now
	}
	return *one, true
}

// dead reports whether a session's time is over.
func (s *session) dead(now time.Time) bool {
	return now.Sub(s.used) >= sessionIdle || now.Sub(s.began) >= sessionAbsolute
}

// end ends the session of a token.
func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(sha256.Sum256([]byte(token)))
}

// endOf ends all sessions of an operator but the one of the token but, which may be "".
func (s *sessions) endOf(name, but string) {
	kept := sha256.Sum256([]byte(but))
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, one := range s.list {
		if !one.guest && one.name == name && key != kept {
			s.drop(key)
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
		c.sessions.endOf(one.name, "")
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
