package static

import (
	"container/list"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip/gate/encode"
)

const (
	// cacheBytesMax bounds the contents that a cache keeps, coded ones included.
	cacheBytesMax = 64 << 20
	cacheFilesMax = 8192
	// contentMax is the size up to which the content of a file is kept.
	contentMax = 2 << 20
	// keepAfter is how often a file must have been asked for before its content is kept, so that somebody who walks through
	// a large folder doesn't push out what all others ask for.
	keepAfter = 2
)

// Cache keeps what is known of files, and the contents of small ones that are asked for again and again: as they are, and
// coded. It is no cache of answers: each request looks at the file first. Several folders may share one. It is safe for use by many goroutines.
type Cache struct {
	mu    sync.Mutex // guards all below
	files map[fileID]*list.Element
	order list.List // of *file, the last used first
	bytes int
}

// NewCache makes an empty cache.
func NewCache() *Cache { return &Cache{files: map[fileID]*list.Element{}} }

// fileID names a file: the folder that is served, and the name below it.
type fileID struct{ dir, name string }

// file is what is known of one file: everything that an answer needs of it, made once.
type file struct {
	id    fileID
	path  string
	info  fs.FileInfo
	kind  string
	coded bool // its type gets smaller by coding

	asked  atomic.Uint32
	looked atomic.Int64 // when siblings were looked for, in nanoseconds
	forms  [formCount]atomic.Pointer[form]
	coding sync.Mutex // held while a form is made, so that one request does the work and others wait

	kept    int  // bytes of contents; guarded by Cache.mu
	inCache bool // guarded by Cache.mu

	kindHeader, keepHeader, lastHeader []string // header lines
}

// formCount is how many forms a file may have: as it is, coded siblings in the folder, and coded here.
const formCount = 2 * 4

// form is one representation of a file. It does not change.
type form struct {
	coding  encode.Coding
	name    string      // of the file that has it, below the folder; "" where only content has it
	info    fs.FileInfo // of that file
	content []byte      // nil where it is read from the file each time
	size    int64
	useless bool // coding made it no smaller

	tag, length, encoding []string // header lines
}

// sibling and own are the places of forms in file.forms.
func sibling(c encode.Coding) int { return int(c) }
func own(c encode.Coding) int     { return 4 + int(c) }

// get returns what is known of a file.
func (c *Cache) get(id fileID) *file {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.files[id]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*file)
}

// put keeps what is known of a file, in place of what was known of it.
func (c *Cache) put(f *file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.files[f.id]; e != nil {
		c.remove(e)
	}
	f.inCache = true
	c.files[f.id] = c.order.PushFront(f)
	c.shrink()
}

// drop forgets a file.
func (c *Cache) drop(f *file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.files[f.id]; e != nil && e.Value == f {
		c.remove(e)
	}
}

// grew counts n more bytes (or fewer) that a file keeps.
func (c *Cache) grew(f *file, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.inCache {
		f.kept += n
		c.bytes += n
		c.shrink()
	}
}

func (c *Cache) shrink() {
	for c.bytes > cacheBytesMax || len(c.files) > cacheFilesMax {
		c.remove(c.order.Back())
	}
}

func (c *Cache) remove(e *list.Element) {
	f := c.order.Remove(e).(*file)
	f.inCache = false
	c.bytes -= f.kept
	delete(c.files, f.id)
}

// Size returns how many files are known, and how many bytes of contents are kept.
func (c *Cache) Size() (files, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.files), c.bytes
}
