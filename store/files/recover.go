package files

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// Refers reports whether the record's field holds that file. A record that is not there refers to nothing.
type Refers func(ctx context.Context, collection string, record roundtrip.ID, field, fileID string) (bool, error)

// Recover clears up after a crash, before anybody uploads: files that were kept for a write that never was are deleted,
// and so is what had not arrived. Where refers fails, the file stays for the next start and the error is returned.
func (s *Store) Recover(ctx context.Context, refers Refers) error {
	dir := filepath.Join(s.dir, incoming)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return roundtrip.Wrap("files.recover", err)
	}
	var failed []error
	for _, entry := range entries {
		id, kind, _ := strings.Cut(entry.Name(), ".")
		if !validID(id) || s.isActive(id) {
			continue
		}
		switch kind {
		case "keep":
			failed = append(failed, s.recoverKept(ctx, id, refers))
		case "part", "copy":
			failed = append(failed, ignoreMissing(os.Remove(filepath.Join(dir, entry.Name()))))
		}
	}
	return roundtrip.Wrap("files.recover", errors.Join(failed...))
}

// recoverKept decides about one marker.
func (s *Store) recoverKept(ctx context.Context, id string, refers Refers) error {
	text, err := os.ReadFile(s.keepPath(id))
	if err != nil {
		return err
	}
	var m marker
	// A marker that can't be read was not complete at the crash, so the file was not in its place yet: there is only a
	// part, which is deleted by itself.
	if json.Unmarshal(text, &m) == nil && m.File == id {
		referred, err := refers(ctx, m.Collection, m.Record, m.Field, id)
		if err != nil {
			return err
		}
		if !referred {
			if err := s.Remove(ctx, id); err != nil {
				return err
			}
		}
	}
	return ignoreMissing(os.Remove(s.keepPath(id)))
}
