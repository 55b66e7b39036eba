package files

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// sniffLen is how much of a file is looked at, as in the MIME Sniffing standard, section 5.2; and more, because an SVG
// may begin with a comment.
const sniffLen = 1024

// plain is what a file is called that a browser must not interpret.
const plain = "application/octet-stream"

// sniff finds the media type from a file's first bytes. The name only chooses between types that are the same bytes to a
// sniffer and that no browser runs. What a browser would run (HTML, XML, SVG) has its type only where the field accepts
// that very type, and is application/octet-stream elsewhere.
func sniff(head []byte, name string, accept []string) string {
	if t := sniffBrand(head); t != "" {
		return t
	}
	t, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if t == "text/plain" || t == "text/xml" {
		if svg := bytes.Contains(head, []byte("<svg")); svg && startsWithTag(head) {
			t = "image/svg+xml"
		}
	}
	switch t {
	case "text/html", "text/xml", "image/svg+xml":
		if !slices.Contains(accept, t) {
			return plain
		}
	case "text/plain", "application/zip":
		if named := typeByName(t, path.Ext(name)); named != "" && accepts(accept, named) {
			return named
		}
	}
	return t
}

// sniffBrand knows the ISO base media files (ISO/IEC 14496-12 section 4.3) that are images.
func sniffBrand(head []byte) string {
	if len(head) < 12 || string(head[4:8]) != "ftyp" {
		return ""
	}
	switch string(head[8:12]) {
	case "avif", "avis":
		return "image/avif"
	case "heic", "heix", "mif1", "msf1":
		return "image/heic"
	}
	return ""
}

func startsWithTag(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<"))
}

// typeByName tells apart what has the same bytes to a sniffer.
func typeByName(sniffed, ext string) string {
	ext = strings.ToLower(ext)
	if sniffed == "text/plain" {
		switch ext {
		case ".csv":
			return "text/csv"
		case ".md":
			return "text/markdown"
		case ".json":
			return "application/json"
		case ".ics":
			return "text/calendar"
		}
		return ""
	}
	switch ext {
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case ".odt":
		return "application/vnd.oasis.opendocument.text"
	case ".epub":
		return "application/epub+zip"
	}
	return ""
}

// accepts reports whether a list of media types has one, "image/*" meaning all images. An empty list accepts all.
func accepts(list []string, t string) bool {
	if len(list) == 0 {
		return true
	}
	for _, a := range list {
		family, all := strings.CutSuffix(a, "/*")
		if a == "*/*" || a == t || (all && strings.HasPrefix(t, family+"/")) {
			return true
		}
	}
	return false
}

func notAccepted(field *roundtrip.Field, t string) error {
	e := roundtrip.E(roundtrip.Invalid, "file.type", "%s takes %s; this file's content is %s",
		field.Name, strings.Join(field.Accept, ", "), t)
	e.Status = http.StatusUnsupportedMediaType
	return e
}

// nameMaxBytes is what file systems take.
const nameMaxBytes = 255

// cleanName keeps the last element of a client's file name, without what could steer a terminal or a file dialog.
func cleanName(name string) string {
	if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = decoded
	}
	name = strings.ToValidUTF8(name, "")
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) { // control characters and marks that turn the direction of writing
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if name == "" || name == "/" {
		return "file"
	}
	return shorten(name)
}

// shorten cuts the middle out of a long name: its extension stays.
func shorten(name string) string {
	if len(name) <= nameMaxBytes {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 20 {
		ext = ""
	}
	stem := name[:nameMaxBytes-len(ext)]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return stem + ext
}

// byteSize writes a number of bytes as a declaration would.
func byteSize(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1_000_000:
		return fmt.Sprintf("%.4g MB", float64(n)/1e6)
	case n >= 1000:
		return fmt.Sprintf("%.4g kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}
