// Package filelock lets processes of one machine take turns at a file that several of them write.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	patience = 5 * time.Second // turns are a write long; who holds one for longer does not run any more, and has not ended
	look     = 5 * time.Millisecond
)

// Take waits until nobody else, in this process or another one, has the lock of path, and returns what gives it back. The
// file at path is made where it is not there, is empty, and stays: whoever took it away would let two in at once. The kernel
// drops a lock when its process dies, however that happens, so that none is left behind.
func Take(path string) (giveBack func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing drops the lock
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
		}
		if ctx.Err() != nil { // asked behind the last try: where this process stood still for so long, the lock may be free since
			return nil, errors.Join(fmt.Errorf("%s is locked by another process for more than %v", path, patience), f.Close())
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
		}
	}
}
