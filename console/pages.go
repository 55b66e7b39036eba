package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

//go:embed all:web/dist
var built embed.FS //nolint:gochecknoglobals // embed has no other place

// Built is the page that was built into the program; it may hold nothing, where nobody built it.
func Built() fs.FS {
	dist, err := fs.Sub(built, "web/dist")
	if err != nil {
		return built // never: the path is valid
	}
	return dist
}

const noPages = `<!doctype html><meta charset="utf-8"><title>Roundtrip console</title>
<h1>This program was built without the console's pages</h1>
<p>Build them with <code>make build</code>. The API answers already: see docs/console.md.</p>
`

// pages serves the built page. Its routes are in the browser, so that every path that is no file is the start page.
func (c *Console) pages() http.Handler {
	files := http.FileServerFS(c.options.Pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			e := roundtrip.E(roundtrip.Unsupported, "console.not_there", "pages are only read")
			e.Allow = "GET, HEAD"
			c.refuse(w, r, e)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		info, err := fs.Stat(c.options.Pages, name)
		switch {
		case name != "" && name != "index.html" && err == nil && !info.IsDir() && !strings.HasPrefix(path.Base(name), "."):
			if strings.HasPrefix(name, "assets/") { // their names change with their content
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			files.ServeHTTP(w, r)
		case strings.HasPrefix(name, "assets/"): // a script of another build: the start page in its place would be a riddle
			http.NotFound(w, r)
		default:
			c.startPage(w, r)
		}
	})
}

func (c *Console) startPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	page, err := fs.ReadFile(c.options.Pages, "index.html")
	if err != nil {
		page = []byte(noPages)
	}
	http.ServeContent(w, r, "index.html", time.Time{}, strings.NewReader(string(page)))
}
