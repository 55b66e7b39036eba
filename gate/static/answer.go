package static

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip/gate/encode"
)

// rangesMax is how many parts of a file one request may ask for; who asks for more gets the whole (RFC 9110 section 14.2).
const rangesMax = 16

// serveFile answers with a file, in the form that suits the client best.
func (f *Folder) serveFile(w http.ResponseWriter, r *http.Request, name string, status int) error {
	e, opened, err := f.look(name)
	if err != nil {
		return err
	}
	if opened != nil {
		defer opened.Close() //nolint:errcheck // it was only read
	}
	m := f.choose(r, e)
	if m.content == nil && m.name != name {
		other, sibling := f.openSibling(e, m)
		if m = other; sibling != nil {
			defer sibling.Close() //nolint:errcheck // it was only read
			opened = sibling
		}
	}
	h := w.Header()
	if status != http.StatusOK {
		f.putHeaders(h, e, m)
		h["Cache-Control"] = f.lines.noStore
		f.send(w, r, m, opened, status)
		return nil
	}
	notModified, err := conditions(r.Header, m.tag[0], e.info.ModTime())
	if err != nil {
		return err
	}
	f.putHeaders(h, e, m)
	h["Etag"] = m.tag
	if notModified {
		delete(h, "Content-Type")
		delete(h, "Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Last-Modified"] = e.lastHeader
	if m.coding == encode.Identity {
		if ranges := r.Header["Range"]; r.Method == http.MethodGet && len(ranges) == 1 && strings.Count(ranges[0], ",") < rangesMax {
			sendParts(w, r, e, m, opened)
			return nil
		}
		h["Accept-Ranges"] = f.lines.bytes
	}
	f.send(w, r, m, opened, status)
	return nil
}

// openSibling opens the coded file of a form. The content of one that is asked for again and again is kept. Where it is
// not what it was, it is the file itself that is sent.
func (f *Folder) openSibling(e *file, m *form) (*form, *os.File) {
	opened, info, err := f.root.open(m.name)
	if err != nil {
		e.looked.Store(0)
		return e.identity(), nil
	}
	if !sameInfo(info, m.info) {
		_ = opened.Close() // it was only looked at
		e.looked.Store(0)
		return e.identity(), nil
	}
	if m.size > contentMax || e.asked.Add(1) < keepAfter || !f.settled(info) {
		return m, opened
	}
	content, err := whole(opened, info)
	if err != nil {
		return m, opened
	}
	_ = opened.Close() // it was only read
	kept := m.with(content)
	if e.forms[sibling(m.coding)].CompareAndSwap(m, kept) {
		f.cache.grew(e, len(content))
	}
	return kept, nil
}

// putHeaders puts what is said of a file, however the answer ends.
func (f *Folder) putHeaders(h http.Header, e *file, m *form) {
	h["Content-Type"] = e.kindHeader
	h["X-Content-Type-Options"] = f.lines.nosniff
	h["Cache-Control"] = e.keepHeader
	if m.coding != encode.Identity {
		h["Content-Encoding"] = m.encoding
	}
	if f.compress && e.varies() {
		if h["Vary"] == nil {
			h["Vary"] = f.lines.vary
		} else {
			encode.AddVary(h)
		}
	}
	if strings.HasPrefix(e.kind, "text/html") {
		f.putPage(h)
	}
}

// send sends the whole of a form.
func (f *Folder) send(w http.ResponseWriter, r *http.Request, m *form, opened *os.File, status int) {
	if m.size >= 0 {
		w.Header()["Content-Length"] = m.length
	}
	w.WriteHeader(status)
	switch {
	case r.Method == http.MethodHead:
	case m.content != nil:
		_, _ = w.Write(m.content) // a client that is gone is seen by the writer
	case m.size < 0: // coded while it is sent
		_ = f.encoders.Copy(m.coding, w, func(z io.Writer) error { return copyExactly(z, opened, m.info.Size()) })
	default:
		_ = copyExactly(w, opened, m.size)
	}
}

// copyExactly copies n bytes. A file that got shorter in the meantime can't fill the length that was promised: the answer is cut,
// which tells the client that it is not complete.
func copyExactly(w io.Writer, src io.Reader, n int64) error {
	_, err := io.CopyN(w, src, n)
	if errors.Is(err, io.EOF) {
		panic(http.ErrAbortHandler)
	}
	return err
}

// sendParts answers a Range request (RFC 9110 section 14).
func sendParts(w http.ResponseWriter, r *http.Request, e *file, m *form, opened *os.File) {
	if m.content != nil {
		http.ServeContent(w, r, "", e.info.ModTime(), bytes.NewReader(m.content))
		return
	}
	parts := &exact{File: opened, size: m.size}
	http.ServeContent(w, r, "", e.info.ModTime(), parts)
	if parts.short.Load() {
		panic(http.ErrAbortHandler)
	}
}

// exact is a file that has the size which it had when it was opened, or notes that it got shorter.
type exact struct {
	*os.File

	size  int64
	short atomic.Bool // parts of several ranges are read by a goroutine of their own
}

// Seek knows the end.
func (x *exact) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset, whence = x.size+offset, io.SeekStart
	}
	return x.File.Seek(offset, whence)
}

// Read reads on. Nothing asks for more than there was.
func (x *exact) Read(p []byte) (int, error) {
	n, err := x.File.Read(p)
	if errors.Is(err, io.EOF) {
		x.short.Store(true)
	}
	return n, err
}
