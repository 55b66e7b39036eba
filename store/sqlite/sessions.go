package sqlite

import (
	"context"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

const sessionColumns = "SELECT id, account, hash, created, used, expires, ends, name, addr FROM _sessions "

// AddSession writes a new session, if the hash of its account's password is still the one that was proved: one that has
// changed since has ended all sessions, and this one would outlive it. Errors: store.missing without the account,
// store.stale with another password.
func (s *Store) AddSession(ctx context.Context, session roundtrip.Session, proved string) error {
	return s.submit(ctx, "sessions.add", false, func(t *tx) error {
		if err := t.stillProved(session.Account, proved); err != nil {
			return err
		}
		if session.ID == 0 {
			session.ID = s.opts.IDs.Next()
		}
		return t.putSession(session)
	})
}

func (t *tx) putSession(s roundtrip.Session) error {
	addr := ""
	if s.Addr.IsValid() {
		addr = s.Addr.String()
	}
	return failed("sessions.put", t.exec("INSERT INTO _sessions (id, account, hash, created, used, expires, ends, name, addr) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		roundtrip.Ref(s.ID), roundtrip.Ref(s.Account), roundtrip.Text(hex.EncodeToString(s.Hash[:])), roundtrip.Time(s.Created),
		roundtrip.Time(s.LastUsed), roundtrip.Time(s.Expires), roundtrip.Time(s.Ends), roundtrip.Text(s.Name), roundtrip.Text(addr)), t.conn.Late())
}

// FindSession finds a session by the hash of its token; one that has ended is store.missing.
func (s *Store) FindSession(ctx context.Context, hash [32]byte) (roundtrip.Session, error) {
	now := roundtrip.Time(s.opts.Now())
	found, err := s.sessions(ctx, "WHERE hash = ? AND expires > ? AND ends > ?", roundtrip.Text(hex.EncodeToString(hash[:])), now, now)
	if err != nil {
		return roundtrip.Session{}, err
	}
	if len(found) == 0 {
		return roundtrip.Session{}, roundtrip.E(roundtrip.Missing, "store.missing", "There is no such session.")
	}
	return found[0], nil
}

// TouchSession writes when a session was last used and until when it is good.
func (s *Store) TouchSession(ctx context.Context, id roundtrip.ID, used, expires time.Time) error {
	return s.submit(ctx, "sessions.touch", false, func(t *tx) error {
		err := t.exec("UPDATE _sessions SET used = ?, expires = ? WHERE id = ?", roundtrip.Time(used), roundtrip.Time(expires), roundtrip.Int(int64(id)))
		if err == nil && t.conn.Changes() == 0 {
			return roundtrip.E(roundtrip.Missing, "store.missing", "There is no such session.")
		}
		return failed("sessions.touch", err, t.conn.Late())
	})
}

// ListSessions returns an account's sessions that have not ended, newest first.
func (s *Store) ListSessions(ctx context.Context, account roundtrip.ID) ([]roundtrip.Session, error) {
	now := roundtrip.Time(s.opts.Now())
	return s.sessions(ctx, "WHERE account = ? AND expires > ? AND ends > ? ORDER BY created DESC, id DESC", roundtrip.Int(int64(account)), now, now)
}

func (s *Store) sessions(ctx context.Context, where string, args ...roundtrip.Value) ([]roundtrip.Session, error) {
	var found []roundtrip.Session
	err := s.read(ctx, "sessions.find", func(r *reader) error {
		return r.run(sessionColumns+where, func(st *raw.Stmt) { found = append(found, sessionOf(st)) }, args...)
	})
	return found, err
}

func sessionOf(st *raw.Stmt) roundtrip.Session {
	s := roundtrip.Session{
		ID: roundtrip.ID(st.Int(0)), Account: roundtrip.ID(st.Int(1)), Created: time.UnixMicro(st.Int(3)).UTC(),
		LastUsed: time.UnixMicro(st.Int(4)).UTC(), Expires: time.UnixMicro(st.Int(5)).UTC(), Ends: time.UnixMicro(st.Int(6)).UTC(), Name: st.Text(7),
	}
	hash, err := hex.DecodeString(st.Text(2))
	if err == nil {
		copy(s.Hash[:], hash)
	}
	if addr, err := netip.ParseAddr(st.Text(8)); err == nil {
		s.Addr = addr
	}
	return s
}

// EndSession deletes one session of an account; id 0 means all of them. One that is not there is store.missing.
func (s *Store) EndSession(ctx context.Context, account, id roundtrip.ID) error {
	return s.submit(ctx, "sessions.end", false, func(t *tx) error {
		if id == 0 {
			return failed("sessions.end", t.exec("DELETE FROM _sessions WHERE account = ?", roundtrip.Int(int64(account))), t.conn.Late())
		}
		err := t.exec("DELETE FROM _sessions WHERE account = ? AND id = ?", roundtrip.Int(int64(account)), roundtrip.Int(int64(id)))
		if err == nil && t.conn.Changes() == 0 {
			return roundtrip.E(roundtrip.Missing, "store.missing", "There is no such session.")
		}
		return failed("sessions.end", err, t.conn.Late())
	})
}
