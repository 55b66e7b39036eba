// Package static serves the files of a folder, and nothing beside it: no dotfiles, no symlink that leads out, no listing.
package static

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Options says what a folder serves.
type Options struct {
	Dir   string           // absolute path; it may come and go while the server runs
	Mount string           // prefix of the route; starts and ends with "/"
	SPA   bool             // an unknown page answers with index.html
	Now   func() time.Time // the clock
}

// Folder serves the files below a folder.
type Folder struct {
	mount string
	spa   bool
	root  root
}

// New makes a folder. It opens nothing: a folder that is not there yet answers 404.
func New(o Options) *Folder {
	return &Folder{mount: o.Mount, spa: o.SPA, root: root{dir: o.Dir, now: o.Now}}
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
	err := f.serveName(w, r, name)
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

// serveName serves a file, or the index.html of a folder.
func (f *Folder) serveName(w http.ResponseWriter, r *http.Request, name string) error {
	if name == "" || strings.HasSuffix(name, "/") {
		return f.serveFile(w, r, name+"index.html", http.StatusOK)
	}
	err := f.serveFile(w, r, name, http.StatusOK)
	if !errors.Is(err, errIsFolder) {
		return err
	}
	if err := f.root.check(name + "/index.html"); err != nil {
		return err
	}
	to := r.URL.EscapedPath() + "/" // so that relative links of the page lead below it
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header()["Location"] = []string{to}
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

func (f *Folder) serveFile(w http.ResponseWriter, r *http.Request, name string, status int) error {
	file, info, err := f.root.open(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	h := w.Header()
	kind := contentType(name)
	h["Content-Type"] = []string{kind}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Cache-Control"] = []string{cacheControl(name)}
	if strings.HasPrefix(kind, "text/html") {
		putPageHeaders(h)
	}
	if status != http.StatusOK {
		h["Cache-Control"] = []string{"no-store"}
		h["Content-Length"] = []string{strconv.FormatInt(info.Size(), 10)}
		w.WriteHeader(status)
		if r.Method == http.MethodHead {
			return nil
		}
		_, _ = file.WriteTo(w) // a client that is gone is seen by the writer
		return nil
	}
	h["Etag"] = []string{etag(info)}
	http.ServeContent(w, r, "", info.ModTime(), file)
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

// putPageHeaders puts what keeps a page from being framed, and its address from being told to others.
func putPageHeaders(h http.Header) {
	h["Referrer-Policy"] = []string{"strict-origin-when-cross-origin"}
	h["X-Frame-Options"] = []string{"SAMEORIGIN"}
	h["Content-Security-Policy"] = []string{"frame-ancestors 'self'; base-uri 'self'; object-src 'none'"}
}

// errIsFolder says that a name is a folder.
var errIsFolder = &fs.PathError{Op: "open", Err: syscall.EISDIR}
