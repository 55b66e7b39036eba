package files

import (
	"image"
	"image/draw"
	"math"
)

// resize scales a picture down to w x h with the Catmull-Rom cubic, first across and then down. It works row by row: of
// the source it holds only the few rows that one row of the result is made of, so that its memory does not grow with the
// source.
func resize(src image.Image, w, h int) *image.RGBA {
	b := src.Bounds()
	across, down := weigh(b.Dx(), w), weigh(b.Dy(), h)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	line := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	rows := make([][]float32, down.reach)
	for i := range rows {
		rows[i] = make([]float32, 4*w)
	}
	read := 0 // rows of the source that were read
	sum := make([]float32, 4*w)
	for y := range h {
		taps := down.taps[y]
		for ; read < taps.from+len(taps.weights); read++ {
			if read < taps.from {
				continue
			}
			draw.Draw(line, line.Rect, src, image.Pt(b.Min.X, b.Min.Y+read), draw.Src)
			across.row(rows[read%len(rows)], line.Pix)
		}
		clear(sum)
		for i, weight := range taps.weights {
			for j, v := range rows[(taps.from+i)%len(rows)] {
				sum[j] += weight * v
			}
		}
		store(dst.Pix[y*dst.Stride:], sum)
	}
	return dst
}

// scale is how one side is scaled: what each pixel of the result is made of.
type scale struct {
	taps  []taps
	reach int // the most pixels that one is made of
}

// taps are neighbouring pixels of the source and their shares, which add up to 1.
type taps struct {
	from    int
	weights []float32
}

func weigh(from, to int) scale {
	ratio := float64(from) / float64(to)
	width := max(ratio, 1) // the cubic is drawn out over as many pixels as become one
	s := scale{taps: make([]taps, to)}
	for i := range s.taps {
		center := (float64(i)+0.5)*ratio - 0.5
		first := max(0, int(math.Ceil(center-2*width)))
		last := min(from-1, int(math.Floor(center+2*width)))
		t := taps{from: first, weights: make([]float32, last-first+1)}
		total := 0.0
		for n := range t.weights {
			v := catmullRom((float64(first+n) - center) / width)
			t.weights[n] = float32(v)
			total += v
		}
		for n := range t.weights {
			t.weights[n] /= float32(total)
		}
		s.taps[i] = t
		s.reach = max(s.reach, len(t.weights))
	}
	return s
}

// catmullRom is the cubic with B = 0 and C = 1/2 (Mitchell and Netravali, 1988).
func catmullRom(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}

// row scales one row of RGBA across.
func (s *scale) row(dst []float32, pix []byte) {
	for i := range s.taps {
		t := &s.taps[i]
		var r, g, b, a float32
		p := pix[4*t.from : 4*(t.from+len(t.weights))]
		for _, weight := range t.weights {
			r += weight * float32(p[0])
			g += weight * float32(p[1])
			b += weight * float32(p[2])
			a += weight * float32(p[3])
			p = p[4:]
		}
		dst[4*i], dst[4*i+1], dst[4*i+2], dst[4*i+3] = r, g, b, a
	}
}

// store writes one row. The cubic overshoots at edges: values are brought back between 0 and their alpha, by which RGBA
// is multiplied.
func store(pix []byte, sum []float32) {
	for i := 0; i < len(sum); i += 4 {
		a := min(max(sum[i+3], 0), 255)
		pix[i] = byte(min(max(sum[i], 0), a) + 0.5)
		pix[i+1] = byte(min(max(sum[i+1], 0), a) + 0.5)
		pix[i+2] = byte(min(max(sum[i+2], 0), a) + 0.5)
		pix[i+3] = byte(a + 0.5)
	}
}
