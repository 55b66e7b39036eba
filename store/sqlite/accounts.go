package sqlite

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// CreateAccount writes a new account record, its credential and its first session (nil for none) in one transaction. The
// ids and times that are still 0 are filled in.
func (s *Store) CreateAccount(ctx context.Context, record *roundtrip.Record, credential roundtrip.Credential, session *roundtrip.Session) (*roundtrip.Record, error) {
	var stored *roundtrip.Record
	err := s.submit(ctx, "accounts.create", true, func(t *tx) error {
		tb := s.table(record.Collection)
		stored = t.complete(tb, record, t.now)
		if err := t.insertNew(tb, stored, record.ID() == 0); err != nil {
			return err
		}
		t.count(tb.c, stored, +1)
		t.changed(tb.c, stored.ID(), roundtrip.Create)
		t.tell(tb, roundtrip.Create, stored)
		if err := t.notify(tb, roundtrip.Create, stored); err != nil {
			return err
		}
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

// FindCredential finds an account of users by the value of one of its unique fields; store.missing where there is none.
// users may be of another schema than the one in force.
func (s *Store) FindCredential(ctx context.Context, users *roundtrip.Collection, field, value string) (roundtrip.Credential, error) {
	var found roundtrip.Credential
	at, ok := users.Lookup(field)
	if !ok || !users.Fields[at].Unique {
		return found, roundtrip.E(roundtrip.Internal, "store.failed", "")
	}
	table, columns := s.tables.Load().columnsOf(users)
	if columns == nil || columns[at] == "" {
		return found, roundtrip.E(roundtrip.Missing, "store.missing", "There is no such account.")
	}
	err := s.read(ctx, "accounts.find", func(r *reader) error {
		return r.run(`SELECT r."id", a.password, a.roles FROM "`+table+`" AS r JOIN _accounts AS a ON a.account = r."id" WHERE r."`+columns[at]+`" = ?`,
			func(st *raw.Stmt) { found = credentialOf(st, 0) }, roundtrip.Text(value))
	})
	if err == nil && found.Account == 0 {
		err = roundtrip.E(roundtrip.Missing, "store.missing", "There is no such account.")
	}
	return found, err
}

// LoadAccount returns an account's record, as a record of users, and its credential.
func (s *Store) LoadAccount(ctx context.Context, users *roundtrip.Collection, id roundtrip.ID) (*roundtrip.Record, roundtrip.Credential, error) {
	records, credentials, err := s.loadAccounts(ctx, users, `WHERE r."id" = ?`, roundtrip.Int(int64(id)))
	if err != nil {
		return nil, roundtrip.Credential{}, err
	}
	if len(records) == 0 {
		return nil, roundtrip.Credential{}, roundtrip.E(roundtrip.Missing, "store.missing", "There is no such account.")
	}
	return records[0], credentials[0], nil
}

// ListAccounts returns up to limit accounts, as records of users, in the order of their ids, those after the given one.
func (s *Store) ListAccounts(ctx context.Context, users *roundtrip.Collection, after roundtrip.ID, limit int) ([]*roundtrip.Record, []roundtrip.Credential, error) {
	return s.loadAccounts(ctx, users, `WHERE r."id" > ? ORDER BY r."id" LIMIT ?`, roundtrip.Int(int64(after)), roundtrip.Int(int64(limit)))
}

// loadAccounts reads accounts; a record without a credential has an empty one, and can't sign in.
func (s *Store) loadAccounts(ctx context.Context, users *roundtrip.Collection, where string, args ...roundtrip.Value) ([]*roundtrip.Record, []roundtrip.Credential, error) {
	table, columns := s.tables.Load().columnsOf(users)
	if columns == nil {
		return nil, nil, roundtrip.E(roundtrip.Missing, "store.missing", "There are no accounts here.")
	}
	var sql strings.Builder
	sql.WriteString("SELECT ")
	for _, column := range columns {
		if column == "" {
			sql.WriteString("NULL, ")
			continue
		}
		sql.WriteString(`r."` + column + `", `)
	}
	sql.WriteString(`a.password, a.roles FROM "` + table + `" AS r LEFT JOIN _accounts AS a ON a.account = r."id" ` + where)
	var records []*roundtrip.Record
	var credentials []roundtrip.Credential
	err := s.read(ctx, "accounts.load", func(r *reader) error {
		return r.run(sql.String(), func(st *raw.Stmt) {
			record := roundtrip.CopyRow(users, st)
			credential := roundtrip.Credential{Account: record.ID()}
			if n := len(columns); !st.Null(n) {
				credential.Password, credential.Roles = st.Text(n), rolesOf(st.Bytes(n+1))
			}
			records = append(records, record)
			credentials = append(credentials, credential)
		}, args...)
	})
	return records, credentials, err
}

// columnsOf says where the records of a collection lie, which may be of an older or newer schema than the one in force:
// a reload has both for a while. Collections and fields are the same ones if their numbers are, whatever their names.
// columns are in the positions of c.Fields, "" for a field that is not there or has another type; nil where the
// collection is not there at all.
func (t *tables) columnsOf(c *roundtrip.Collection) (table string, columns []string) {
	now := t.byNum[c.Number]
	if t.of[c] != nil {
		now = c
	}
	if now == nil {
		return "", nil
	}
	columns = make([]string, len(c.Fields))
	for i, f := range c.Fields {
		for _, g := range now.Fields {
			if f == g || f.Column == g.Column && f.Column != 0 && f.Type.Value() == g.Type.Value() {
				columns[i] = g.Name
				break
			}
		}
	}
	return now.Name, columns
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

// SetRoles replaces an account's roles, and nothing else of it.
func (s *Store) SetRoles(ctx context.Context, account roundtrip.ID, roles []string) error {
	text, err := json.Marshal(roles)
	if err != nil {
		return roundtrip.Wrap("accounts.roles", err)
	}
	return s.submit(ctx, "accounts.roles", true, func(t *tx) error {
		return t.setAccount(account, "'', ?", "roles = excluded.roles", roundtrip.Text(string(text)))
	})
}

// SetPassword replaces the hash of an account's password, and ends its sessions except keep (0: all end, below 0: none).
// It does so only while the stored hash is still proved, else the error is store.stale; "" replaces whatever is there.
func (s *Store) SetPassword(ctx context.Context, account roundtrip.ID, proved, hash string, keep roundtrip.ID) error {
	return s.submit(ctx, "accounts.password", true, func(t *tx) error {
		if proved != "" {
			if err := t.stillProved(account, proved); err != nil {
				return err
			}
		}
		err := t.setAccount(account, "?, '[]'", "password = excluded.password", roundtrip.Text(hash))
		if err != nil || keep < 0 {
			return err
		}
		return failed("sessions.end", t.exec("DELETE FROM _sessions WHERE account = ? AND id <> ?",
			roundtrip.Int(int64(account)), roundtrip.Int(int64(keep))), t.conn.Late())
	})
}

// setAccount changes one column of an account's credential, or makes a credential for a record that has none. values are
// its password and roles, with one mark for value.
func (t *tx) setAccount(account roundtrip.ID, values, set string, value roundtrip.Value) error {
	c, err := t.s.accounts()
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO _accounts (account, password, roles) SELECT "id", `+values+` FROM "`+c.Name+`" WHERE "id" = ?
		ON CONFLICT (account) DO UPDATE SET `+set, value, roundtrip.Int(int64(account)))
	if err == nil && t.conn.Changes() == 0 {
		return missing(c, account)
	}
	return failed("accounts.set", err, t.conn.Late())
}

// stillProved fails with store.stale unless the account's password is still the one with this hash. No password proves
// nothing.
func (t *tx) stillProved(account roundtrip.ID, proved string) error {
	id := roundtrip.Int(int64(account))
	same, err := readInt(t.conn, "SELECT count(*) FROM _accounts WHERE account = ? AND password = ? AND password <> ''", id, roundtrip.Text(proved))
	if err != nil || same > 0 {
		return failed("accounts.proved", err, t.conn.Late())
	}
	there, err := readInt(t.conn, "SELECT count(*) FROM _accounts WHERE account = ?", id)
	switch {
	case err != nil:
		return failed("accounts.proved", err, t.conn.Late())
	case there == 0:
		return roundtrip.E(roundtrip.Missing, "store.missing", "There is no such account.")
	}
	return roundtrip.E(roundtrip.Stale, "store.stale", "The password has changed since it was checked.")
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
