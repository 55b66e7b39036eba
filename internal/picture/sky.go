package picture

// sky paints from the top down to the horizon along a ramp.
func (c *canvas) sky(r ramp, horizon float32) {
	c.rows(0, c.h, func(row int) {
		p := r.at((float32(row) + 0.5) / c.unit / horizon)
		line := c.pix[row*c.w : (row+1)*c.w]
		for i := range line {
			line[i] = p
		}
	})
}

// sun adds a disc of light with its glow. size is the disc's radius.
func (c *canvas) sun(x, y, size float32, light colour, glow float32) {
	halo := c.soften(coarse, 0, c.foot, func(px, py float32) float32 {
		dx, dy := px-x, py-y
		d := sqrt(dx*dx + dy*dy)
		return glow * (0.55*exp(-d/0.07) + 0.45*exp(-d/0.28))
	})
	c.paint(0, c.foot, func(px, py float32, was colour) colour {
		if g := halo.at(px, py); g > 0.003 {
			return was.plus(light, g)
		}
		return was
	})
	if size == 0 {
		return
	}
	c.disc(x, y, size*1.2, func(dx, dy float32, was colour) colour {
		edge := step(size+1.5/c.unit, size-1.5/c.unit, sqrt(dx*dx+dy*dy))
		return was.to(colour{1, 1, 1}.to(light, 0.25).times(1.4), edge) // brighter than its glow
	})
}

// clouds lays fair-weather clouds or streaks over the sky above the horizon. stretch flattens them, amount from 0 to 1
// says how much of the sky they take, (sx, sy) is where the light comes from.
func (c *canvas) clouds(r *random, horizon, stretch, amount float32, lit, shade colour) {
	salt := r.salt()
	at := func(x, y float32) float32 {
		depth := 1 / (1.15 - 0.9*clamp(y/horizon)) // clouds grow smaller towards the horizon
		u, v := x*2.2*depth, y*2.2*stretch*depth
		warp := fbm(u*1.3+9, v*1.3, 2, salt^77)
		return fbm(u+warp*0.9, v+warp*0.5, 5, salt)
	}
	density := c.soften(coarse, 0, horizon, at)
	toLight := c.soften(coarse, 0, horizon, func(x, y float32) float32 { return at(x+0.012, y-0.03) })
	edge := 0.72 - 0.36*amount
	c.paint(0, horizon, func(x, y float32, was colour) colour {
		d := density.at(x, y)
		if d < edge {
			return was
		}
		a := step(edge, edge+0.2, d) * step(1, 0.82, y/horizon)
		k := clamp(0.5 + (d-toLight.at(x, y))*3.2 - (d-edge)*1.1)
		return was.to(shade.to(lit, k), a*0.92)
	})
}

// stars strews stars above a height, more of them along a band when milky is above 0.
func (c *canvas) stars(r *random, bottom float32, count int, milky float32) {
	slope, at := r.between(-0.9, 0.9), r.between(0.1, 0.5)*bottom
	mid := c.right / 2
	band := func(x, y float32) float32 { return y - at - (x-mid)*slope }
	if milky > 0 {
		salt := r.salt()
		dust := c.soften(coarse, 0, bottom, func(x, y float32) float32 {
			b := band(x, y)
			n := fbm(x*5, y*5, 5, salt)
			return bell(b, 0.16)*(0.35+n)*0.9 - bell(b+0.02*(n-0.5), 0.035)*n*0.8
		})
		c.paint(0, bottom, func(x, y float32, was colour) colour {
			d := clamp(dust.at(x, y)) * milky
			return was.plus(colour{0.62, 0.55, 0.75}, d*0.55)
		})
	}
	for range count {
		x, y := r.float()*c.right, r.float()*bottom
		if milky > 0 && r.float() < 0.45 {
			y = at + (x-mid)*slope + (r.float()+r.float()+r.float()-1.5)*0.17
		}
		bright := r.float()
		bright = 0.12 + 0.88*bright*bright*bright*bright
		size := (0.35 + 0.9*bright) / 1100
		tint := colour{1, 1, 1}.to(hex(0xffd9b0), r.float()*0.7).to(hex(0xb8d0ff), r.float()*0.7)
		if y < 0 || y >= bottom {
			continue
		}
		fade := step(bottom, bottom*0.6, y)*0.85 + 0.15
		size = max(size, 0.5/c.unit)
		c.disc(x, y, size*4, func(dx, dy float32, was colour) colour {
			return was.plus(tint, bright*fade*1.5*bell(sqrt(dx*dx+dy*dy), size*1.3))
		})
	}
}

// aurora hangs curtains of light over the sky.
func (c *canvas) aurora(r *random, horizon float32, low, high colour) {
	for range 3 {
		salt, base, tilt := r.salt(), r.between(0.42, 0.72)*horizon, r.between(-0.25, 0.25)
		strength, reach := r.between(0.35, 0.75), r.between(0.16, 0.34)*horizon
		foot := make([]float32, c.w)
		power := make([]float32, c.w)
		for i := range foot {
			x := float32(i) / c.unit
			foot[i] = base + tilt*(x-c.right/2) + (fbm(x*2.4, 0, 3, salt)-0.5)*0.34*horizon
			power[i] = strength * (0.2 + 0.8*fbm(x*26, 3, 3, salt^5)) * step(0.28, 0.6, fbm(x*3, 9, 2, salt^9)+0.08)
		}
		c.paint(0, horizon, func(x, y float32, was colour) colour {
			i := min(int(x*c.unit), c.w-1)
			up := foot[i] - y
			if up < -0.02 || power[i] < 0.01 {
				return was
			}
			rise := step(-0.02, 0.012, up) * exp(-max(up, 0)/reach)
			return was.plus(low.to(high, clamp(up/reach/1.6)), rise*power[i]*1.25)
		})
	}
}
