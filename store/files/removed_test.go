package files_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/files"
)

// dice is randomness that does something before it is used: a copy takes some when its picture is made and not yet written.
type dice struct{ before func() }

func (d *dice) Read(b []byte) (int, error) {
	if d.before != nil {
		d.before()
	}
	return rand.Read(b)
}

func TestImage_OfAFileRemovedMeanwhileLeavesNoCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := &dice{}
	s, err := files.New(files.Options{Dir: dir, Now: time.Now, Rand: d, Cores: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := kept(t, s, pngOf(t, 300, 200), "a.png", imageField())
	removed := false
	d.before = func() {
		removed = true
		if err := s.Remove(t.Context(), f.ID); err != nil {
			t.Error(err)
		}
	}
	_, _, err = s.Open(t.Context(), f, 64, imageField())
	wantReason(t, err, roundtrip.Missing, "file.missing")
	if rest := left(t, dir); !removed || len(rest) != 0 {
		t.Fatalf("left: %q", rest)
	}
}
