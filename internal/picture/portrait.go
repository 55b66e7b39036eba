package picture

import "image"

// Portrait returns a square drawing of a person in soft light, size × size pixels.
func Portrait(seed uint64, size int) *image.RGBA {
	size = bound(size)
	c := newCanvas(size, size)
	r := newRandom(seed ^ 0xa11ce)
	grounds := [][2]uint32{
		{0xffd6a5, 0xff8fa3}, {0xa0c4ff, 0x6d6fd8}, {0xcaffbf, 0x4fb3a5}, {0xfde2e4, 0xc98bb9}, {0xffe8a3, 0xf2a65a}, {0xbde0fe, 0x5fa8d3},
	}
	ground := grounds[r.n(len(grounds))]
	c.sky(ramped(ground[0], ground[1]), 1)
	newSitter(r).draw(c)
	return c.develop(r)
}

// sitter is who sits for a portrait.
type sitter struct {
	skin, hair, cloth colour
	cut               int // 0 short, 1 long, 2 curls, 3 bun, 4 cap
	glasses, beard    bool
	lean              float32
}

func newSitter(r *random) sitter {
	skins := []uint32{0xe8b995, 0xdba07a, 0xc98a5e, 0x9c6440, 0x6f4630, 0xedc4a6}
	hairs := []uint32{0x1d1a1f, 0x3b2618, 0x6b4226, 0xb5793a, 0xd9b26a, 0x8a8a90, 0x7a2e1d}
	cloths := []uint32{0x2a4d69, 0xd1495b, 0x2f6f5e, 0xf4f1ea, 0x3b3355, 0xe9a23b}
	s := sitter{skin: hex(skins[r.n(len(skins))]), hair: hex(hairs[r.n(len(hairs))]), cloth: hex(cloths[r.n(len(cloths))])}
	s.cut = r.n(5)
	s.glasses = r.float() < 0.3
	s.beard = s.cut != 1 && s.cut != 3 && r.float() < 0.35
	s.lean = r.between(-0.015, 0.015)
	return s
}

// oval returns how much of a pixel lies in an ellipse around (cx, cy).
func (c *canvas) oval(x, y, cx, cy, rx, ry float32) float32 {
	dx, dy := (x-cx)/rx, (y-cy)/ry
	d := (1 - sqrt(dx*dx+dy*dy)) * min(rx, ry) * c.unit * zoom
	return clamp(d + 0.5)
}

// zoom is how much nearer a sitter is than drawn.
const zoom = 1.4

func (s sitter) draw(c *canvas) {
	x0 := 0.5 + s.lean
	c.paint(0, 1, func(x, y float32, was colour) colour {
		x, y = 0.5+(x-0.5)/zoom, 0.47+(y-0.53)/zoom
		if a := s.behind(c, x, y, x0); a > 0 {
			was = was.to(s.hair.times(0.72), a)
		}
		shoulders := c.oval(x, y, 0.5, 0.99, 0.36, 0.3)
		was = was.to(s.cloth.times(1.12-0.5*x), shoulders)
		collar := c.oval(x, y, x0, 0.72, 0.105, 0.062)
		was = was.to(s.cloth.times(0.7), collar*shoulders)
		neck := max(c.oval(x, y, x0, 0.66, 0.07, 0.11), 0)
		was = was.to(s.skin.times(0.84).times(1-0.25*step(0.7, 0.62, y)), neck)
		for _, side := range []float32{-1, 1} {
			was = was.to(s.skin.times(0.86), c.oval(x, y, x0+side*0.158, 0.475, 0.032, 0.048))
		}
		face := c.oval(x, y, x0, 0.46, 0.16, 0.2)
		was = was.to(s.skin.times(1.08-0.34*step(0.36, 0.68, x)*0.6), face)
		was = s.features(c, x, y, x0, face, was)
		return was.to(s.hair.times(1.15-0.4*x+0.06*sin(x*190+y*40)), s.before(c, x, y, x0))
	})
}

// features adds cheeks, eyes, brows, nose, mouth, beard and glasses to a face.
func (s sitter) features(c *canvas, x, y, x0, face float32, was colour) colour {
	dark := hex(0x2a1c1a)
	if s.beard {
		jaw := clamp(face-c.oval(x, y, x0, 0.425, 0.148, 0.155)) * step(0.47, 0.53, y)
		was = was.to(s.hair.times(0.95), jaw*0.92)
	}
	was = was.plus(hex(0xe0574a), 0.16*(bell(x-x0+0.088, 0.04)+bell(x-x0-0.088, 0.04))*bell(y-0.52, 0.035)*face)
	for _, side := range []float32{-1, 1} {
		ex := x0 + side*0.064
		was = was.to(dark, c.oval(x, y, ex, 0.455, 0.0165, 0.019))
		was = was.to(colour{1, 1, 1}, 0.9*c.oval(x, y, ex-0.006, 0.448, 0.005, 0.005))
		brow := clamp(c.oval(x, y, ex, 0.417, 0.034, 0.018) - c.oval(x, y, ex, 0.426, 0.037, 0.018))
		was = was.to(s.hair.times(0.7), brow)
		if s.glasses {
			rim := clamp(c.oval(x, y, ex, 0.458, 0.054, 0.047) - c.oval(x, y, ex, 0.458, 0.046, 0.039))
			was = was.plus(colour{1, 1, 1}, 0.08*c.oval(x, y, ex, 0.458, 0.046, 0.039)).to(dark, rim)
		}
	}
	if s.glasses {
		was = was.to(dark, clamp(c.oval(x, y, x0, 0.452, 0.014, 0.006)))
	}
	nose := clamp(c.oval(x, y, x0, 0.515, 0.02, 0.016) - c.oval(x, y, x0, 0.509, 0.021, 0.016))
	was = was.to(s.skin.times(0.68), nose)
	smile := clamp(c.oval(x, y, x0, 0.558, 0.052, 0.032) - c.oval(x, y, x0, 0.545, 0.062, 0.034))
	return was.to(hex(0x8c2f39).to(s.skin, 0.2), smile)
}

// behind is hair that lies behind head and shoulders.
func (s sitter) behind(c *canvas, x, y, x0 float32) float32 {
	switch s.cut {
	case 1:
		return max(c.oval(x, y, x0, 0.47, 0.212, 0.25), c.oval(x, y, x0, 0.66, 0.2, 0.22))
	case 2:
		return curls(c, x, y, x0)
	case 3:
		return max(c.oval(x, y, x0, 0.2, 0.082, 0.078), c.oval(x, y, x0, 0.42, 0.178, 0.185))
	}
	return 0
}

func curls(c *canvas, x, y, x0 float32) float32 {
	a := c.oval(x, y, x0, 0.41, 0.2, 0.2)
	for i := range 11 {
		t := float32(i)/10*4.2 - 2.1 // angle from the top of the head
		a = max(a, c.oval(x, y, x0+0.195*sin(t), 0.42-0.195*sin(t+1.5708), 0.062, 0.062))
	}
	return a
}

// before is hair, or a cap, that lies over the forehead.
func (s sitter) before(c *canvas, x, y, x0 float32) float32 {
	skull := c.oval(x, y, x0, 0.43, 0.17, 0.2)
	switch s.cut {
	case 1: // parted
		return clamp(skull - max(c.oval(x, y, x0+0.075, 0.52, 0.13, 0.19), c.oval(x, y, x0-0.09, 0.55, 0.1, 0.17)))
	case 2:
		return clamp(skull - c.oval(x, y, x0, 0.52, 0.15, 0.18))
	case 3:
		return clamp(skull - c.oval(x, y, x0, 0.53, 0.158, 0.2))
	case 4:
		dome := clamp(c.oval(x, y, x0, 0.4, 0.178, 0.19) * step(0.366, 0.36, y))
		return max(dome, c.oval(x, y, x0, 0.365, 0.185, 0.024))
	}
	return clamp(skull - c.oval(x, y, x0+0.035, 0.53, 0.165, 0.2))
}
