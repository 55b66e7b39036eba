package rest

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"mime/multipart"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/handler/staging"
)

const (
	partsMax    = 100     // how many parts one form may have
	partHeadMax = 8 << 10 // bytes of the headers of one part
)

// form reads a record with its files from multipart/form-data (RFC 7578), and writes it. Parts are named as fields; a part
// "data" or "record" may bring the rest as JSON. The files are on the disk, but belong to nothing, before the write
// begins; they get their place just before it, and are deleted if it does not happen.
func (x *exchange) form(call *roundtrip.Call) error {
	x.visit.Call = call
	if err := x.door.core.Admit(x.r.Context(), &x.visit); err != nil {
		x.inside = true
		return err // before a megabyte was read
	}
	parts, err := x.r.MultipartReader()
	if err != nil {
		return badForm(err)
	}
	f := formReader{x: x, call: call, files: staging.Files{Core: x.door.core}, seen: map[string]bool{}, left: bodyMaxBytes}
	if call.Key != "" {
		f.sum = sha256.New()
		x.signPath(f.sum)
	}
	if err := f.read(parts); err != nil {
		f.files.Discard()
		return err
	}
	if f.sum != nil {
		f.sum.Sum(call.KeyHash[:0])
	}
	return f.write()
}

// formReader reads the parts of one form into a call.
type formReader struct {
	x     *exchange
	call  *roundtrip.Call
	files staging.Files
	seen  map[string]bool
	left  int       // bytes that text parts may still have
	sum   hash.Hash // of names and contents: the boundary between the parts differs from one try to the next
}

func (f *formReader) read(parts *multipart.Reader) error {
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		switch {
		case err == io.EOF && n > 0: // io.EOF itself: a wrapped one is an end in the middle of the form
			return nil
		case err != nil:
			return badForm(err)
		case n >= partsMax:
			return roundtrip.E(roundtrip.Invalid, "request.invalid", "a form has at most %d parts", partsMax)
		case headBytes(part) > partHeadMax:
			return roundtrip.E(roundtrip.Invalid, "request.invalid", "the headers of a form's part have at most %d bytes", partHeadMax)
		}
		if err := f.part(part); err != nil {
			return err
		}
	}
}

// headBytes is the length of a part's headers. The name of a file is among them, and is kept.
func headBytes(part *multipart.Part) int {
	n := 0
	for name, values := range part.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

func (f *formReader) part(part *multipart.Part) error {
	name := part.FormName()
	i, isField := f.call.Collection.Lookup(name)
	switch {
	case f.seen[name]:
		input.Wrong(f.call, name, "repeated", "a form has one part for each field")
		return nil
	case !isField && (name == "data" || name == "record"):
		f.seen[name] = true
		return f.json(part, name)
	case !isField:
		input.UnknownField(f.call, name, "data")
		return nil
	}
	f.seen[name] = true
	field := f.call.Collection.Fields[i]
	switch {
	case input.ReadOnly(i, field):
		input.Wrong(f.call, name, "read_only", name+" is kept by the server; leave it out")
		return nil
	case field.Type == roundtrip.TypeFile && (part.FileName() != "" || part.Header.Get("Content-Type") != ""):
		return f.file(part, i, field)
	case part.FileName() != "":
		input.Wrong(f.call, name, "wrong_type", input.Expected(field)+", not a file")
		return nil
	}
	return f.text(part, i, field)
}

// file stages the bytes of a part.
func (f *formReader) file(part *multipart.Part, i int, field *roundtrip.Field) error {
	body := io.Reader(part)
	if f.sum != nil {
		f.tell(field.Name, part.FileName())
		body = io.TeeReader(part, f.sum)
	}
	v, err := f.files.Stage(f.x.r.Context(), field, part.FileName(), body)
	if err != nil {
		return err
	}
	f.call.Input.Put(i, v)
	return nil
}

func (f *formReader) text(part *multipart.Part, i int, field *roundtrip.Field) error {
	text, err := f.take(part, field.Name)
	if err != nil {
		return err
	}
	if !utf8.Valid(text) {
		input.Wrong(f.call, field.Name, "bad_utf8", "a text is not good UTF-8")
		return nil
	}
	if field.Type == roundtrip.TypeFile && len(text) == 0 { // a form whose file was not chosen
		if f.call.Action == roundtrip.Update {
			f.call.Input.Put(i, roundtrip.Value{})
		}
		return nil
	}
	putPart(f.call, i, field, string(text))
	return nil
}

// json reads a part with an object of fields.
func (f *formReader) json(part *multipart.Part, name string) error {
	text, err := f.take(part, name)
	if err != nil {
		return err
	}
	d := newDecoder(text)
	if err := d.object(f.call, nil); err != nil {
		return err
	}
	return d.End()
}

// take reads a text part. All of them together have the limit of a body.
func (f *formReader) take(part *multipart.Part, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(part, int64(f.left)+1))
	if err != nil {
		return nil, badForm(err)
	}
	if f.left -= len(text); f.left < 0 {
		return nil, bodyTooLarge(bodyMaxBytes)
	}
	if f.sum != nil {
		f.tell(name, string(text))
	}
	return text, nil
}

// tell adds a name and a text to the sum, each with its length, so that no two forms read the same.
func (f *formReader) tell(texts ...string) {
	for _, t := range texts {
		n := len(t)
		_, _ = f.sum.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		_, _ = f.sum.Write([]byte(t))
	}
}

// write does the call, with the files in their places just before the store is asked.
func (f *formReader) write() error {
	x := f.x
	if f.files.Len() > 0 {
		x.answer.before = func(ctx context.Context) error { return f.files.Keep(ctx, f.call) }
	}
	err := x.do(f.call)
	f.files.End(err, x.answer.replay)
	return err
}

func badForm(err error) error {
	e := roundtrip.AsError(bodyFailed(err))
	if e.Reason == "request.malformed" {
		e.Public = "the body is no good multipart/form-data"
	}
	return e
}
