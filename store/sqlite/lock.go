package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lock keeps a second process off the database: readers hold snapshots that they renew by a counter in this process, so
// the commits of another one would be seen late. The kernel drops the lock when the process dies.
type lock struct {
	file *os.File
	was  headMark // as the process before left it
}

// takeLock locks PATH.lock, and fails with the pid of who has it.
func takeLock(path string) (*lock, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the database: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner := make([]byte, 20)
		n, _ := f.Read(owner)
		pid, _, _ := strings.Cut(string(owner[:n]), "\n")
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the database %s is in use by process %s: stop it, or do this through its API", path, pid)
		}
		return nil, fmt.Errorf("locking the database %s: %w", path, err)
	}
	l := &lock{file: f}
	l.was = l.read()
	if err := l.keep(l.was.epoch, l.was.position); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("writing %s.lock: %w", path, err)
	}
	return l, nil
}

// release gives the lock back; the file stays, with its mark, and so that nobody races for it. Closing it would not do: a child
// process that is being started at this moment has the file open too, until it runs its own program.
func (l *lock) release() {
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	_ = l.file.Close()
}
