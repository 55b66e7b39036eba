package picture

// city paints a skyline at nightfall above a river that mirrors it.
func city(c *canvas, r *random) {
	skies := []ramp{
		ramped(0x0d1238, 0x2c2a6b, 0x8a4a8c, 0xf58a6c, 0xffd08a),
		ramped(0x0a1633, 0x1e3f6b, 0x5a86a8, 0xf0b98d),
		ramped(0x120c26, 0x3a1d52, 0xa33c68, 0xff8d63),
	}
	sky := skies[r.n(len(skies))]
	shore := 0.7 * c.foot
	c.sky(sky, shore)
	c.stars(r, 0.3*c.foot, 240, 0)
	c.sun(c.right*r.between(0.2, 0.8), shore, 0, sky.at(1), 0.55)
	c.clouds(r, shore, 4.2, r.between(0.25, 0.5), sky.at(0.9), sky.at(0.45).times(0.8))
	const rows = 4
	for i := range rows {
		t := float32(i) / (rows - 1)
		body := sky.at(0.92).to(hex(0x0c0d1e), 0.35+0.6*t)
		skyline(c, r, shore, lerp(0.36, 0.1, t)*min(1, c.foot), lerp(0.03, 0.05, t), body, t)
	}
	c.water(r, shore, 0.62, hex(0x0a0d22))
}

// skyline is one row of buildings.
func skyline(c *canvas, r *random, shore, height, width float32, body colour, near float32) {
	crowd := r.salt()
	for x := float32(-0.03); x < c.right; {
		w := width * r.between(0.55, 1.5)
		h := height * (0.25 + 0.85*fbm(x*3.3, 0, 2, crowd)*r.between(0.65, 1.35))
		building(c, r, x, shore-h, w*0.94, shore, body.times(r.between(0.82, 1.15)), near)
		x += w * r.between(0.85, 1.15)
	}
}

func building(c *canvas, r *random, x, top, w, shore float32, body colour, near float32) {
	mast := float32(0)
	if r.float() < 0.22 {
		mast = r.between(0.02, 0.06)
	}
	crown := r.n(3) // flat, stepped, slanted
	x0, x1 := max(0, int(x*c.unit)), min(c.w, int((x+w)*c.unit))
	y1 := min(c.h, int(shore*c.unit))
	cell := max(lerp(0.0042, 0.0062, near), 3/c.unit)
	warm := []colour{hex(0xffd48a), hex(0xffb75e), hex(0xfff1cf), hex(0xa9d4ff)}
	salt, awake := r.salt(), r.between(0.2, 0.55)
	for px := x0; px < x1; px++ {
		u := (float32(px) + 0.5) / c.unit
		d := (u - x) / w
		edge := top
		switch crown {
		case 1:
			edge += 0.016*step(0.3, 0.28, min(d, 1-d)) + 0.012*step(0.16, 0.14, min(d, 1-d))
		case 2:
			edge += 0.03 * d
		}
		if mast > 0 && abs(d-0.5)*w < 0.0009+0.4/c.unit {
			edge -= mast
		}
		for py := max(0, int(edge*c.unit)); py < y1; py++ {
			v := (float32(py) + 0.5) / c.unit
			p := body.times(1.1-0.25*d).to(body.times(1.5), 0.3*step(0, 0.3, v-top))
			if edge >= top && v > top+0.012 {
				col, line := floor((u-x)/cell), floor((v-top)/(cell*1.35))
				fu, fv := (u-x)/cell-col, (v-top)/(cell*1.35)-line
				n := lattice(int32(col), int32(line), salt)
				if n < awake && fu > 0.22 && fu < 0.8 && fv > 0.25 && fv < 0.75 && d > 0.06 && d < 0.94 {
					p = p.plus(warm[int(n*997)&3], (0.35+0.65*n/awake)*(0.55+0.45*near))
				}
			}
			c.pix[py*c.w+px] = p
		}
	}
}

// street is a town at night out of focus: discs of light, large and small, behind a wet pane.
func street(c *canvas, r *random) {
	nights := []ramp{
		ramped(0x0b1026, 0x1b1c3a, 0x2c1a2e), ramped(0x07141f, 0x12303a, 0x2a2620), ramped(0x140a1f, 0x35163a, 0x4a1f2e),
	}
	night := nights[r.n(len(nights))]
	c.sky(night, c.foot)
	lamps := []uint32{0xffb14a, 0xff7a3d, 0xffe0a0, 0xff4d5e, 0x54d1ff, 0x9d7bff, 0xffc56b, 0x6ef0c0}
	for range 5 { // light that has no shape any more
		c.sun(r.float()*c.right, r.between(0.3, 0.8)*c.foot, 0, hex(lamps[r.n(len(lamps))]), 0.16)
	}
	for range 130 {
		depth := r.float() // 0 far, 1 near
		x := r.float() * c.right
		y := c.foot * (0.5 + (r.float()+r.float()-1)*lerp(0.14, 0.5, depth))
		size := lerp(0.008, 0.062, depth*depth) * r.between(0.8, 1.2)
		tint := hex(lamps[r.n(len(lamps))])
		power := lerp(0.8, 0.2, depth) * r.between(0.5, 1.2)
		c.disc(x, y, size*1.1, func(dx, dy float32, was colour) colour {
			q := sqrt(dx*dx+dy*dy) / size
			body := step(1.03, 0.95, q) * (0.72 + 0.38*step(0.6, 0.97, q))
			return was.plus(tint, body*power)
		})
	}
	wet := 0.74 * c.foot
	c.water(r, wet, 0.4, night.at(1).times(0.5))
	drops(c, r)
}

// drops run down the pane, each a small lens that shows the scene upside down.
func drops(c *canvas, r *random) {
	seen := append([]colour(nil), c.pix...)
	for range 190 {
		x, y := r.float()*c.right, r.float()*c.foot
		size := 0.0022 + 0.0085*r.float()*r.float()*r.float()
		c.disc(x, y, size*1.4, func(dx, dy float32, was colour) colour {
			q := sqrt(dx*dx+dy*dy*0.62) / size
			if q > 1 {
				return was
			}
			sx := min(max(int((x-dx*9)*c.unit), 0), c.w-1)
			sy := min(max(int((y-dy*9)*c.unit), 0), c.h-1)
			p := seen[sy*c.w+sx].times(1.12 - 0.55*q*q)
			shine := bell(sqrt((dx+size*0.3)*(dx+size*0.3)+(dy+size*0.5)*(dy+size*0.5)), size*0.22)
			return was.to(p.plus(colour{1, 1, 1}, 0.5*shine), step(1, 0.85, q))
		})
	}
}
