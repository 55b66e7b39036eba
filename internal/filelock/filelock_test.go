package filelock_test

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roundtrip-dev/roundtrip/internal/filelock"
)

// Two of one process exclude each other as two processes do: each has the file open for itself.
func TestTake_OneAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	var inside, total atomic.Int32 // the race detector does not know of the kernel's locks
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				giveBack, err := filelock.Take(path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d are inside at once", n)
				}
				total.Add(1)
				inside.Add(-1)
				giveBack()
			}
		})
	}
	all.Wait()
	if n := total.Load(); n != 160 {
		t.Errorf("%d turns, want 160", n)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the lock's file: %v, %v", info, err)
	}
}

func TestTake_WithoutAFolder(t *testing.T) {
	t.Parallel()
	if _, err := filelock.Take(filepath.Join(t.TempDir(), "none", "lock")); err == nil {
		t.Error("a lock where no file can be")
	}
}
