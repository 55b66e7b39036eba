package sqlite

import (
	"context"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// Since keeps a text under a name, and returns the position of the log at which another one stood there for the last time: -1
// where none ever did. The text has no space.
func (s *Store) Since(ctx context.Context, name, text string) (int64, error) {
	position := int64(-1)
	err := s.own(ctx, "meta.since", func(t *tx) error {
		t.sql.Reset()
		t.sql.Raw("SELECT value FROM _meta WHERE name = ").Arg(roundtrip.Text("since." + name))
		kept := ""
		found, err := t.first(func(st *raw.Stmt) { kept = st.Text(0) })
		if err != nil {
			return failed("meta.since", err, t.conn.Late())
		}
		if before, at, ok := strings.Cut(kept, " "); ok && before == text {
			position, err = strconv.ParseInt(at, 10, 64)
			return roundtrip.Wrap("meta.since", err)
		}
		if found {
			position = t.position
		}
		err = t.exec("INSERT OR REPLACE INTO _meta (name, value) VALUES (?, ?)", roundtrip.Text("since."+name), roundtrip.Text(text+" "+strconv.FormatInt(position, 10)))
		return failed("meta.since", err, t.conn.Late())
	})
	return position, err
}
