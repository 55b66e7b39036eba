package encode

import (
	"io"
	"net/http"
	"strconv"
)

// Writer is a response writer that codes what a handler writes, where the client takes a coding and it is worth it. It
// waits for SizeMin bytes before it decides, unless the handler flushes. A Writer is used again after Close or Drop.
type Writer struct {
	encoders *Encoders
	w        http.ResponseWriter
	accepted Accepted
	head     bool
	asked    Coding // of the tag in the request's condition

	status  int // of the handler; 0 until it said one
	decided bool
	coding  Coding
	z       encoder
	held    []byte // written before it was decided
}

// Wrap returns a writer for the answer to r. Tags of a coding in the conditions of r become those that the handler gave.
// The caller calls Close when the handler has answered, or Drop when it has failed.
func (e *Encoders) Wrap(w http.ResponseWriter, r *http.Request) *Writer {
	x := e.writers.Get().(*Writer)
	held := x.held[:0]
	*x = Writer{encoders: e, w: w, head: r.Method == http.MethodHead, held: held}
	x.asked = untagConditions(r.Header)
	if !NoTransform(r.Header) && r.Header["Range"] == nil { // a part is a part of the identity form
		x.accepted = Accept(r.Header["Accept-Encoding"])
	}
	return x
}

// Header returns the headers of the answer.
func (x *Writer) Header() http.Header { return x.w.Header() }

// Unwrap leads http.ResponseController to the writer below.
func (x *Writer) Unwrap() http.ResponseWriter { return x.w }

// WriteHeader takes the status. It is sent once it is known whether the answer is coded; interim answers at once.
func (x *Writer) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	if status < 200 {
		if status == http.StatusSwitchingProtocols {
			x.status, x.decided = status, true
		}
		x.w.WriteHeader(status)
		return
	}
	x.status = status
	h := x.w.Header()
	if status == http.StatusNotModified {
		if tag := h["Etag"]; len(tag) == 1 && x.asked != Identity { // the tag that the client holds
			h["Etag"] = []string{Tag(tag[0], x.asked)}
		}
		AddVary(h)
		x.pass()
		return
	}
	if status == http.StatusNoContent || status == http.StatusPartialContent || !x.worthwhile(h) {
		x.pass()
		return
	}
	AddVary(h)
	x.coding = x.accepted.Best(Zstd, Brotli, Gzip)
	length, err := strconv.ParseInt(first(h["Content-Length"]), 10, 64)
	switch {
	case x.head || x.coding == Identity || err == nil && length < SizeMin && !x.accepted.RefusesIdentity():
		x.pass()
	case err == nil:
		x.code()
	}
}

// worthwhile reports whether an answer may be coded, whoever asked for it.
func (x *Writer) worthwhile(h http.Header) bool {
	return h["Content-Encoding"] == nil && h["Content-Range"] == nil && !NoTransform(h) && Compressible(first(h["Content-Type"]))
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// pass sends the status and lets all that follows through as it is.
func (x *Writer) pass() {
	x.decided, x.coding = true, Identity
	x.w.WriteHeader(x.status)
}

// code sends the status and codes all that follows.
func (x *Writer) code() {
	x.decided = true
	h := x.w.Header()
	h["Content-Encoding"] = []string{x.coding.String()}
	delete(h, "Content-Length")
	delete(h, "Accept-Ranges") // of the identity form
	if tag := h["Etag"]; len(tag) == 1 {
		h["Etag"] = []string{Tag(tag[0], x.coding)}
	}
	x.w.WriteHeader(x.status)
	x.z = x.encoders.take(x.coding, x.w)
}

// Write takes a part of the body.
func (x *Writer) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if !x.decided {
		x.held = append(x.held, p...)
		if len(x.held) < SizeMin {
			return len(p), nil
		}
		x.code()
		if _, err := x.z.Write(x.held); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	if x.z != nil {
		return x.z.Write(p)
	}
	return x.w.Write(p)
}

// ReadFrom keeps sendfile for what is not coded.
func (x *Writer) ReadFrom(src io.Reader) (int64, error) {
	if x.decided && x.z == nil {
		return io.Copy(x.w, src)
	}
	return io.Copy(struct{ io.Writer }{x}, src)
}

// Flush sends what was written.
func (x *Writer) Flush() { _ = x.FlushError() }

// FlushError sends what was written. A handler that flushes streams: its answer is coded however short its beginning is.
func (x *Writer) FlushError() error {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if !x.decided {
		x.code()
		if _, err := x.z.Write(x.held); err != nil {
			return err
		}
	}
	if x.z != nil {
		if err := x.z.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(x.w).Flush()
}

// Close ends the answer: what was too short to be coded is sent as it is.
func (x *Writer) Close() error {
	defer x.Drop()
	if x.status != 0 && !x.decided {
		if x.accepted.RefusesIdentity() {
			x.code()
			if _, err := x.z.Write(x.held); err != nil {
				return err
			}
		} else {
			x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(x.held))}
			x.pass()
			_, err := x.w.Write(x.held)
			return err
		}
	}
	if x.z != nil {
		return x.z.Close()
	}
	return nil
}

// Drop gives the writer back without ending the answer: the handler has failed, and what it had written so far and
// nobody has seen is forgotten.
func (x *Writer) Drop() {
	if x.z != nil {
		x.encoders.put(x.coding, x.z)
	}
	e, held := x.encoders, x.held
	if cap(held) > 64*SizeMin { // one long first write is no reason to keep so much
		held = nil
	}
	*x = Writer{held: held[:0]}
	e.writers.Put(x)
}
