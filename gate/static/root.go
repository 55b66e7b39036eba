package static

import (
	"errors"
	"io/fs"
	"os"
	"strings"
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

// check reports whether there is something with that name.
func (r *root) check(name string) error {
	top, err := r.current()
	if err != nil {
		return err
	}
	_, err = top.Stat(name)
	return missing(err)
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

// unknownType is what a file is sent as whose extension says nothing.
const unknownType = "application/octet-stream"

// contentType returns the media type of a file name: of our own table, so that it is the same on every machine.
func contentType(name string) string {
	dot := strings.LastIndexByte(name, '.')
	switch strings.ToLower(name[dot+1:]) {
	case "html", "htm":
		return "text/html; charset=utf-8"
	case "js", "mjs":
		return "text/javascript; charset=utf-8"
	case "css":
		return "text/css; charset=utf-8"
	case "json", "map":
		return "application/json"
	case "webmanifest":
		return "application/manifest+json"
	case "wasm":
		return "application/wasm"
	case "svg":
		return "image/svg+xml"
	case "png", "gif", "webp", "avif":
		return "image/" + strings.ToLower(name[dot+1:])
	case "jpg", "jpeg":
		return "image/jpeg"
	case "ico":
		return "image/vnd.microsoft.icon"
	case "txt":
		return "text/plain; charset=utf-8"
	case "md":
		return "text/markdown; charset=utf-8"
	case "csv":
		return "text/csv; charset=utf-8"
	case "xml":
		return "application/xml"
	case "pdf":
		return "application/pdf"
	case "woff", "woff2", "ttf", "otf":
		return "font/" + strings.ToLower(name[dot+1:])
	case "mp4", "webm":
		return "video/" + strings.ToLower(name[dot+1:])
	case "mp3":
		return "audio/mpeg"
	case "ogg", "wav":
		return "audio/" + strings.ToLower(name[dot+1:])
	}
	return unknownType
}

// cacheControl says how long a file may be kept: for ever where its name tells its content, else it is asked for again
// each time, which costs a 304.
func cacheControl(name string) string {
	if isHashed(name) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// isHashed reports whether a bundler has put a hash of the content into the name: at least eight letters and digits,
// some of each, after a dash or a dot and before the extension, as in index-BZ3x9Kq1.js.
func isHashed(name string) bool {
	name = name[strings.LastIndexByte(name, '/')+1:]
	dot := strings.IndexByte(name, '.')
	last := strings.LastIndexByte(name, '.')
	if last < 0 {
		return false
	}
	stem := name[:last]
	if dot != last && strings.HasSuffix(name, ".map") { // index-BZ3x9Kq1.js.map
		stem = strings.TrimSuffix(stem, ".js")
		stem = strings.TrimSuffix(stem, ".css")
	}
	hash := stem[strings.LastIndexAny(stem, "-.")+1:]
	if len(hash) == len(stem) || len(hash) < 8 {
		return false
	}
	letters, digits := 0, 0
	for i := range len(hash) {
		switch c := hash[i]; {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
			letters++
		default:
			return false
		}
	}
	return letters > 0 && digits > 0
}
