package sqlite

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// pushMax is how many browsers of one account are pushed to. The oldest goes when another comes: people leave browsers
// behind, and do not tell.
const pushMax = 20

// preparePush makes the table of push subscriptions.
func preparePush(conn *raw.Conn) error {
	for _, sql := range []string{
		`CREATE TABLE IF NOT EXISTS _push (endpoint TEXT PRIMARY KEY, account INTEGER NOT NULL, p256dh TEXT NOT NULL, auth TEXT NOT NULL,
			created INTEGER NOT NULL, session INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID`,
		"CREATE INDEX IF NOT EXISTS _push_account ON _push (account, created)",
	} {
		if err := conn.Exec(sql); err != nil {
			return err
		}
	}
	have, err := readInt(conn, "SELECT count(*) FROM pragma_table_info('_push') WHERE name = 'session'")
	if err != nil || have > 0 {
		return err
	}
	return conn.Exec("ALTER TABLE _push ADD COLUMN session INTEGER NOT NULL DEFAULT 0")
}

// pushEnded says that the session of a subscription is over: whoever has signed out of a browser is told nothing there.
const pushEnded = "session <> 0 AND NOT EXISTS (SELECT 1 FROM _sessions WHERE id = _push.session)"

// PutPush keeps a push subscription. An endpoint is one browser: where another account had it, it has it no more.
func (s *Store) PutPush(ctx context.Context, sub roundtrip.PushSubscription) error {
	return s.submit(ctx, "push.subscribe", true, func(t *tx) error {
		account := roundtrip.Ref(sub.Account)
		err := t.exec("INSERT OR REPLACE INTO _push (endpoint, account, p256dh, auth, created, session) VALUES (?, ?, ?, ?, ?, ?)",
			roundtrip.Text(sub.Endpoint), account, pushKey(sub.P256dh), pushKey(sub.Auth), roundtrip.Time(t.now), roundtrip.Ref(sub.Session))
		if err == nil {
			err = t.exec("DELETE FROM _push WHERE account = ? AND "+pushEnded, account)
		}
		if err == nil {
			err = t.exec(`DELETE FROM _push WHERE account = ?1 AND endpoint IN (
				SELECT endpoint FROM _push WHERE account = ?1 ORDER BY (endpoint = ?2) DESC, created DESC, endpoint LIMIT -1 OFFSET ?3)`,
				account, roundtrip.Text(sub.Endpoint), roundtrip.Int(pushMax))
		}
		return failed("push.put", err, t.conn.Late())
	})
}

// DropPush removes an account's push subscription. One that is not there is no error.
func (s *Store) DropPush(ctx context.Context, account roundtrip.ID, endpoint string) error {
	return s.submit(ctx, "push.unsubscribe", false, func(t *tx) error {
		return failed("push.drop", t.exec("DELETE FROM _push WHERE endpoint = ? AND account = ?",
			roundtrip.Text(endpoint), roundtrip.Ref(account)), t.conn.Late())
	})
}

// ForgetPush removes a push subscription of which the push service says that it is gone. One that was renewed meanwhile,
// with other keys, stays.
func (s *Store) ForgetPush(ctx context.Context, sub roundtrip.PushSubscription) error {
	return s.submit(ctx, "push.forget", false, func(t *tx) error {
		return failed("push.forget", t.exec("DELETE FROM _push WHERE endpoint = ? AND p256dh = ? AND auth = ?",
			roundtrip.Text(sub.Endpoint), pushKey(sub.P256dh), pushKey(sub.Auth)), t.conn.Late())
	})
}

// Pushes returns the push subscriptions of an account whose sessions last, the oldest first.
func (s *Store) Pushes(ctx context.Context, account roundtrip.ID) ([]roundtrip.PushSubscription, error) {
	var out []roundtrip.PushSubscription
	err := s.read(ctx, "push.list", func(r *reader) error {
		return r.run("SELECT endpoint, p256dh, auth, created, session FROM _push WHERE account = ? AND NOT ("+pushEnded+") ORDER BY created, endpoint", func(st *raw.Stmt) {
			sub := roundtrip.PushSubscription{Account: account, Endpoint: st.Text(0), Created: time.UnixMicro(st.Int(3)).UTC(), Session: roundtrip.ID(st.Int(4))}
			sub.P256dh, _ = base64.RawURLEncoding.DecodeString(st.Text(1)) // written by us alone
			sub.Auth, _ = base64.RawURLEncoding.DecodeString(st.Text(2))
			out = append(out, sub)
		}, roundtrip.Ref(account))
	})
	return out, err
}

func pushKey(b []byte) roundtrip.Value {
	return roundtrip.Text(base64.RawURLEncoding.EncodeToString(b))
}
