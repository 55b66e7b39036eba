package static

import "strings"

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
