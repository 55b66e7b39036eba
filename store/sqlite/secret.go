package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// Secret returns 32 random bytes that are kept in the database under a name, and made on first use.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	var text string
	err := s.own(ctx, "meta.secret", func(t *tx) error {
		t.sql.Reset()
		t.sql.Raw("SELECT value FROM _meta WHERE name = ").Arg(roundtrip.Text("secret." + name))
		found, err := t.first(func(st *raw.Stmt) { text = st.Text(0) })
		if err == nil && !found {
			fresh := make([]byte, 32)
			_, _ = rand.Read(fresh) // never fails
			text = hex.EncodeToString(fresh)
			err = t.exec("INSERT INTO _meta (name, value) VALUES (?, ?)", roundtrip.Text("secret."+name), roundtrip.Text(text))
		}
		return failed("meta.secret", err, t.conn.Late())
	})
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(text)
	return secret, roundtrip.Wrap("meta.secret", err)
}
