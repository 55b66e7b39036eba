package static

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/encode"
)

const (
	// codeMax is the size up to which a file is coded whole and kept; larger ones are coded while they are sent.
	codeMax = 4 << 20
	// siblingsEvery is how often it is looked whether a file has coded siblings.
	siblingsEvery = time.Second
	// settleTime is how long after a change nothing is kept of a file.
	settleTime = 20 * time.Millisecond
)

// newFile makes what is known of a file.
func newFile(id fileID, info fs.FileInfo) *file {
	kind := contentType(id.name)
	e := &file{
		id: id, info: info, kind: kind, coded: encode.Compressible(kind),
		kindHeader: []string{kind}, keepHeader: []string{cacheControl(id.name)},
		lastHeader: []string{info.ModTime().UTC().Format(http.TimeFormat)},
	}
	e.forms[sibling(encode.Identity)].Store(newForm(encode.Identity, id.name, info, encode.Identity))
	return e
}

// newForm makes the form that a file of the folder has. made is the coding that the file was coded in here, if it was.
func newForm(c encode.Coding, name string, info fs.FileInfo, made encode.Coding) *form {
	return &form{
		coding: c, name: name, info: info, size: info.Size(),
		tag: []string{encode.Tag(etag(info), made)}, length: []string{strconv.FormatInt(info.Size(), 10)}, encoding: []string{c.String()},
	}
}

// with returns the form with its content in memory.
func (m *form) with(content []byte) *form {
	kept := *m
	kept.content, kept.size = content, int64(len(content))
	kept.length = []string{strconv.Itoa(len(content))}
	return &kept
}

// look finds a file. The open file is nil where the content is in memory.
func (f *Folder) look(name string) (*file, *os.File, error) {
	id := fileID{f.root.dir, name}
	e := f.cache.get(id)
	if e != nil {
		if e.identity().content != nil && f.root.same(e.path, e.info) {
			return e, nil, nil
		}
		if e.identity().content != nil {
			f.root.doubt()
			f.cache.drop(e)
			e = nil
		}
	}
	opened, info, err := f.root.open(name)
	if err != nil {
		return nil, nil, err
	}
	if e == nil || !sameInfo(e.info, info) {
		id.name = strings.Clone(name) // the path of the request goes
		e = newFile(id, info)
		e.path = f.root.path(name)
		f.cache.put(e)
	}
	if info.Size() > contentMax || e.asked.Add(1) < keepAfter || !f.settled(info) {
		return e, opened, nil
	}
	content, err := whole(opened, info)
	if err != nil { // it changes just now: what is sent is what it was when it was opened
		return e, opened, nil //nolint:nilerr // the sender meets what is wrong with it
	}
	_ = opened.Close() // it was only read
	if e.forms[sibling(encode.Identity)].CompareAndSwap(e.identity(), e.identity().with(content)) {
		f.cache.grew(e, len(content))
	}
	return e, nil, nil
}

// settled reports whether a file was changed long enough ago that the next change will show in its time: a kernel's file
// times move in steps of up to 10 ms. A time in the future is no measure of that.
func (f *Folder) settled(info fs.FileInfo) bool {
	age := f.now().Sub(info.ModTime())
	return age > settleTime || age < -time.Second
}

func (e *file) identity() *form { return e.forms[sibling(encode.Identity)].Load() }

func sameInfo(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// whole reads a file that is as info says, before and after.
func whole(opened *os.File, info fs.FileInfo) ([]byte, error) {
	content := make([]byte, info.Size())
	if _, err := io.ReadFull(io.NewSectionReader(opened, 0, info.Size()), content); err != nil {
		return nil, err
	}
	after, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if !sameInfo(info, after) {
		return nil, fs.ErrInvalid
	}
	return content, nil
}

// choose picks the form of a file for a request: what the client likes best of the coded siblings, else the file coded here.
// A part (Range) is always one of the identity form, so that it fits to other parts whoever asked for them.
func (f *Folder) choose(r *http.Request, e *file) *form {
	if !f.compress {
		return e.identity()
	}
	f.findSiblings(e)
	lines := r.Header["Accept-Encoding"]
	if lines == nil || r.Header["Range"] != nil || encode.NoTransform(r.Header) {
		return e.identity()
	}
	accepted := encode.Accept(lines)
	var room [3]encode.Coding
	offered := room[:0]
	for _, c := range [...]encode.Coding{encode.Brotli, encode.Zstd, encode.Gzip} {
		if e.forms[sibling(c)].Load() != nil {
			offered = append(offered, c)
		}
	}
	if c := accepted.Best(offered...); c != encode.Identity {
		return e.forms[sibling(c)].Load()
	}
	size := e.info.Size()
	if !e.coded || size < encode.SizeMin && !accepted.RefusesIdentity() {
		return e.identity()
	}
	if size > codeMax {
		if c := accepted.Best(encode.Zstd, encode.Brotli, encode.Gzip); c != encode.Identity {
			m := newForm(c, e.id.name, e.info, c)
			m.size = -1
			return m
		}
		return e.identity()
	}
	c := accepted.Best(encode.Brotli, encode.Zstd, encode.Gzip)
	if c == encode.Identity {
		return e.identity()
	}
	if m := f.made(e, c); m != nil && (!m.useless || accepted.RefusesIdentity()) {
		return m
	}
	return e.identity()
}

// made returns a file in a coding, made here; nil where the file can't be read.
func (f *Folder) made(e *file, c encode.Coding) *form {
	place := &e.forms[own(c)]
	if m := place.Load(); m != nil {
		return m
	}
	e.coding.Lock()
	defer e.coding.Unlock()
	if m := place.Load(); m != nil {
		return m
	}
	src := e.identity().content
	if src == nil {
		opened, info, err := f.root.open(e.id.name)
		if err != nil {
			return nil
		}
		defer opened.Close() //nolint:errcheck // it was only read
		if src, err = whole(opened, info); err != nil || !sameInfo(info, e.info) {
			return nil
		}
	}
	content, err := f.encoders.Append(c, nil, src)
	if err != nil {
		return nil
	}
	m := newForm(c, "", e.info, c).with(content[:len(content):len(content)])
	m.useless = len(content) >= len(src)
	if f.settled(e.info) {
		place.Store(m)
		f.cache.grew(e, len(content))
	}
	return m
}

// findSiblings looks, at most once a second, for files beside a file that are the same in a coding: app.js.br beside
// app.js. One that is older than the file is what is left of an earlier build.
func (f *Folder) findSiblings(e *file) {
	now := f.now().UnixNano()
	last := e.looked.Load()
	if last != 0 && now-last < int64(siblingsEvery) || !e.looked.CompareAndSwap(last, now) {
		return
	}
	for c := encode.Gzip; c <= encode.Zstd; c++ {
		place := &e.forms[sibling(c)]
		old := place.Load()
		name := e.id.name + c.Suffix()
		info, err := f.root.stat(name)
		if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(e.info.ModTime()) {
			info = nil
		}
		if old != nil && info != nil && sameInfo(old.info, info) {
			continue
		}
		if info == nil {
			place.Store(nil)
		} else {
			place.Store(newForm(c, name, info, c))
		}
		if old != nil && old.content != nil {
			f.cache.grew(e, -len(old.content))
		}
	}
}

// varies reports whether another client may get the file in another form.
func (e *file) varies() bool {
	if e.coded && e.info.Size() >= encode.SizeMin {
		return true
	}
	for c := encode.Gzip; c <= encode.Zstd; c++ {
		if e.forms[sibling(c)].Load() != nil {
			return true
		}
	}
	return false
}
