package sqlite

import (
	"context"
	"encoding/json"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// CreateAccount writes a new account record, its credential and its first session (nil for none) in one transaction. The
// ids and times that are still 0 are filled in.
func (s *Store) CreateAccount(ctx context.Context, record *roundtrip.Record, credential roundtrip.Credential, session *roundtrip.Session) (*roundtrip.Record, error) {
	var stored *roundtrip.Record
	err := s.submit(ctx, true, func(t *tx) error {
		tb := s.table(record.Collection)
		stored = t.complete(tb, record, t.now)
		if err := t.insert(tb, stored); err != nil {
			return err
		}
		t.count(tb.c, stored, +1)
		t.changed(tb.c, stored.ID(), roundtrip.Create)
		credential.Account = stored.ID()
		if err := t.putCredential(credential); err != nil {
			return err
		}
		if session == nil {
			return nil
		}
		session.Account = stored.ID()
		if session.ID == 0 {
			session.ID = s.opts.IDs.Next()
		}
		return t.putSession(*session)
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

func (t *tx) putCredential(c roundtrip.Credential) error {
	roles, err := json.Marshal(c.Roles)
	if err == nil {
		err = t.exec("INSERT OR REPLACE INTO _accounts (account, password, roles) VALUES (?, ?, ?)",
			roundtrip.Ref(c.Account), roundtrip.Text(c.Password), roundtrip.Text(string(roles)))
	}
	return failed("accounts.put", err, t.conn.Late())
}

// FindCredential finds an account by the value of one of its unique fields; store.missing where there is none.
func (s *Store) FindCredential(ctx context.Context, field, value string) (roundtrip.Credential, error) {
	var found roundtrip.Credential
	c, err := s.accounts()
	if err != nil {
		return found, err
	}
	at, ok := c.Lookup(field)
	if !ok || !c.Fields[at].Unique {
		return found, roundtrip.E(roundtrip.Internal, "store.failed", "")
	}
	err = s.read(ctx, "accounts.find", func(r *reader) error {
		return r.run(`SELECT r."id", a.password, a.roles FROM "`+c.Name+`" AS r JOIN _accounts AS a ON a.account = r."id" WHERE r."`+field+`" = ?`,
			func(st *raw.Stmt) { found = credentialOf(st, 0) }, roundtrip.Text(value))
	})
	if err == nil && found.Account == 0 {
		err = roundtrip.E(roundtrip.Missing, "store.missing", "There is no such account.")
	}
	return found, err
}

// LoadAccount returns an account's record and credential.
func (s *Store) LoadAccount(ctx context.Context, id roundtrip.ID) (*roundtrip.Record, roundtrip.Credential, error) {
	records, credentials, err := s.loadAccounts(ctx, `WHERE r."id" = ?`, roundtrip.Int(int64(id)))
	if err != nil {
		return nil, roundtrip.Credential{}, err
	}
	if len(records) == 0 {
		return nil, roundtrip.Credential{}, roundtrip.E(roundtrip.Missing, "store.missing", "There is no such account.")
	}
	return records[0], credentials[0], nil
}

// ListAccounts returns up to limit accounts in the order of their ids, those after the given one.
func (s *Store) ListAccounts(ctx context.Context, after roundtrip.ID, limit int) ([]*roundtrip.Record, []roundtrip.Credential, error) {
	return s.loadAccounts(ctx, `WHERE r."id" > ? ORDER BY r."id" LIMIT ?`, roundtrip.Int(int64(after)), roundtrip.Int(int64(limit)))
}

// loadAccounts reads accounts; a record without a credential has an empty one, and can't sign in.
func (s *Store) loadAccounts(ctx context.Context, where string, args ...roundtrip.Value) ([]*roundtrip.Record, []roundtrip.Credential, error) {
	c, err := s.accounts()
	if err != nil {
		return nil, nil, err
	}
	var records []*roundtrip.Record
	var credentials []roundtrip.Credential
	t := s.table(c)
	err = s.read(ctx, "accounts.load", func(r *reader) error {
		sql := `SELECT ` + t.qualified + `, a.password, a.roles FROM "` + c.Name + `" AS r LEFT JOIN _accounts AS a ON a.account = r."id" ` + where
		return r.run(sql, func(st *raw.Stmt) {
			record := roundtrip.CopyRow(c, st)
			credential := roundtrip.Credential{Account: record.ID()}
			if n := len(c.Fields); !st.Null(n) {
				credential.Password, credential.Roles = st.Text(n), rolesOf(st.Bytes(n+1))
			}
			records = append(records, record)
			credentials = append(credentials, credential)
		}, args...)
	})
	return records, credentials, err
}

func credentialOf(st *raw.Stmt, at int) roundtrip.Credential {
	return roundtrip.Credential{Account: roundtrip.ID(st.Int(at)), Password: st.Text(at + 1), Roles: rolesOf(st.Bytes(at + 2))}
}

func rolesOf(text []byte) []string {
	var roles []string
	if err := json.Unmarshal(text, &roles); err != nil {
		return nil // written by us alone; without roles nothing is allowed that should not be
	}
	return roles
}

// SetCredential replaces an account's credential and ends its sessions except keep (0: all end, below 0: none).
func (s *Store) SetCredential(ctx context.Context, credential roundtrip.Credential, keep roundtrip.ID) error {
	c, err := s.accounts()
	if err != nil {
		return err
	}
	return s.submit(ctx, true, func(t *tx) error {
		n, err := readInt(t.conn, `SELECT count(*) FROM "`+c.Name+`" WHERE "id" = ?`, roundtrip.Int(int64(credential.Account)))
		if err != nil {
			return failed("accounts.set", err, t.conn.Late())
		}
		if n == 0 {
			return missing(c, credential.Account)
		}
		if err := t.putCredential(credential); err != nil || keep < 0 {
			return err
		}
		return failed("sessions.end", t.exec("DELETE FROM _sessions WHERE account = ? AND id <> ?",
			roundtrip.Int(int64(credential.Account)), roundtrip.Int(int64(keep))), t.conn.Late())
	})
}

// accounts returns the collection that people sign in to.
func (s *Store) accounts() (*roundtrip.Collection, error) {
	if schema := s.tables.Load().schema; schema != nil {
		if c := schema.Accounts(); c != nil {
			return c, nil
		}
	}
	return nil, roundtrip.E(roundtrip.Missing, "store.missing", "There are no accounts here.")
}
