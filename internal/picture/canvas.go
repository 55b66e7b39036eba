package picture

import (
	"image"
	"sync"
)

// colour is light: red, green and blue from 0 to 1, above it where it will be cut off.
type colour struct{ r, g, b float32 }

// hex reads 0xrrggbb.
func hex(v uint32) colour {
	return colour{float32(v>>16&255) / 255, float32(v>>8&255) / 255, float32(v&255) / 255}
}

// to mixes a share t of d into c.
func (c colour) to(d colour, t float32) colour {
	return colour{c.r + (d.r-c.r)*t, c.g + (d.g-c.g)*t, c.b + (d.b-c.b)*t}
}

// times makes the colour darker or lighter.
func (c colour) times(k float32) colour { return colour{c.r * k, c.g * k, c.b * k} }

// plus adds light as a projector does: what is bright already grows less.
func (c colour) plus(d colour, k float32) colour {
	return colour{c.r + d.r*k*max(0, 1-c.r*0.6), c.g + d.g*k*max(0, 1-c.g*0.6), c.b + d.b*k*max(0, 1-c.b*0.6)}
}

// ramp is colours at even distances from 0 to 1.
type ramp []colour

func ramped(values ...uint32) ramp {
	r := make(ramp, len(values))
	for i, v := range values {
		r[i] = hex(v)
	}
	return r
}

func (r ramp) at(t float32) colour {
	t = clamp(t) * float32(len(r)-1)
	i := min(int(t), len(r)-2)
	return r[i].to(r[i+1], ease(t-float32(i)))
}

// canvas is a picture while it is painted. Places are given in units of its longer side: (0, 0) is the upper left corner,
// so that a motif keeps its shape whatever the picture's format.
type canvas struct {
	w, h  int
	unit  float32 // pixels of the longer side
	right float32 // x of the right edge
	foot  float32 // y of the lower edge
	pix   []colour
}

func newCanvas(w, h int) *canvas {
	unit := float32(max(w, h))
	return &canvas{w: w, h: h, unit: unit, right: float32(w) / unit, foot: float32(h) / unit, pix: make([]colour, w*h)}
}

// paint asks for the colour of each pixel between two heights, given what is there. Rows are painted in parallel, so f
// must not change anything.
func (c *canvas) paint(top, bottom float32, f func(x, y float32, was colour) colour) {
	from, to := max(0, int(top*c.unit)), min(c.h, int(bottom*c.unit)+1)
	c.rows(from, to, func(row int) {
		y := (float32(row) + 0.5) / c.unit
		line := c.pix[row*c.w : (row+1)*c.w]
		for i := range line {
			line[i] = f((float32(i)+0.5)/c.unit, y, line[i])
		}
	})
}

// rows calls f for each row, shared among a few goroutines that have all ended when it returns.
func (c *canvas) rows(from, to int, f func(row int)) {
	const workers = 4
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			for row := from + k; row < to; row += workers {
				f(row)
			}
		})
	}
	wg.Wait()
}

// disc changes the pixels around a place, no farther than radius.
func (c *canvas) disc(cx, cy, radius float32, f func(dx, dy float32, was colour) colour) {
	x0, x1 := max(0, int((cx-radius)*c.unit)), min(c.w-1, int((cx+radius)*c.unit)+1)
	y0, y1 := max(0, int((cy-radius)*c.unit)), min(c.h-1, int((cy+radius)*c.unit)+1)
	for py := y0; py <= y1; py++ {
		for px := x0; px <= x1; px++ {
			p := &c.pix[py*c.w+px]
			*p = f((float32(px)+0.5)/c.unit-cx, (float32(py)+0.5)/c.unit-cy, *p)
		}
	}
}

// cover returns how much of the pixel at y lies below an edge, from 0 to 1.
func (c *canvas) cover(y, edge float32) float32 { return clamp((y-edge)*c.unit + 0.5) }

// field is noise computed on a coarse grid once and read smoothly, for what is soft anyway.
type field struct {
	scale, top float32 // cells to a unit, where it begins
	w          int
	v          []float32
}

// The fineness of fields, in cells to a unit.
const (
	coarse = 180
	fine   = 420
)

// soften computes f between two heights on a grid.
func (c *canvas) soften(cells, top, bottom float32, f func(x, y float32) float32) *field {
	top, bottom = max(top-1/c.unit, 0), min(bottom, c.foot)+1/c.unit // paint takes the rows that these cut through
	s := &field{scale: cells, top: top, w: int(c.right*cells) + 3}
	h := max(int((bottom-top)*cells), 0) + 4
	s.v = make([]float32, s.w*h)
	c.rows(0, h, func(row int) {
		for i := range s.w {
			s.v[row*s.w+i] = f(float32(i)/cells, top+float32(row)/cells)
		}
	})
	return s
}

// at reads the field at a place of the canvas between its heights.
func (s *field) at(x, y float32) float32 {
	x, y = x*s.scale, (y-s.top)*s.scale
	i, j := int(x), int(y)
	u, v := x-float32(i), y-float32(j)
	k := j*s.w + i
	return lerp(lerp(s.v[k], s.v[k+1], u), lerp(s.v[k+s.w], s.v[k+s.w+1], u), v)
}

// develop turns light into a picture: a little contrast, darker corners, grain.
func (c *canvas) develop(r *random) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, c.w, c.h))
	salt, tones := r.salt(), tones()
	c.rows(0, c.h, func(row int) {
		dy := (float32(row)/float32(c.h) - 0.5) * 2
		for i, p := range c.pix[row*c.w : (row+1)*c.w] {
			dx := (float32(i)/float32(c.w) - 0.5) * 2
			d := dx*dx + dy*dy
			dim := 1 - 0.04*d*d
			grain := (lattice(int32(i), int32(row), salt) - 0.5) * 0.022
			o := row*m.Stride + i*4
			m.Pix[o] = tones[int(clamp(p.r*dim+grain)*(shades-1))]
			m.Pix[o+1] = tones[int(clamp(p.g*dim+grain)*(shades-1))]
			m.Pix[o+2] = tones[int(clamp(p.b*dim+grain)*(shades-1))]
			m.Pix[o+3] = 255
		}
	})
	return m
}

// shades is how finely light is told apart before it becomes a byte.
const shades = 4096

// tones bends light into bytes: shadows a little deeper, highlights rolled off.
func tones() *[shades]uint8 {
	var t [shades]uint8
	for i := range t {
		v := float32(i) / (shades - 1)
		t[i] = uint8(lerp(v, ease(v), 0.28)*255 + 0.5)
	}
	return &t
}
