package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Info describes an opened file.
type Info struct {
	Type    string    // media type
	Size    int64     // bytes
	ETag    string    // strong, quoted (RFC 9110 section 8.8.3): a file's content never changes
	ModTime time.Time // when the file came, or its copy was made
}

// copyQuality is that of the JPEG copies.
const copyQuality = 82

// Open opens a file that a record's field holds. width 0 is the file as it came; any other must be one of the field's
// sizes and gives a copy of an image that wide, made when it is first asked for and kept. An image that is no wider is
// given as it came, and so is one that can't be decoded here. Errors: Missing file.missing, Invalid file.size, Deadline
// app.deadline.
func (s *Store) Open(ctx context.Context, file roundtrip.File, width int, field *roundtrip.Field) (io.ReadSeekCloser, Info, error) {
	step := trace.From(ctx).Begin(trace.Files, "open")
	f, info, err := s.open(ctx, file, width, field)
	if err != nil {
		e := roundtrip.AsError(err)
		step.End(trace.Fail, trace.ReasonOf(e.Reason))
		return nil, Info{}, e
	}
	step.N(info.Size, int64(width)).OK()
	return f, info, nil
}

func (s *Store) open(ctx context.Context, file roundtrip.File, width int, field *roundtrip.Field) (*os.File, Info, error) {
	if width != 0 && !slices.Contains(field.Sizes, width) {
		return nil, Info{}, wrongSize(field, width)
	}
	if !validID(file.ID) {
		return nil, Info{}, noFile()
	}
	c, image := codecOf(file.Type)
	if width == 0 || !image || file.Width <= width {
		return openPath(s.path(file.ID), file.Type, file.ID)
	}
	path := s.path(file.ID) + "." + strconv.Itoa(width)
	tag := file.ID + "." + strconv.Itoa(width)
	f, info, err := openPath(path, "", tag)
	if err == nil || roundtrip.AsError(err).Kind != roundtrip.Missing {
		return f, info, err
	}
	if err := s.once(ctx, tag, func() error { return s.makeCopy(ctx, file, c, width) }); err != nil {
		return nil, Info{}, err
	}
	return openPath(path, "", tag)
}

// openPath opens a file of the store. Where the type is not known it is that of a copy, PNG or JPEG.
func openPath(path, mediaType, tag string) (*os.File, Info, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, Info{}, noFile()
	}
	if err != nil {
		return nil, Info{}, roundtrip.Wrap("files.open", err)
	}
	stat, err := f.Stat()
	if err == nil && mediaType == "" {
		var first [1]byte
		if _, err = f.ReadAt(first[:], 0); err == nil {
			mediaType = "image/jpeg"
			if first[0] == 0x89 {
				mediaType = "image/png"
			}
		}
	}
	if err != nil {
		return nil, Info{}, roundtrip.Wrap("files.open", errors.Join(err, f.Close()))
	}
	return f, Info{Type: mediaType, Size: stat.Size(), ETag: `"` + tag + `"`, ModTime: stat.ModTime()}, nil
}

// makeCopy writes the copy of an image at a width: JPEG of what has no transparency and was no PNG or GIF, else PNG.
// Nothing but pixels goes over: place, camera and profile stay behind.
func (s *Store) makeCopy(ctx context.Context, file roundtrip.File, c codec, width int) error {
	path := s.path(file.ID)
	size, turn, err := readHeader(path, file.Type, c)
	if errors.Is(err, os.ErrNotExist) {
		return noFile()
	}
	if err != nil {
		return err
	}
	return s.withPixels(ctx, size, func() error {
		img, err := decodeFile(path, c)
		if err != nil {
			return err
		}
		w, h := fit(size, turn, width)
		small := turn.apply(resize(img, w, h))
		lossless := file.Type == "image/png" || file.Type == "image/gif" || !small.Opaque()
		return roundtrip.Wrap("files.copy", s.writeCopy(path, width, func(w io.Writer) error {
			if lossless {
				return png.Encode(w, small)
			}
			return jpeg.Encode(w, small, &jpeg.Options{Quality: copyQuality})
		}))
	})
}

// fit returns the stored size of the copy that is shown width pixels wide.
func fit(size image.Point, turn orientation, width int) (w, h int) {
	scaled := func(side, by, of int) int { return max(1, (side*by+of/2)/of) }
	if turn.swaps() {
		return scaled(size.X, width, size.Y), width
	}
	return width, scaled(size.Y, width, size.X)
}

// writeCopy writes a copy beside its original, all of it or nothing.
func (s *Store) writeCopy(path string, width int, encode func(io.Writer) error) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	temp := filepath.Join(s.dir, incoming, id+".copy")
	s.setActive(id, true)
	defer s.setActive(id, false)
	err = writeFile(temp, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		return errors.Join(encode(b), b.Flush())
	})
	to := path + "." + strconv.Itoa(width)
	if err == nil {
		err = os.Rename(temp, to)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(temp)))
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) { // the file was removed meanwhile: so is its copy
		return errors.Join(noFile(), ignoreMissing(os.Remove(to)))
	}
	return nil
}

// flight is work that several wait for.
type flight struct {
	done chan struct{}
	err  error
}

// once runs fn for a key, unless it is under way: then it waits for its outcome. If it ended only because the one who
// ran it had no time left, the next one tries.
func (s *Store) once(ctx context.Context, key string, fn func() error) error {
	for {
		s.mu.Lock()
		running := s.flights[key]
		if running == nil {
			running = &flight{done: make(chan struct{})}
			s.flights[key] = running
			s.mu.Unlock()
			return s.fly(key, running, fn)
		}
		s.mu.Unlock()
		select {
		case <-running.done:
			if !errors.Is(running.err, context.Canceled) && !errors.Is(running.err, context.DeadlineExceeded) {
				return running.err
			}
		case <-ctx.Done():
			return &roundtrip.Error{
				Kind: roundtrip.Deadline, Reason: "app.deadline", Op: "files.copy", Err: ctx.Err(),
				Public: "the request ended while the image was being scaled",
			}
		}
	}
}

func (s *Store) fly(key string, f *flight, fn func() error) error {
	defer func() {
		s.mu.Lock()
		delete(s.flights, key)
		s.mu.Unlock()
		close(f.done)
	}()
	f.err = errors.New("files: the copy was not finished") // what the others see if fn panics
	f.err = fn()
	return f.err
}

func wrongSize(field *roundtrip.Field, width int) error {
	sizes := make([]string, len(field.Sizes))
	for i, size := range field.Sizes {
		sizes[i] = strconv.Itoa(size)
	}
	sentence := fmt.Sprintf("%s is not kept at any other size than its own", field.Name)
	if len(sizes) > 0 {
		sentence = fmt.Sprintf("%s is not kept %d pixels wide; ask for %s", field.Name, width, strings.Join(sizes, ", "))
	}
	return roundtrip.E(roundtrip.Invalid, "file.size", "%s", sentence).
		With(roundtrip.Detail{Parameter: "size", Code: "unknown_size", Message: sentence})
}

func noFile() *roundtrip.Error {
	return roundtrip.E(roundtrip.Missing, "file.missing", "there is no such file")
}
