package rest

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// file answers GET files/photos/ID/image?size=320&v=FILE. Who may read the record may read its files.
func (x *exchange) file() error {
	size, version, err := x.fileParameters()
	if err != nil {
		return err
	}
	i, field, err := x.fileField()
	if err != nil {
		return err
	}
	call := x.read(roundtrip.Get)
	var file roundtrip.File
	found := false
	x.answer.capture = func(row roundtrip.Row) error {
		if row.Null(i) {
			return nil
		}
		found = true
		return roundtrip.Wrap("rest.file", json.Unmarshal(row.Bytes(i), &file))
	}
	if err := x.do(call); err != nil {
		return err
	}
	if !found || x.door.core.Files() == nil {
		return roundtrip.E(roundtrip.Missing, "file.missing", "the field %s of this record holds no file", field.Name)
	}
	if version != "" && version != file.ID {
		return roundtrip.E(roundtrip.Missing, "file.missing", "the field %s holds another file now; leave v out, or take the id that the record has", field.Name)
	}
	return x.sendFile(file, size, version != "", field)
}

// fileParameters reads size and v.
func (x *exchange) fileParameters() (size int, version string, err error) {
	raw, seen := x.r.URL.RawQuery, param(0)
	for raw != "" {
		name, value, rest, err := nextParam(raw)
		if err != nil {
			return 0, "", err
		}
		raw = rest
		p := paramOf(name)
		switch {
		case name == "" && value == "":
			continue
		case p&fileParams == 0:
			return 0, "", x.unknownParam(name, fileParams)
		case seen&p != 0:
			return 0, "", repeated(name)
		case p == paramVersion:
			version = value
		default:
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil || n == 0 {
				return 0, "", wrongParam(name, "a width in pixels is expected")
			}
			size = int(n)
		}
		seen |= p
	}
	return size, version, nil
}

// fileField finds the field that the path names.
func (x *exchange) fileField() (int, *roundtrip.Field, error) {
	c := x.at.plan.collection
	i, ok := c.Lookup(x.at.field)
	if ok && c.Fields[i].Type == roundtrip.TypeFile {
		return i, c.Fields[i], nil
	}
	var names []string
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeFile {
			names = append(names, f.Name)
		}
	}
	hint := "it has none"
	if len(names) > 0 {
		hint = "it has " + strings.Join(names, ", ")
	}
	if n := nearest.Of(input.Cut(x.at.field, 64), names); n != "" {
		hint = "did you mean " + n + "?"
	}
	return 0, nil, unknownPath("%s has no file field %q; %s", c.Name, input.Cut(x.at.field, 64), hint)
}

// sendFile writes the bytes, or the part of them that a Range header asks for. Nothing in them can act as a page of this
// site: what is not an image, a film, a sound, a PDF or plain text is only ever saved.
func (x *exchange) sendFile(file roundtrip.File, size int, versioned bool, field *roundtrip.Field) error {
	content, info, err := x.door.core.Files().Open(x.r.Context(), file, size, field)
	if err != nil {
		x.inside = true
		return err
	}
	defer func() { _ = content.Close() }() // it was only read
	h := x.w.Header()
	x.secure(h, []string{info.Type})
	h["Etag"] = []string{info.ETag}
	h["Content-Security-Policy"] = []string{contentPolicy(info.Type)}
	h["Content-Disposition"] = []string{disposition(info.Type, file.Name)}
	h["Cache-Control"] = []string{x.fileCache(versioned)}
	http.ServeContent(x.w, x.r, "", info.ModTime, content)
	return nil
}

// contentPolicy keeps what is in a file from doing anything here. A browser's own PDF viewer does not start in a sandbox, and
// needs none: it gives the file no access to this site.
func contentPolicy(contentType string) string {
	if strings.HasPrefix(contentType, "application/pdf") {
		return "frame-ancestors 'self'"
	}
	return "default-src 'none'; style-src 'unsafe-inline'; sandbox"
}

// fileCache says who may keep the file, and whether they must ask again: a URL with v never means other bytes.
func (x *exchange) fileCache(versioned bool) string {
	who, again := "private", "no-cache"
	if x.answer.public {
		who = "public"
	}
	if versioned {
		again = "max-age=31536000, immutable"
	}
	return who + ", " + again
}

// disposition is the Content-Disposition of a file (RFC 6266).
func disposition(contentType, name string) string {
	kind := "attachment"
	if inline(contentType) {
		kind = "inline"
	}
	if name == "" {
		return kind
	}
	if v := mime.FormatMediaType(kind, map[string]string{"filename": name}); v != "" {
		return v
	}
	return kind
}

// inline reports whether a browser may show a file where it stands.
func inline(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	switch t = strings.TrimSpace(t); t {
	case "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "application/pdf", "text/plain":
		return true
	}
	return strings.HasPrefix(t, "video/") || strings.HasPrefix(t, "audio/")
}
