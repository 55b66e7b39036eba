package picture

// crest is the upper edge of a piece of land, one height for each column of pixels.
type crest []float32

func (c *canvas) crest(f func(x float32) float32) crest {
	k := make(crest, c.w)
	for i := range k {
		k[i] = f((float32(i) + 0.5) / c.unit)
	}
	return k
}

// mountains is a jagged crest. base is its mean height, swing how far it goes up and down.
func (c *canvas) mountains(r *random, base, swing, fineness float32) crest {
	salt, shift := r.salt(), r.between(0, 50)
	return c.crest(func(x float32) float32 {
		u := x*fineness + shift
		big := ridged(u, 0.5, 2, salt)
		fine := ridged(u*3.1, 7.5, 4, salt^3)
		return base - swing*(big*1.25+fine*0.34-0.8)
	})
}

// hills is a soft crest.
func (c *canvas) hills(r *random, base, swing, fineness float32) crest {
	salt, shift := r.salt(), r.between(0, 50)
	return c.crest(func(x float32) float32 { return base - swing*(fbm(x*fineness+shift, 0.5, 2, salt)*2-1) })
}

// roughen adds small unevenness: grass, bushes, tree tops.
func (k crest) roughen(c *canvas, r *random, height, fineness float32) crest {
	salt := r.salt()
	for i := range k {
		x := float32(i) / c.unit
		k[i] -= height * fbm(x*fineness, 1.5, 3, salt)
	}
	return k
}

// pines plants fir trees along a crest by raising it to their outline.
func (k crest) pines(c *canvas, r *random, height float32, density float32) crest {
	ground := append(crest(nil), k...)
	for x := float32(-0.02); x < c.right+0.02; x += height * r.between(0.12, 0.5) / density {
		h := height * r.between(0.45, 1.1)
		half := h * r.between(0.15, 0.21)
		salt := r.salt()
		i0, i1 := max(0, int((x-half)*c.unit)), min(c.w-1, int((x+half)*c.unit))
		mid := min(max(int(x*c.unit), 0), c.w-1)
		foot := ground[mid] + 0.004
		for i := i0; i <= i1; i++ {
			d := abs(float32(i)/c.unit-x) / half // 0 at the trunk, 1 at the tips
			level := (1 - d) * 9
			notch := (level - floor(level)) * 0.075 // boughs hang: each ends below the one above it begins
			top := foot - h*(1-d*0.97-notch*(0.4+d)+0.03*lattice(int32(i), 0, salt))
			k[i] = min(k[i], top)
		}
	}
	return k
}

// land paints everything below a crest with one tint that fades into mist downwards.
func (c *canvas) land(k crest, depth float32, top, mist colour) {
	low := highest(k)
	c.paint(low, c.foot, func(x, y float32, was colour) colour {
		edge := k[min(int(x*c.unit), c.w-1)]
		a := c.cover(y, edge)
		if a == 0 {
			return was
		}
		return was.to(top.to(mist, step(0, depth, y-low-0.3*(edge-low))), a)
	})
}

func highest(k crest) float32 {
	low := k[0]
	for _, v := range k {
		low = min(low, v)
	}
	return low
}

// rock is how a mountain is lit.
type rock struct {
	lit, shade, snow, mist colour
	snowline               float32 // how far below the crest snow reaches; 0 for none
	misty                  float32 // share of mist at the foot, from 0 to 1
	depth                  float32 // how far down the foot is
	fromRight              bool    // where the light comes from
}

// massif paints mountains with faces in light and shade, and snow on them.
func (c *canvas) massif(r *random, k crest, s rock) {
	salt := r.salt()
	low := highest(k)
	side := float32(1)
	if s.fromRight {
		side = -1
	}
	bottom := low + s.depth*2.2
	patches := c.soften(coarse, low, bottom, func(x, y float32) float32 { return fbm(x*9, y*9, 3, salt^21) })
	faces := c.soften(fine, low, bottom, func(x, y float32) float32 {
		// Gullies run down the slope: noise that is long in that direction, bent by noise that is not.
		bend := (noise(x*10, y*10, salt^5) - 0.5) * 0.035
		u, v := x+bend, y*0.62+bend
		return ridged(u*15, v*13, 3, salt) - ridged((u+side*0.014)*15, (v+0.009)*13, 3, salt)
	})
	c.paint(low, bottom, func(x, y float32, was colour) colour {
		edge := k[min(int(x*c.unit), c.w-1)]
		a := c.cover(y, edge)
		if a == 0 {
			return was
		}
		down, patch := y-edge, patches.at(x, y)
		face := faces.at(x, y)
		fine := noise(x*130, y*90, salt^7) - 0.5
		light := clamp(0.45 + face*2.1 + fine*0.4)
		p := s.shade.to(s.lit, light)
		if s.snowline > 0 {
			reach := s.snowline * (0.1 + 1.7*patch)
			lay := step(reach, reach*0.55, (y-low)*0.8+down*0.5+fine*0.05) * step(0.2, 0.5, light+fine*0.15)
			p = p.to(s.snow.times(0.66+0.4*light), lay)
		}
		return was.to(p.to(s.mist, s.misty*step(0, s.depth, y-low)), a)
	})
}
