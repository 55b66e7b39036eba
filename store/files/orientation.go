package files

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
)

// orientation says how the stored rows and columns of a picture are shown (EXIF 2.32, tag 0x0112): 1 to 8, 0 for not
// said.
type orientation uint8

// swaps reports whether width and height change places.
func (o orientation) swaps() bool { return o >= 5 && o <= 8 }

// exifMax is the most that one segment of a JPEG holds.
const exifMax = 1 << 16

// readOrientation looks for the EXIF segment of a JPEG (ISO/IEC 10918-1 annex B). Whatever is wrong with it, it says
// nothing then.
func readOrientation(r io.ReadSeeker) orientation {
	if _, err := r.Seek(2, io.SeekStart); err != nil {
		return 0
	}
	var head [4]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil || head[0] != 0xff {
			return 0
		}
		size := int64(binary.BigEndian.Uint16(head[2:])) - 2
		if size < 0 || head[1] == 0xda { // the picture itself begins: segments that say something stand before it
			return 0
		}
		if head[1] != 0xe1 {
			if _, err := r.Seek(size, io.SeekCurrent); err != nil {
				return 0
			}
			continue
		}
		segment, err := io.ReadAll(io.LimitReader(r, min(size, exifMax)))
		if err != nil || int64(len(segment)) != size {
			return 0
		}
		if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok {
			return tiffOrientation(tiff)
		}
	}
}

// tiffOrientation finds the tag in the first directory of a TIFF (TIFF 6.0 section 2).
func tiffOrientation(b []byte) orientation {
	if len(b) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(b[:2]) {
	case "II":
		order = binary.LittleEndian
	case "MM":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 0
	}
	count := int64(order.Uint16(b[at:]))
	for at += 2; count > 0 && at+12 <= int64(len(b)); count, at = count-1, at+12 {
		if order.Uint16(b[at:]) != 0x0112 {
			continue
		}
		if v := order.Uint16(b[at+8:]); v >= 1 && v <= 8 {
			return orientation(v)
		}
		return 0
	}
	return 0
}

// apply turns a picture as it is to be shown.
func (o orientation) apply(src *image.RGBA) *image.RGBA {
	if o <= 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if o.swaps() {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			to := o.shown(x, y, w, h)
			from := src.PixOffset(x, y)
			copy(dst.Pix[dst.PixOffset(to.X, to.Y):], src.Pix[from:from+4])
		}
	}
	return dst
}

// shown is where the pixel x, y of a stored picture of w x h stands when it is shown.
func (o orientation) shown(x, y, w, h int) image.Point {
	switch o {
	case 2: // mirrored
		return image.Pt(w-1-x, y)
	case 3: // upside down
		return image.Pt(w-1-x, h-1-y)
	case 4: // mirrored and upside down
		return image.Pt(x, h-1-y)
	case 5: // mirrored along the main diagonal
		return image.Pt(y, x)
	case 6: // a quarter clockwise
		return image.Pt(h-1-y, x)
	case 7: // mirrored along the other diagonal
		return image.Pt(h-1-y, w-1-x)
	case 8: // a quarter counter-clockwise
		return image.Pt(y, w-1-x)
	default:
		return image.Pt(x, y)
	}
}
