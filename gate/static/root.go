package static

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// lookAgain is how often it is looked whether the folder is still the same: a build replaces it, a deployment moves a
// link.
const lookAgain = time.Second

// root is an open folder that nothing leads out of (os.Root), opened anew when another one takes its place.
type root struct {
	dir string
	now func() time.Time

	mu     sync.Mutex // guards all below
	opened *os.Root   // nil while there is no such folder
	info   fs.FileInfo
	looked time.Time
}

// current returns the folder that is at the path now.
func (r *root) current() (*os.Root, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if r.opened != nil && now.Sub(r.looked) < lookAgain {
		return r.opened, nil
	}
	r.looked = now
	info, err := os.Stat(r.dir)
	if err != nil {
		r.opened, r.info = nil, nil
		return nil, err
	}
	if r.opened != nil && os.SameFile(info, r.info) {
		return r.opened, nil
	}
	// The old one is not closed here: requests may be using it. It closes itself when the last of them has ended.
	if r.opened, err = os.OpenRoot(r.dir); err != nil {
		r.opened = nil
		return nil, err
	}
	r.info = info
	return r.opened, nil
}

// open opens a regular file. A folder gives errIsFolder; whatever else is no file (pipes, devices) is not there.
func (r *root) open(name string) (*os.File, fs.FileInfo, error) {
	top, err := r.current()
	if err != nil {
		return nil, nil, err
	}
	// Without O_NONBLOCK a pipe would hold the request until somebody writes to it.
	f, err := top.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, missing(err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		return f, info, nil
	case info.IsDir():
		err = errIsFolder
	default:
		err = fs.ErrNotExist
	}
	_ = f.Close() // it was only looked at
	return nil, nil, err
}

// stat looks at what has that name, below the folder as links lead.
func (r *root) stat(name string) (fs.FileInfo, error) {
	top, err := r.current()
	if err != nil {
		return nil, err
	}
	info, err := top.Stat(name)
	return info, missing(err)
}

// same reports whether the name still leads to the file with that info. It asks the kernel once, which is a fifth of what opening
// the file below the folder costs, and is as safe: whatever the path leads over, it is the file that was opened there.
func (r *root) same(path string, info fs.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, info) && now.ModTime().Equal(info.ModTime()) && now.Size() == info.Size()
}

// path returns where a name lies.
func (r *root) path(name string) string { return filepath.Join(r.dir, name) }

// doubt has the next request look whether the folder is still the same.
func (r *root) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = time.Time{}
}

// absent reports whether there is no such folder at all.
func (r *root) absent() bool {
	_, err := r.current()
	return err != nil
}

// missing makes fs.ErrNotExist of the errors for names that can't be there: below a file, too long, not allowed.
func missing(err error) error {
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, fs.ErrInvalid) {
		return fs.ErrNotExist
	}
	return err
}
