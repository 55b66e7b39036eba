package acme

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// lookMin keeps the loop from spinning where something is due and can't be begun.
const lookMin = 10 * time.Millisecond

// Run gets what is missing and renews what is due until ctx ends. It returns when all its goroutines have ended.
func (m *Manager) Run(ctx context.Context) error {
	defer m.group.Wait()
	for {
		t := time.NewTimer(m.begin(ctx))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-m.wake:
			t.Stop()
		case <-t.C:
		}
	}
}

// begin starts an attempt for each name that is due, and returns how long nothing else will be.
func (m *Manager) begin(ctx context.Context) time.Duration {
	m.looks.Add(1)
	names, issuers := m.table()
	now, wait := m.now(), m.look
	for _, s := range names {
		if s.busy() {
			continue // it pokes when it ends
		}
		if at := s.next(now, issuers); at.After(now) {
			wait = min(wait, at.Sub(now))
			continue
		}
		attempt, cancel := context.WithCancel(ctx)
		if !s.begin(cancel) {
			cancel()
			continue
		}
		m.group.Go(func() {
			defer m.poke()
			defer s.end()
			defer cancel()
			select {
			case m.slots <- struct{}{}:
			case <-attempt.Done():
				return
			}
			defer func() { <-m.slots }()
			m.tend(attempt, s, issuers)
		})
	}
	return max(wait, lookMin)
}

// tend looks after one name, alone among all processes: what another one has got meanwhile is taken over.
func (m *Manager) tend(ctx context.Context, s *subject, issuers []*issuer) {
	unlock, err := m.keeper.Lock(ctx, "names/"+s.name)
	if err != nil {
		m.stumble(ctx, s, err)
		return
	}
	defer unlock()
	if err := s.read(m.keeper); err != nil {
		m.stumble(ctx, s, err)
		return
	}
	if s.cert.Load() != nil && !m.now().Before(s.current().Window.Ask) {
		m.askWindow(ctx, s, issuers)
	}
	if due, _ := s.wants(m.now(), issuers); due && ctx.Err() == nil && !m.now().Before(s.notBefore()) {
		s.trying()
		m.order(ctx, s, issuers)
	}
}

// stumble notes a failure of our own, such as a disk that is full, in memory: there may be no other place for it.
func (m *Manager) stumble(ctx context.Context, s *subject, err error) {
	if ctx.Err() != nil {
		return
	}
	now := m.now()
	s.mu.Lock()
	s.record.Tries++
	s.record.Failed, s.record.Error = now, err.Error()
	s.record.Next = now.Add(m.pause(s.record.Tries))
	s.record.Window.Ask = s.record.Next
	next := s.record.Next
	s.mu.Unlock()
	m.log.Error("certificate: its file", slog.String("name", s.name), slog.Any("error", err), slog.Time("next", next))
}

// order asks the issuers in turn. The certificate that is there stays whatever happens; the first issuer that gives
// another one ends the turn.
func (m *Manager) order(ctx context.Context, s *subject, issuers []*issuer) {
	r := s.current()
	var failed []string
	waits := map[string]time.Time{}
	for _, i := range issuers {
		if until := r.Waits[i.directory]; until.After(m.now()) {
			waits[i.directory] = until
			failed = append(failed, fmt.Sprintf("%s: told us to wait until %s", i.host(), until.UTC().Format(time.DateTime)))
			continue
		}
		got, err := m.obtain(ctx, s, i)
		if err == nil {
			m.got(ctx, s, i, got)
			return
		}
		if ctx.Err() != nil {
			return // we stop, or the site is gone: nobody's failure
		}
		failed = append(failed, i.host()+": "+plain(err))
		if wait := told(err); wait > 0 {
			waits[i.directory] = m.now().Add(wait)
		}
		if len(issuers) > 1 {
			m.log.Warn("certificate: an issuer gave none", slog.String("name", s.name), slog.String("issuer", i.host()), slog.String("error", plain(err)))
		}
	}
	m.failed(ctx, s, issuers, strings.Join(failed, "; "), waits)
}

// got keeps a new certificate, then shows it.
func (m *Manager) got(ctx context.Context, s *subject, i *issuer, r record) {
	c, err := parse(r, s.name)
	if err == nil {
		r.Directory, r.Renew = i.directory, m.renewAt(c.Leaf)
		r.Window.Ask = m.now() // the issuer may know better
		err = s.write(m.keeper, r)
	}
	if err != nil {
		m.stumble(ctx, s, fmt.Errorf("the certificate from %s: %w", i.host(), err))
		return
	}
	what := "certificate issued"
	if s.cert.Swap(c) != nil {
		what = "certificate renewed"
	}
	//nolint:sloglint // one of two constant messages
	m.log.Info(what, slog.String("name", s.name), slog.String("issuer", i.host()), slog.Time("until", c.Leaf.NotAfter), slog.Time("renewal", r.Renew))
}

// failed keeps what went wrong and when the next try is.
func (m *Manager) failed(ctx context.Context, s *subject, issuers []*issuer, why string, waits map[string]time.Time) {
	r, now := s.current(), m.now()
	r.Tries++
	r.Failed, r.Error, r.Waits = now, why, waits
	r.Next = now.Add(m.pause(r.Tries))
	if len(waits) == len(issuers) { // all told us to wait: the first of them
		first := time.Time{}
		for _, until := range waits {
			if first.IsZero() || until.Before(first) {
				first = until
			}
		}
		if first.After(r.Next) {
			r.Next = first
		}
	}
	if err := s.write(m.keeper, r); err != nil {
		m.stumble(ctx, s, errors.Join(errors.New(why), err))
		return
	}
	has := slog.String("certificate", "none yet")
	if c := s.cert.Load(); c != nil {
		has = slog.Time("until", c.Leaf.NotAfter)
	}
	m.log.Error("certificate not got", slog.String("name", s.name), slog.String("error", why), slog.Int("tries", r.Tries), slog.Time("next", r.Next), has)
}

// askWindow asks the issuer of the certificate when it would like it to be renewed (RFC 9773). Issuers use that to spread
// renewals, and to have certificates replaced that they are about to revoke.
func (m *Manager) askWindow(ctx context.Context, s *subject, issuers []*issuer) {
	r := s.current()
	r.Window.Ask = m.now().Add(askLater)
	for _, i := range issuers {
		if i.directory != r.Directory {
			continue
		}
		w, err := m.window(ctx, i, s.cert.Load().Leaf)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			m.log.Debug("certificate: no renewal window", slog.String("name", s.name), slog.Any("error", err))
			break
		}
		if w.Start.Equal(r.Window.Start) && w.End.Equal(r.Window.End) {
			w.Chosen = r.Window.Chosen // drawn once for each window
		} else if w.Why != "" {
			m.log.Warn("certificate: the issuer wants it renewed for a reason", slog.String("name", s.name), slog.String("why", w.Why), slog.Time("renewal", w.Chosen))
		}
		r.Window = w
	}
	if err := s.write(m.keeper, r); err != nil {
		m.stumble(ctx, s, err)
	}
}
