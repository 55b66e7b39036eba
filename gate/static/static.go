// Package static serves the files of a folder, and nothing beside it: no dotfiles, no symlink that leads out, and a list of
// the files only where that is wished. What gets smaller by it is sent in a content coding.
package static

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/encode"
)

// Options says what a folder serves.
type Options struct {
	Dir      string           // absolute path; it may come and go while the server runs
	Mount    string           // prefix of the route; starts and ends with "/"
	SPA      bool             // an unknown page answers with index.html
	Listing  bool             // a folder without index.html answers with a list of its files
	Framed   bool             // pages don't ask browsers to keep them out of frames of other sites: the site wants no such advice
	Encoders *encode.Encoders // nil: files are sent as they are, whatever the client takes
	Cache    *Cache           // shared with other folders; nil: one of its own
	Now      func() time.Time // the clock
}

// Folder serves the files below a folder.
type Folder struct {
	mount    string
	spa      bool
	listing  bool
	framed   bool
	compress bool
	encoders *encode.Encoders
	cache    *Cache
	now      func() time.Time
	root     root
	lines    lines
}

// New makes a folder. It opens nothing: a folder that is not there yet answers 404.
func New(o Options) *Folder {
	f := &Folder{
		mount: o.Mount, spa: o.SPA, listing: o.Listing, framed: o.Framed, compress: o.Encoders != nil, encoders: o.Encoders,
		cache: o.Cache, now: o.Now, root: root{dir: o.Dir, now: o.Now}, lines: newLines(),
	}
	if f.cache == nil {
		f.cache = NewCache()
	}
	return f
}

// Serve answers a request for a path, which is clean (no dot segments, no empty ones) and starts with the mount. What
// it can't serve it returns as an *roundtrip.Error, with nothing written.
func (f *Folder) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		err := roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "Files can be read only: use GET or HEAD.")
		err.Allow = "GET, HEAD"
		return err
	}
	name := strings.TrimPrefix(path, f.mount)
	if isHidden(name) {
		err := notFound(path)
		err.Reason = "static.forbidden_path"
		return err
	}
	err := f.serveName(w, r, name, path)
	if !errors.Is(err, fs.ErrNotExist) {
		return f.failed(err, path)
	}
	if f.spa && isPage(name) && wantsHTML(r) {
		if err = f.serveFile(w, r, "index.html", http.StatusOK); !errors.Is(err, fs.ErrNotExist) {
			return f.failed(err, path)
		}
	}
	if wantsHTML(r) {
		if err = f.serveFile(w, r, "404.html", http.StatusNotFound); err == nil {
			return nil
		}
	}
	if f.root.absent() {
		return roundtrip.E(roundtrip.Missing, "static.no_folder", "The page that belongs here has not been built yet.")
	}
	return notFound(path)
}

// failed makes the public error of what went wrong while a file was opened.
func (f *Folder) failed(err error, path string) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*roundtrip.Error](err); ok { // a condition that does not hold
		return e
	}
	e := notFound(path)
	e.Op, e.Err = "static.open", err
	if !errors.Is(err, fs.ErrNotExist) { // a link that leads out, or no right to read: the same answer as nothing
		e.Reason = "static.forbidden_path"
	}
	return e
}

func notFound(path string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Missing, "static.not_found", "There is no file %q here.", path)
}

// serveName serves a file, or the index.html of a folder, or a list of what is in it. path is the path of the request.
func (f *Folder) serveName(w http.ResponseWriter, r *http.Request, name, path string) error {
	if name == "" || strings.HasSuffix(name, "/") {
		err := f.serveFile(w, r, name+"index.html", http.StatusOK)
		if f.listing && errors.Is(err, fs.ErrNotExist) {
			return f.serveList(w, r, name, path)
		}
		return err
	}
	err := f.serveFile(w, r, name, http.StatusOK)
	if !errors.Is(err, errIsFolder) {
		return err
	}
	if !f.listing {
		if _, err := f.root.stat(name + "/index.html"); err != nil {
			return err
		}
	}
	to := (&url.URL{Path: path + "/"}).EscapedPath() // so that relative links of the page lead below it
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header()["Location"] = []string{to}
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// etag is made of time and size, with a sign between them, so that no two pairs give one tag.
func etag(info fs.FileInfo) string {
	return `"` + strconv.FormatInt(info.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(info.Size(), 36) + `"`
}

// isHidden reports whether any segment starts with a dot; .well-known at the top is meant to be read (RFC 8615).
func isHidden(name string) bool {
	name = strings.TrimPrefix(name, ".well-known/")
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// isPage reports whether a name can be a page of a single-page app: its last segment has no extension that files are known
// by, so that a missing script stays a 404 and is not answered with HTML, and /people/ana.b is a page.
func isPage(name string) bool {
	last := name[strings.LastIndexByte(name, '/')+1:]
	return !strings.Contains(last, ".") || contentType(last) == unknownType
}

// wantsHTML reports whether the client is a browser that opens a page.
func wantsHTML(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		if strings.Contains(line, "text/html") || strings.Contains(line, "application/xhtml+xml") {
			return true
		}
	}
	return false
}

// lines are header lines that many answers have, made once.
type lines struct {
	nosniff, noStore, bytes   []string
	vary                      []string
	referrer, frame, security []string
}

func newLines() lines {
	return lines{
		nosniff: []string{"nosniff"}, noStore: []string{"no-store"}, bytes: []string{"bytes"}, vary: []string{"Accept-Encoding"},
		referrer: []string{"strict-origin-when-cross-origin"}, frame: []string{"SAMEORIGIN"},
		security: []string{"frame-ancestors 'self'; base-uri 'self'; object-src 'none'"},
	}
}

// putPage puts what keeps a page from being framed, and its address from being told to others.
func (f *Folder) putPage(h http.Header) {
	if l := &f.lines; !f.framed {
		h["Referrer-Policy"], h["X-Frame-Options"], h["Content-Security-Policy"] = l.referrer, l.frame, l.security
	}
}

// errIsFolder says that a name is a folder.
var errIsFolder = &fs.PathError{Op: "open", Err: syscall.EISDIR}
