// Package files keeps the bytes of files in a local folder: what a field of type file names by its id.
//
// A file comes in three steps around the write of its record: Stage takes the bytes and looks at them, Keep moves them to
// their place before the commit, Done forgets after it that they were new. Whatever step a crash falls on, no record is
// left without its file, and Recover takes away files without a record at the next start.
package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/roundtrip-dev/roundtrip"
)

// Options is what a [Store] is made of.
type Options struct {
	Dir   string // the folder, made by Prepare
	Now   func() time.Time
	Rand  io.Reader // cryptographic: a file's id is not to be guessed
	Cores int       // images that are decoded at once; 0: as many as there are cores
}

// Store is a folder of files. Its methods may be called by many goroutines; one process has the folder.
//
// The folder has incoming/, where files arrive (ID.part) and stand until their record is sure (ID.keep), and one folder
// for the first two characters of the ids: ab/ID is a file as it came, ab/ID.320 its copy 320 pixels wide.
type Store struct {
	dir    string
	now    func() time.Time
	rand   io.Reader
	decode *semaphore.Weighted // pixels that are decoded at once
	least  int64               // what one image takes of it at least, so that no more than Cores run

	mu      sync.Mutex // guards all below
	active  map[string]bool
	flights map[string]*flight
}

const incoming = "incoming"

// New makes a store. It does no I/O.
func New(o Options) (*Store, error) {
	if o.Dir == "" || o.Now == nil || o.Rand == nil {
		return nil, errors.New("files: Dir, Now and Rand must be given")
	}
	if o.Cores <= 0 {
		o.Cores = runtime.GOMAXPROCS(0)
	}
	return &Store{
		dir: o.Dir, now: o.Now, rand: o.Rand,
		decode: semaphore.NewWeighted(pixelsMax), least: pixelsMax / int64(o.Cores),
		active: map[string]bool{}, flights: map[string]*flight{},
	}, nil
}

// Prepare makes the folder. The error names it.
func (s *Store) Prepare(context.Context) error {
	return os.MkdirAll(filepath.Join(s.dir, incoming), 0o750)
}

// Remove deletes a file and its copies. What is not there is no error, so that it can be repeated.
func (s *Store) Remove(_ context.Context, id string) error {
	if !validID(id) {
		return roundtrip.E(roundtrip.Missing, "file.missing", "%q is not the id of a file", id)
	}
	path := s.path(id)
	err := os.Remove(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return roundtrip.Wrap("files.remove", err)
	}
	copies, err := filepath.Glob(path + ".*") // after the original: a copy that is being made looks for it when it is done
	if err != nil {
		return roundtrip.Wrap("files.remove", err)
	}
	for _, c := range copies {
		if err := os.Remove(c); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return roundtrip.Wrap("files.remove", err)
		}
	}
	if err := syncDir(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return roundtrip.Wrap("files.remove", err)
	}
	return nil
}

// path is where a file lies.
func (s *Store) path(id string) string { return filepath.Join(s.dir, id[:2], id) }

func (s *Store) partPath(id string) string { return filepath.Join(s.dir, incoming, id+".part") }
func (s *Store) keepPath(id string) string { return filepath.Join(s.dir, incoming, id+".keep") }

const (
	idLen      = 26 // 130 bits
	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

func (s *Store) newID() (string, error) {
	var b [idLen]byte
	if _, err := io.ReadFull(s.rand, b[:]); err != nil {
		return "", err
	}
	for i := range b {
		b[i] = idAlphabet[b[i]&31]
	}
	return string(b[:]), nil
}

// validID keeps everything from paths that newID did not make.
func validID(id string) bool {
	if len(id) != idLen {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeFile writes a file durably, but not its name.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640) //nolint:gosec // the group may read: backups run as it
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Sync(), f.Close())
}
