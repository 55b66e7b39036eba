package sqlite_test

import (
	"path/filepath"
	"testing"
)

func TestStore_SinceKeepsWhenATextBecameAnother(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "test.db"), newClock())
	for i, c := range []struct {
		text string
		want int64
	}{{"a", -1}, {"a", -1}, {"b", 0}, {"b", 0}, {"a", 0}} {
		if got, err := s.Since(t.Context(), "reading", c.text); err != nil || got != c.want {
			t.Errorf("%d: %s since %d, want %d: %v", i, c.text, got, c.want, err)
		}
	}
}
