package console

import (
	"context"
	"crypto/sha256"
	"maps"
	"net/http"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// leaveEvery is how often sessions are looked for whose time is over, or whose operator was removed by a command.
const leaveEvery = time.Minute

// account is who an operator is at a site, proved by that account's own password.
type account struct {
	name, token string
}

// visit is an account at a site.
type visit struct {
	site string
	account
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

// drop ends a session, and says which accounts of sites end with it. The caller holds mu.
func (s *sessions) drop(key [32]byte) {
	one := s.list[key]
	if one == nil {
		return
	}
	delete(s.list, key)
	if len(one.accounts) == 0 {
		return
	}
	for site, a := range one.accounts {
		s.ended = append(s.ended, visit{site, a})
	}
	select {
	case s.over <- struct{}{}:
	default: // it was said already
	}
}

// takeEnded returns the accounts whose console session has ended, each once.
func (s *sessions) takeEnded() []visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.ended
	s.ended = nil
	return list
}

// sweep ends the sessions whose time is over, and those of whom gone says that they are no operators any more.
func (s *sessions) sweep(gone func(name string, began time.Time) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, one := range s.list {
		if one.dead(now) || !one.guest && gone(one.name, one.began) {
			s.drop(key)
		}
	}
}

// leaves signs accounts out at their sites when the console session that opened them has ended, however it did, until ctx
// ends. What a restart interrupts ends by itself: nobody has the tokens any more.
func (c *Console) leaves(ctx context.Context) {
	tick := time.NewTicker(leaveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.sweep()
		case <-c.sessions.over:
		}
		for _, v := range c.sessions.takeEnded() {
			c.leave(ctx, v.site, v.account)
		}
	}
}

// sweep ends sessions that nobody comes back to.
func (c *Console) sweep() {
	c.sessions.sweep(func(name string, began time.Time) bool {
		known, err := c.book.Find(name)
		if err != nil {
			return roundtrip.AsError(err).Kind == roundtrip.Missing
		}
		return known.Created.After(began) // another one of the same name
	})
}

// leave signs an account out at a site. It waits for no place among the tries. Where it fails the session ends by itself:
// nobody has its token any more.
func (c *Console) leave(ctx context.Context, site string, one account) {
	if c.options.Try == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	if _, err := c.options.Try(ctx, TryOrder{Site: site, Method: http.MethodPost, Path: "/auth/sign-out", Token: one.token}); err != nil {
		c.options.Log.Warn("console: an account that was tried is still signed in", "site", site, "error", err)
	}
}
