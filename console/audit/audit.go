// Package audit keeps who did what as an operator: lines of JSON that are on the disk before the answer leaves, each bound
// to the one before it by a hash, so that a line that was changed or taken out is noticed.
package audit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/internal/filelock"
)

// The names of the current files in the data folder; older ones have a dot and a number behind it, 1 for the newest.
const (
	// File is that of what operators do.
	File = "audit.log"
	// RefusedFile is that of strangers who were turned away at the console's door. It has a room of its own: whoever tries
	// passwords all day long pushes out nothing but other tries.
	RefusedFile = "audit-refused.log"
)

const (
	// FileMaxBytes is how long a file grows before the next one is begun.
	FileMaxBytes = 4 << 20
	// FilesMax is how many older files are kept.
	FilesMax = 7
	// RefusedMaxBytes is FileMaxBytes of [RefusedFile].
	RefusedMaxBytes = 1 << 20
	// RefusedFilesMax is FilesMax of [RefusedFile].
	RefusedFilesMax = 3

	lineMaxBytes = 16 << 10
	textMax      = 300 // bytes of one text of an entry
	fieldsMax    = 64
)

// Entry is one deed.
type Entry struct {
	N       uint64    `json:"n"` // counts up from 1
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`              // the operator's name; "" where nobody was signed in
	Role    string    `json:"role,omitempty"`   //
	From    string    `json:"from,omitempty"`   // the network: /24 or /56; "control" for commands of this machine
	What    string    `json:"what"`             // operator.link, journey.pin, data.update …
	Target  string    `json:"target,omitempty"` // what it was done to: photos/17
	Fields  []string  `json:"fields,omitempty"` // names of the fields that changed; never their values
	Note    string    `json:"note,omitempty"`   // what else is worth knowing: viewer → owner
	Refused string    `json:"refused,omitempty"`
	After   string    `json:"after,omitempty"` // in the first line of a file: the chain of the one before
	Chain   string    `json:"chain,omitempty"` // SHA-256 of the chain so far and of this line up to here
}

// Log is an open audit log. It is safe for use by several goroutines, and by several processes at once: each entry is
// written under a lock of the file, behind what others have written.
type Log struct {
	place
	now     func() time.Time
	maxSize int64

	mu     sync.Mutex // guards all below
	file   *os.File
	size   int64
	last   uint64
	chain  string
	broken string // what was found to be wrong with it, "" where nothing was
	failed error  // a write failed half way: nothing is taken any more
}

// Open opens the log of a data folder, or begins it. What a crash left of a last line is cut off: nobody was told that it
// is there. maxSize bounds a file; 0: [FileMaxBytes].
func Open(dir string, now func() time.Time, maxSize int64) (*Log, error) {
	return open(place{dir, File, FilesMax}, now, cmp.Or(max(0, maxSize), FileMaxBytes))
}

// OpenRefused is Open for the log of those who were turned away.
func OpenRefused(dir string, now func() time.Time, maxSize int64) (*Log, error) {
	return open(place{dir, RefusedFile, RefusedFilesMax}, now, cmp.Or(max(0, maxSize), RefusedMaxBytes))
}

func open(at place, now func() time.Time, maxSize int64) (*Log, error) {
	l := &Log{place: at, now: now, maxSize: maxSize}
	unlock, err := filelock.Take(l.lockPath())
	if err != nil {
		return nil, err
	}
	defer unlock()
	f, err := os.OpenFile(l.path(0), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l.file = f
	if err := l.recover(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// recover finds where the log ends.
func (l *Log) recover() error {
	text, err := io.ReadAll(l.file)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole < len(text) {
		if err := errors.Join(l.file.Truncate(int64(whole)), l.file.Sync()); err != nil {
			return err
		}
	}
	if _, err := l.file.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	l.size = int64(whole)
	if whole == 0 { // a new log, or one that a crash left between two files
		old, err := os.ReadFile(l.path(1))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		l.last, l.chain, l.broken = check(old)
		return nil
	}
	l.last, l.chain, l.broken = check(text[:whole])
	return nil
}

// Append writes an entry; it is on the disk when Append returns. N, Time and what binds it to the others are filled in.
func (l *Log) Append(e Entry) (Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return e, l.failed
	}
	unlock, err := filelock.Take(l.lockPath())
	if err != nil {
		return e, err
	}
	defer unlock()
	if err := l.catchUp(); err != nil {
		return e, err
	}
	if l.size >= l.maxSize {
		if err := l.rotate(); err != nil {
			return e, err
		}
	}
	e.bound()
	e.N, e.Time, e.After, e.Chain = l.last+1, l.now().UTC().Truncate(time.Millisecond), "", ""
	if l.size == 0 {
		e.After = l.chain
	}
	line, chain, err := seal(e, l.chain)
	if err != nil {
		return e, err
	}
	_, err = l.file.Write(line)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return e, l.takeBack(err)
	}
	l.size += int64(len(line))
	l.last, l.chain, e.Chain = e.N, chain, chain
	return e, nil
}

// catchUp goes to the end of what other processes have written since. Where entries of ours are gone the chain goes on from
// them, so that it is seen. The caller holds mu and the lock.
func (l *Log) catchUp() error {
	there, err := os.Stat(l.path(0))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if mine, failed := l.file.Stat(); err == nil && failed == nil && os.SameFile(there, mine) && there.Size() == l.size {
		return nil
	}
	f, err := os.OpenFile(l.path(0), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	before, last, chain, broken := l.file, l.last, l.chain, l.broken
	l.file = f
	if err := l.recover(); err != nil {
		l.file, l.last, l.chain = before, last, chain
		return errors.Join(err, f.Close())
	}
	l.broken = first(broken, l.broken)
	if l.last < last {
		l.last, l.chain = last, chain
		l.broken = first(l.broken, fmt.Sprintf("entries up to %d were written, and are gone", last))
	}
	return before.Close()
}

// takeBack removes what a failed write left, so that the next one begins on a line of its own.
func (l *Log) takeBack(err error) error {
	if back := l.file.Truncate(l.size); back != nil {
		l.failed = errors.Join(err, back)
	} else if _, back := l.file.Seek(l.size, io.SeekStart); back != nil {
		l.failed = errors.Join(err, back)
	}
	return err
}

// rotate begins the next file. The caller holds mu.
func (l *Log) rotate() error {
	for i := l.files - 1; i >= 0; i-- {
		if err := os.Rename(l.path(i), l.path(i+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(l.path(0), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, os.Rename(l.path(1), l.path(0)))
	}
	old := l.file
	l.file, l.size = f, 0
	return errors.Join(old.Close(), syncFolder(l.dir))
}

// place is where a log lies.
type place struct {
	dir, name string
	files     int // older ones that are kept
}

func (p place) path(i int) string {
	at := filepath.Join(p.dir, p.name)
	if i > 0 {
		at += fmt.Sprintf(".%d", i)
	}
	return at
}

func (p place) lockPath() string { return p.path(0) + ".lock" }

// Broken says where the chain is broken, as it was found when the log was opened, "" where it is not.
func (l *Log) Broken() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = fs.ErrClosed
	return l.file.Close()
}

// bound cuts what could make a line too long.
func (e *Entry) bound() {
	for _, s := range []*string{&e.Who, &e.Role, &e.From, &e.What, &e.Target, &e.Note, &e.Refused} {
		*s = cut(*s)
	}
	e.Fields = append([]string(nil), e.Fields[:min(len(e.Fields), fieldsMax)]...)
	for i := range e.Fields {
		e.Fields[i] = e.Fields[i][:min(len(e.Fields[i]), 100)]
	}
}

func cut(s string) string {
	if len(s) <= textMax {
		return s
	}
	return strings.ToValidUTF8(s[:textMax], "") + "…"
}

// seal makes the line of an entry and the chain behind it.
func seal(e Entry, chain string) (line []byte, next string, err error) {
	line, err = json.Marshal(e)
	if err != nil {
		return nil, "", err
	}
	if len(line) > lineMaxBytes {
		return nil, "", fmt.Errorf("audit: an entry of %d bytes", len(line))
	}
	body := line[:len(line)-1] // without the closing brace
	next = link(chain, body)
	return append(body, `,"chain":"`+next+"\"}\n"...), next, nil
}

// link is the chain after a line: SHA-256 over the chain before it and the line's text up to its chain.
func link(chain string, body []byte) string {
	sum := sha256.Sum256(append([]byte(chain+"\n"), body...))
	return hex.EncodeToString(sum[:])
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
