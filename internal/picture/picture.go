// Package picture paints pictures that could be photographs, from nothing but a number: mountains, lakes, seas, night
// skies, cities, dunes, forests. The same number always gives the same picture (to the bit on the same processor
// architecture), so examples and tests need no picture files.
package picture

import (
	"bytes"
	"image"
	"image/jpeg"
)

// The bounds of a picture's sides in pixels; what lies outside is brought to the nearest bound.
const (
	SideMin = 16
	SideMax = 4096
)

// quality of the JPEG files, where 100 is the best.
const quality = 86

// Scenes is how many kinds of picture there are. A seed's remainder by it chooses the kind: 0 peaks, 1 lake, 2 sea,
// 3 northern lights, 4 city, 5 dunes, 6 forest, 7 hills, 8 night street, 9 balloons.
const Scenes = 10

// JPEG returns a picture of width × height pixels as a JPEG file (ISO/IEC 10918-1, baseline, 4:2:0).
func JPEG(seed uint64, width, height int) []byte { return encode(Paint(seed, width, height)) }

// Avatar returns a square portrait of size × size pixels as a JPEG file.
func Avatar(seed uint64, size int) []byte { return encode(Portrait(seed, size)) }

// Paint returns a picture of width × height pixels.
func Paint(seed uint64, width, height int) *image.RGBA {
	c := newCanvas(bound(width), bound(height))
	r := newRandom(seed)
	scene(seed%Scenes)(c, r)
	return c.develop(r)
}

func bound(side int) int { return min(max(side, SideMin), SideMax) }

func encode(m image.Image) []byte {
	var b bytes.Buffer
	b.Grow(m.Bounds().Dx() * m.Bounds().Dy() / 4)
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		panic("picture: " + err.Error()) // a bytes.Buffer takes everything, and the sides are within JPEG's bounds
	}
	return b.Bytes()
}
