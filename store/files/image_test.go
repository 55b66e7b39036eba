package files_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	xdraw "golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/files"
)

// gradient is a picture of which every corner differs.
func gradient(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(255 * x / max(1, w-1)), G: uint8(255 * y / max(1, h-1)), B: 90, A: 255})
		}
	}
	return img
}

func pngOf(tb testing.TB, w, h int) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, gradient(w, h)); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// withExif puts an EXIF segment with an orientation and a text into a JPEG.
func withExif(content []byte, o uint16) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	tiff = binary.BigEndian.AppendUint16(tiff, o)
	tiff = append(tiff, "\x00\x00\x00\x00\x00\x00 52.52 north, 13.40 east"...)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, content[:2]...)
	out = append(out, 0xff, 0xe0, 0, 4, 1, 2) // something else before it
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	out = append(out, segment...)
	return append(out, content[2:]...)
}

func decode(t *testing.T, b []byte) (image.Image, string) {
	t.Helper()
	img, format, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img, format
}

func TestImage_SizesAreMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for _, c := range []struct {
		content []byte
		name    string
		format  string
	}{
		{jpegOf(t, gradient(300, 200)), "a.jpg", "jpeg"},
		{pngOf(t, 300, 200), "a.png", "png"},
		{gifOf(t, 300, 200), "a.gif", "png"},
	} {
		f := kept(t, s, c.content, c.name, imageField())
		if f.Width != 300 || f.Height != 200 {
			t.Fatalf("%s is %+v", c.name, f)
		}
		first, info := read(t, s, f, 64, imageField())
		img, format := decode(t, first)
		if format != c.format || img.Bounds().Dx() != 64 || img.Bounds().Dy() != 43 || info.Type != "image/"+c.format || info.ETag != `"`+f.ID+`.64"` {
			t.Fatalf("%s: %s %v %+v", c.name, format, img.Bounds(), info)
		}
		again, second := read(t, s, f, 64, imageField())
		if !bytes.Equal(first, again) || !second.ModTime.Equal(info.ModTime) {
			t.Fatalf("%s: the copy was made again", c.name)
		}
	}
}

func gifOf(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, gradient(w, h), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImage_IsNeverScaledUp(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, width := range []int{20, 32} {
		content := pngOf(t, width, 500)
		f := kept(t, s, content, "a.png", imageField())
		if got, info := read(t, s, f, 32, imageField()); !bytes.Equal(got, content) || info.ETag != `"`+f.ID+`"` {
			t.Fatalf("%d: not the original", width)
		}
	}
}

func TestImage_UndeclaredSizeIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	f := kept(t, s, pngOf(t, 100, 100), "a.png", imageField())
	for _, width := range []int{33, -1, 1 << 40} {
		_, _, err := s.Open(t.Context(), f, width, imageField())
		e := failure(t, err, roundtrip.Invalid, "file.size")
		if !strings.Contains(e.Public, "32, 64") || e.Details[0].Parameter != "size" {
			t.Fatalf("error is %v", e)
		}
	}
	none := imageField()
	none.Sizes = nil
	_, _, err := s.Open(t.Context(), f, 32, none)
	wantReason(t, err, roundtrip.Invalid, "file.size")
}

func TestImage_OrientationIsHonouredAndMetadataStaysBehind(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	// Red above left, green above right, blue below left, white below right, as it is to be shown.
	want := [4]color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}
	for o := 1; o <= 8; o++ {
		stored := image.NewRGBA(image.Rect(0, 0, 200, 120))
		shown := image.Pt(200, 120)
		if o >= 5 {
			shown = image.Pt(120, 200)
		}
		for y := range 120 {
			for x := range 200 {
				p := files.Shown(o, x, y, 200, 120)
				corner := 0
				if p.X >= shown.X/2 {
					corner++
				}
				if p.Y >= shown.Y/2 {
					corner += 2
				}
				stored.SetRGBA(x, y, want[corner])
			}
		}
		content := withExif(jpegOf(t, stored), uint16(o))
		f := kept(t, s, content, "a.jpg", imageField())
		if f.Width != shown.X || f.Height != shown.Y {
			t.Fatalf("orientation %d: size is %d x %d", o, f.Width, f.Height)
		}
		small, _ := read(t, s, f, 64, imageField())
		if bytes.Contains(small, []byte("north")) || bytes.Contains(small, []byte("Exif")) {
			t.Fatalf("orientation %d: metadata went over", o)
		}
		img, _ := decode(t, small)
		w, h := img.Bounds().Dx(), img.Bounds().Dy()
		if w != 64 || h != (64*shown.Y+shown.X/2)/shown.X {
			t.Fatalf("orientation %d: copy is %d x %d", o, w, h)
		}
		for i, at := range []image.Point{{w / 4, h / 4}, {3 * w / 4, h / 4}, {w / 4, 3 * h / 4}, {3 * w / 4, 3 * h / 4}} {
			if r, g, b, _ := img.At(at.X, at.Y).RGBA(); far(r, want[i].R) || far(g, want[i].G) || far(b, want[i].B) {
				t.Errorf("orientation %d: corner %d is %x %x %x", o, i, r>>8, g>>8, b>>8)
			}
		}
	}
}

func far(have uint32, want uint8) bool {
	d := int(have>>8) - int(want)
	return d > 24 || d < -24
}

// The six turns and mirrors by hand, since the test above uses the same formula both ways.
func TestImage_OrientationsByHand(t *testing.T) {
	t.Parallel()
	for o, want := range map[int]image.Point{ // where the stored top left of 3 x 2 is shown
		1: {0, 0}, 2: {2, 0}, 3: {2, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 2}, 8: {0, 2},
	} {
		if got := files.Shown(o, 0, 0, 3, 2); got != want {
			t.Errorf("orientation %d: top left is shown at %v, want %v", o, got, want)
		}
	}
}

func TestImage_ResizeAgreesWithAnotherCatmullRom(t *testing.T) {
	t.Parallel()
	src := image.NewNRGBA(image.Rect(5, 7, 5+157, 7+211)) // bounds that start elsewhere
	draw.Draw(src, src.Rect, gradient(157, 211), image.Point{}, draw.Src)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range src.Pix {
		if random.IntN(3) == 0 && i%4 != 3 {
			src.Pix[i] = uint8(random.IntN(256))
		}
	}
	for _, size := range []image.Point{{64, 86}, {1, 1}, {156, 3}, {157, 211}} {
		got := files.Resize(src, size.X, size.Y)
		want := image.NewRGBA(got.Rect)
		xdraw.CatmullRom.Scale(want, want.Rect, src, src.Rect, draw.Src, nil)
		for i := range got.Pix {
			if d := int(got.Pix[i]) - int(want.Pix[i]); d > 2 || d < -2 {
				t.Fatalf("%v: byte %d is %d, want %d", size, i, got.Pix[i], want.Pix[i])
			}
		}
	}
}

func TestImage_HostileFilesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	goodPNG, goodJPEG := pngOf(t, 200, 200), jpegOf(t, gradient(200, 200))
	webp, err := hex.DecodeString(tinyWebP)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"png cut off":                goodPNG[:len(goodPNG)/2],
		"png of a signature":         goodPNG[:8],
		"png with a broken sum":      flip(goodPNG, len(goodPNG)/2),
		"png bomb":                   pngHeader(50_000, 50_000),
		"png one line":               pngHeader(1, 100_000),
		"png one column":             pngHeader(100_000, 1),
		"png no pixels":              pngHeader(0, 10),
		"png that lies":              append(pngHeader(4000, 4000), goodPNG[33:]...),
		"jpeg cut off":               goodJPEG[:len(goodJPEG)/2],
		"jpeg of a signature":        goodJPEG[:4],
		"gif of a signature":         []byte("GIF89a"),
		"gif without a picture":      []byte("GIF89a\x10\x00\x10\x00\x00\x00\x00;"),
		"gif of 65535":               []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00;"),
		"webp cut off":               webp[:len(webp)-4],
		"webp with a small envelope": smallEnvelope(webp),
	} {
		_, err := s.Stage(t.Context(), bytes.NewReader(content), "a.png", imageField())
		if err == nil {
			t.Errorf("%s was taken", name)
			continue
		}
		e := failure(t, err, roundtrip.Invalid, "file.image")
		if e.Details[0].Pointer != "/image" || e.Details[0].Code != "bad_image" {
			t.Errorf("%s: details are %+v", name, e.Details)
		}
	}
	if all := left(t, dir); len(all) != 0 {
		t.Fatalf("left are %v", all)
	}
	kept(t, s, webp, "a.webp", imageField())
}

// tinyWebP is a lossless picture of one pixel.
const tinyWebP = "524946461a000000574542505650384c0d0000002f00000010071011118888fe0700"

// smallEnvelope says 1 x 1 around a picture that says 16383 x 16383.
func smallEnvelope(webp []byte) []byte {
	out := append([]byte{}, webp[:12]...)
	out = append(out, "VP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	chunk := append([]byte{}, webp[12:]...)
	chunk[9], chunk[10], chunk[11], chunk[12] = 0xfe, 0xbf, 0xff, 0x0f
	out = append(out, chunk...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0xff
	return b
}

func pngHeader(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(b, w)
	b = binary.BigEndian.AppendUint32(b, h)
	b = append(b, 8, 6, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

func TestImage_SizeIsReadWhereNoCopiesAreDeclared(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	plain := imageField()
	plain.Sizes = nil
	if f := kept(t, s, pngOf(t, 30, 40), "a.png", plain); f.Width != 30 || f.Height != 40 {
		t.Fatalf("file is %+v", f)
	}
	_, err := s.Stage(t.Context(), bytes.NewReader(pngHeader(50_000, 50_000)), "a.png", plain)
	wantReason(t, err, roundtrip.Invalid, "file.image")
}

func TestImage_TransparencyStays(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	img := gradient(100, 100)
	for i := 3; i < len(img.Pix)/2; i += 4 {
		img.Pix[i] = 0
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	f := kept(t, s, b.Bytes(), "a.png", imageField())
	small, _ := read(t, s, f, 32, imageField())
	got, _ := decode(t, small)
	if _, _, _, a := got.At(16, 4).RGBA(); a != 0 {
		t.Fatalf("alpha above is %x", a)
	}
	if _, _, _, a := got.At(16, 28).RGBA(); a != 0xffff {
		t.Fatalf("alpha below is %x", a)
	}
}

func TestImage_WaitForADecoderEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	f := kept(t, s, pngOf(t, 100, 100), "a.png", imageField())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// With a free decoder the work is done all the same; it must not fail in any other way.
	if r, _, err := s.Open(ctx, f, 32, imageField()); err != nil {
		wantReason(t, err, roundtrip.Deadline, "app.deadline")
	} else if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	read(t, s, f, 32, imageField())
}

func FuzzImage_Stage(f *testing.F) {
	f.Add(pngOf(f, 3, 3))
	f.Add(withExif(jpegOf(f, gradient(8, 8)), 6))
	f.Add(pngHeader(100, 100))
	webp, _ := hex.DecodeString(tinyWebP)
	f.Add(webp)
	f.Add([]byte("GIF89a\x10\x00\x10\x00\x00\x00\x00;"))
	f.Fuzz(func(t *testing.T, content []byte) {
		files.TIFFOrientation(content)
		if c, _, err := image.DecodeConfig(bytes.NewReader(content)); err == nil && c.Width*c.Height > 1<<20 {
			return // allowed, and so slow under the fuzzer that it would try nothing else
		}
		s := open(t, t.TempDir())
		st, err := s.Stage(t.Context(), bytes.NewReader(content), "x", imageField())
		if err != nil {
			if k := roundtrip.AsError(err).Kind; k != roundtrip.Invalid && k != roundtrip.TooLarge {
				t.Fatal(err)
			}
			return
		}
		keep(t, st)
		st.Done()
		read(t, s, st.File(), 32, imageField())
	})
}

func BenchmarkImage_Resize12MpxTo1080(b *testing.B) {
	img, err := jpeg.Decode(bytes.NewReader(jpegOf(b, gradient(4000, 3000))))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		files.Resize(img, 1080, 810)
	}
}
