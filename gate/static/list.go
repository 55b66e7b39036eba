package static

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listMax is how many names a list has at most; a page that is longer serves nobody.
const listMax = 10_000

// item is one line of a list.
type item struct {
	name    string
	folder  bool
	size    int64
	changed time.Time
}

// serveList answers with what is in a folder: JSON where the client asks for that, else a page. name ends in "/" or is "".
func (f *Folder) serveList(w http.ResponseWriter, r *http.Request, name, path string) error {
	items, more, err := f.items(name)
	if err != nil {
		return err
	}
	var b []byte
	h := w.Header()
	if wantsJSON(r) {
		h["Content-Type"] = []string{"application/json"}
		if b, err = listJSON(items, more); err != nil {
			return err
		}
	} else {
		h["Content-Type"] = []string{"text/html; charset=utf-8"}
		h["Referrer-Policy"], h["X-Frame-Options"] = f.lines.referrer, f.lines.frame
		h["Content-Security-Policy"] = []string{"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"}
		b = appendPage(nil, path, path != f.mount, items, more)
	}
	h["X-Content-Type-Options"] = f.lines.nosniff
	h["Cache-Control"] = []string{"no-cache"}
	h["Vary"] = []string{"Accept"}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // a client that is gone is seen by the writer
	}
	return nil
}

// items lists a folder: folders first, then by name. Hidden files and what can't be served are no part of it.
func (f *Folder) items(name string) (items []item, more bool, err error) {
	top, err := f.root.current()
	if err != nil {
		return nil, false, fs.ErrNotExist
	}
	folder, err := top.Open(cmp.Or(strings.TrimSuffix(name, "/"), "."))
	if err != nil {
		return nil, false, missing(err)
	}
	defer folder.Close() //nolint:errcheck // it was only read
	entries, err := folder.ReadDir(listMax + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, missing(err)
	}
	for _, entry := range entries[:min(len(entries), listMax)] {
		if isHidden(entry.Name()) {
			continue
		}
		info, err := f.root.stat(name + entry.Name()) // as links lead: one that leads out is not listed
		if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		items = append(items, item{entry.Name(), info.IsDir(), info.Size(), info.ModTime().UTC()})
	}
	slices.SortFunc(items, func(a, b item) int {
		if a.folder != b.folder {
			if a.folder {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), cmp.Compare(a.name, b.name))
	})
	return items, len(entries) > listMax, nil
}

func wantsJSON(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		if strings.Contains(line, "application/json") && !strings.Contains(line, "text/html") {
			return true
		}
	}
	return false
}

// listing is the JSON of a list.
type listing struct {
	Files []listed `json:"files"`
	More  bool     `json:"more"` // whether there are more files than are listed
}

type listed struct {
	Name    string    `json:"name"`
	Folder  bool      `json:"folder"`
	Size    *int64    `json:"size,omitempty"` // bytes, of files
	Changed time.Time `json:"changed"`
}

func listJSON(items []item, more bool) ([]byte, error) {
	l := listing{Files: make([]listed, len(items)), More: more}
	for i, it := range items {
		l.Files[i] = listed{Name: it.name, Folder: it.folder, Changed: it.changed.Truncate(time.Second)}
		if !it.folder {
			l.Files[i].Size = &items[i].size
		}
	}
	return json.Marshal(l)
}

const pageHead = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>%[1]s</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 52rem;
  color: light-dark(#1d2125, #e4e7ea); background: light-dark(#fff, #14171a) }
h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; margin: 0 0 1rem }
table { width: 100%%; border-collapse: collapse }
th { text-align: start; font-size: .8rem; font-weight: 500; color: light-dark(#5b646d, #98a2ac) }
td, th { padding: .4rem .5rem; border-bottom: 1px solid light-dark(#e6e9ec, #262b30); vertical-align: baseline }
td:first-child { overflow-wrap: anywhere }
.n { text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums; color: light-dark(#5b646d, #98a2ac) }
a { color: light-dark(#0b57d0, #8ab4f8); text-decoration: none }
a:hover, a:focus-visible { text-decoration: underline }
p { color: light-dark(#5b646d, #98a2ac) }
@media (max-width: 30rem) { th:last-child, td:last-child { display: none } }
</style>
<h1>%[1]s</h1>
<table>
<thead><tr><th scope="col">Name<th scope="col" class="n">Size<th scope="col" class="n">Changed (UTC)</thead>
<tbody>
`

func appendPage(b []byte, path string, below bool, items []item, more bool) []byte {
	b = fmt.Appendf(b, pageHead, html.EscapeString(path))
	if below {
		b = append(b, `<tr><td><a href="../">..</a><td class="n"><td class="n">`+"\n"...)
	}
	for _, it := range items {
		name, size := it.name, ""
		if it.folder {
			name += "/"
		} else {
			size = sizeText(it.size)
		}
		// The leading dot keeps a name with a colon from being read as an address of its own.
		b = fmt.Appendf(b, "<tr><td><a href=\"./%s\">%s</a><td class=\"n\">%s<td class=\"n\"><time datetime=\"%s\">%s</time>\n",
			html.EscapeString((&url.URL{Path: name}).EscapedPath()), html.EscapeString(name), size,
			it.changed.Format(time.RFC3339), it.changed.Format("2006-01-02 15:04"))
	}
	b = append(b, "</table>\n"...)
	switch {
	case len(items) == 0:
		b = append(b, "<p>This folder is empty.</p>\n"...)
	case more:
		b = fmt.Appendf(b, "<p>There are more files here than the %d that are listed.</p>\n", listMax)
	}
	return b
}

// sizeText says a size in the largest unit that leaves at least one digit before the point.
func sizeText(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	size, unit := float64(n)/1000, 0
	for size >= 999.5 && unit < 3 {
		size, unit = size/1000, unit+1
	}
	return strconv.FormatFloat(size, 'f', 1, 64) + " " + [...]string{"kB", "MB", "GB", "TB"}[unit]
}
