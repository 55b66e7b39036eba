package files

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/webp"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	// pixelsMax bounds one image, and all that are decoded at once: 4 to 8 bytes of memory a pixel.
	pixelsMax = 50_000_000
	// sideMax bounds one side, as JPEG does.
	sideMax = 65_535
)

// codec reads one image format.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// codecOf returns how images of a media type are read, false for other types. An animated GIF gives its first picture.
func codecOf(mediaType string) (codec, bool) {
	switch mediaType {
	case "image/jpeg":
		return codec{jpeg.DecodeConfig, jpeg.Decode}, true
	case "image/png":
		return codec{png.DecodeConfig, png.Decode}, true
	case "image/gif":
		return codec{gif.DecodeConfig, gif.Decode}, true
	case "image/webp":
		return codec{webp.DecodeConfig, webp.Decode}, true
	}
	return codec{}, false
}

// measure finds the size of an image, as it is shown, and refuses one that is too large. whole asks to decode all of it,
// so that a broken image is refused now and not when somebody wants to see a small copy.
func (s *Store) measure(ctx context.Context, path string, file *roundtrip.File, whole bool) error {
	c, ok := codecOf(file.Type)
	if !ok {
		return nil
	}
	size, turn, err := readHeader(path, file.Type, c)
	if err != nil {
		return err
	}
	if whole {
		if err := s.withPixels(ctx, size, func() error {
			_, err := decodeFile(path, c)
			return err
		}); err != nil {
			return err
		}
	}
	file.Width, file.Height = size.X, size.Y
	if turn.swaps() {
		file.Width, file.Height = size.Y, size.X
	}
	return nil
}

// readHeader reads an image's size as it is stored and how it is to be turned, and checks the bounds.
func readHeader(path, mediaType string, c codec) (size image.Point, turn orientation, err error) {
	f, err := os.Open(path)
	if err != nil {
		return size, 0, roundtrip.Wrap("files.image", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	config, err := safely(func() (image.Config, error) { return c.config(bufio.NewReader(f)) })
	if err != nil {
		return size, 0, badImage("the image can't be read: its header is broken", err)
	}
	size = image.Pt(config.Width, config.Height)
	switch {
	case size.X < 1 || size.Y < 1:
		return size, 0, badImage("the image has no pixels", nil)
	case size.X > sideMax || size.Y > sideMax || int64(size.X)*int64(size.Y) > pixelsMax:
		return size, 0, badImage(fmt.Sprintf("the image has %d x %d pixels; it may have %d million, and %d on a side",
			size.X, size.Y, pixelsMax/1_000_000, sideMax), nil)
	}
	if mediaType == "image/jpeg" {
		turn = readOrientation(f)
	}
	return size, turn, nil
}

// decodeFile decodes an image whose header was checked.
func decodeFile(path string, c codec) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, roundtrip.Wrap("files.image", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	img, err := safely(func() (image.Image, error) { return c.decode(bufio.NewReader(f)) })
	if err != nil {
		return nil, badImage("the image can't be read: its content is broken or cut off", err)
	}
	return img, nil
}

// safely turns a panic of a decoder, which reads what strangers sent, into an error.
func safely[T any](decode func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoder panic: %v", p)
		}
	}()
	return decode()
}

// withPixels runs fn when as many pixels may be decoded.
func (s *Store) withPixels(ctx context.Context, size image.Point, fn func() error) error {
	n := min(pixelsMax, max(s.least, int64(size.X)*int64(size.Y)))
	if err := s.decode.Acquire(ctx, n); err != nil {
		return &roundtrip.Error{
			Kind: roundtrip.Deadline, Reason: "app.deadline", Op: "files.image", Err: err,
			Public: "the request ended while other images were being read",
		}
	}
	defer s.decode.Release(n)
	return fn()
}

func badImage(sentence string, cause error) *roundtrip.Error {
	e := roundtrip.E(roundtrip.Invalid, "file.image", "%s", sentence)
	e.Op, e.Err = "files.image", cause
	return e
}
