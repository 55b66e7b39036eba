package picture

// water mirrors what lies above the shore in ripples. calm is near 1 for a lake at dawn and near 0 for the open sea, tint
// is the water's own colour.
func (c *canvas) water(r *random, shore, calm float32, tint colour) {
	first := int(shore * c.unit)
	if first <= 0 || first >= c.h {
		return
	}
	salt := r.salt()
	above := append([]colour(nil), c.pix[:first*c.w]...)
	depth := float32(c.h - first)
	c.rows(first, c.h, func(row int) {
		far := (float32(row-first) + 0.5) / depth // 0 at the shore, 1 at our feet
		near := 0.02 + far
		sway := (1.15 - calm) * near
		line := c.pix[row*c.w : (row+1)*c.w]
		for i := range line {
			x := float32(i) / c.unit
			u, v := x*9/near, 60*far/(0.25+far)
			wave := fbm(u*0.35, v*2.4, 2, salt) - 0.5
			chop := noise(u*2, v*9, salt^3) - 0.5
			slope := wave*1.3 + chop*0.7
			from := float32(first) - 1 - float32(row-first)*(0.82+0.25*calm) - slope*sway*0.24*c.unit
			px := float32(i) + slope*sway*0.06*c.unit
			p := mirrored(above, c.w, first, px, from)
			fresnel := lerp(0.86, 0.45+0.25*calm, far)
			line[i] = tint.to(p, fresnel).times(1 + slope*0.42*(1-calm*0.75))
		}
	})
}

// mirrored reads a pixel with its neighbour below, brought back to the edge where it lies outside.
func mirrored(pix []colour, w, h int, x, y float32) colour {
	i := min(max(int(x), 0), w-1)
	if y < 0 {
		y = min(-y*0.5, float32(h-1))
	}
	j := min(max(int(y), 0), h-2)
	t := clamp(y - float32(j))
	return pix[j*w+i].to(pix[(j+1)*w+i], t)
}

// glitter lays a path of light over the water below a sun.
func (c *canvas) glitter(r *random, x, shore, width float32, light colour, strength float32) {
	salt := r.salt()
	depth := c.foot - shore
	c.paint(shore, c.foot, func(px, py float32, was colour) colour {
		far := (py - shore) / depth
		if far <= 0 {
			return was
		}
		spread := width * (0.35 + 1.9*far)
		b := bell(px-x, spread)
		if b < 0.01 {
			return was
		}
		near := 0.03 + far
		n := fbm(px*16/near, 75*far/(0.25+far)*2, 3, salt)
		spark := step(0.62-0.26*b, 0.86-0.2*b, n)
		return was.plus(light, strength*(spark*b*1.5+b*b*0.22*(1-far)))
	})
}
