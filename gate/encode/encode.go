// Package encode is content coding: what a client takes, what is worth it, and the encoders, which are used again. Files
// are coded whole; other answers while they are written.
package encode

import (
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// SizeMin is the size from which on coding is worth it, in bytes: below it the answer fits into one packet anyway.
const SizeMin = 1 << 10

// The levels are chosen for answers that somebody waits for: about 100 MB/s and more.
const (
	gzipLevel   = 5
	brotliLevel = 4
	// zstdWindow bounds the memory of both ends; browsers take at most 8 MiB (RFC 9659).
	zstdWindow = 1 << 20
)

// encoder is what the three libraries have in common.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// Encoders makes encoders and uses them again. It is safe for use by many goroutines.
type Encoders struct {
	idle    [codings]sync.Pool // of encoder
	writers sync.Pool          // of *Writer
}

// New makes a set of encoders.
func New() *Encoders {
	e := &Encoders{}
	e.writers.New = func() any { return &Writer{encoders: e} }
	return e
}

func (e *Encoders) take(c Coding, w io.Writer) encoder {
	if old, ok := e.idle[c].Get().(encoder); ok {
		old.Reset(w)
		return old
	}
	switch c {
	case Brotli:
		return brotli.NewWriterLevel(w, brotliLevel)
	case Zstd:
		// Its options are constants, so that it can't fail; a test makes one.
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		return z
	default:
		z, _ := gzip.NewWriterLevel(w, gzipLevel) // a level of the package's own range
		return z
	}
}

func (e *Encoders) put(c Coding, z encoder) {
	z.Reset(io.Discard) // so that nothing of an answer is kept
	e.idle[c].Put(z)
}

// Append codes src and appends the result to dst.
func (e *Encoders) Append(c Coding, dst, src []byte) ([]byte, error) {
	out := appender{dst}
	if err := e.Copy(c, &out, func(w io.Writer) error {
		_, err := w.Write(src)
		return err
	}); err != nil {
		return dst, err
	}
	return out.b, nil
}

// Copy codes what fill writes, and writes the result to w.
func (e *Encoders) Copy(c Coding, w io.Writer, fill func(io.Writer) error) error {
	z := e.take(c, w)
	defer e.put(c, z)
	if err := fill(z); err != nil {
		return err
	}
	return z.Close()
}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// Compressible reports whether content of a media type gets smaller by coding. A stream of events does too, but is never
// coded: every message would have to wait for the next, or cost a block of its own.
func Compressible(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	mediaType = strings.ToLower(strings.Trim(mediaType, " \t"))
	if rest, ok := strings.CutPrefix(mediaType, "text/"); ok {
		return rest != "event-stream"
	}
	if strings.HasPrefix(mediaType, "application/grpc") || strings.HasPrefix(mediaType, "application/connect+") {
		return false // their messages have a coding of their own, and clients take no other
	}
	if strings.HasSuffix(mediaType, "+json") || strings.HasSuffix(mediaType, "+xml") {
		return true
	}
	switch mediaType {
	case "application/json", "application/javascript", "application/xml", "application/wasm", "application/x-ndjson",
		"application/x-javascript", "application/vnd.ms-fontobject", "application/sql", "application/rtf",
		"font/ttf", "font/otf", "image/bmp", "image/vnd.microsoft.icon", "image/x-icon":
		return true
	}
	return false
}
