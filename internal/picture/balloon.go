package picture

import "math"

// balloons rise over a valley early in the morning.
func balloons(c *canvas, r *random) {
	l := dawn(r)
	horizon := 0.74 * c.foot
	right := r.float() < 0.5
	x := c.right * r.between(0.1, 0.3)
	if right {
		x = c.right - x
	}
	c.sky(l.sky, horizon)
	c.sun(x, 0.6*c.foot, 0.018, l.sun, 0.8)
	c.clouds(r, 0.6*c.foot, 3.4, r.between(0.3, 0.5), l.cloud, l.cloudLow)
	ranges(c, r, l, 0.66*c.foot, horizon+0.03, 2, right)
	for range 4 + r.n(3) {
		balloon(c, r, l, r.between(0.08, 0.92)*c.right, r.between(0.28, 0.6)*c.foot, r.between(0.012, 0.03), 0.45, right)
	}
	for i := range 3 {
		t := float32(i) / 2
		k := c.hills(r, lerp(0.79, 0.93, t)*c.foot, 0.05, 2.2).roughen(c, r, 0.02+0.02*t, 30)
		c.land(k, 0.2, l.near.to(l.mist, 0.4-0.35*t), l.mist.to(l.near, 0.3+0.5*t))
	}
	balloon(c, r, l, r.between(0.12, 0.36)*c.right, r.between(0.36, 0.5)*c.foot, r.between(0.05, 0.065), 0.12, right)
	balloon(c, r, l, r.between(0.52, 0.8)*c.right, r.between(0.17, 0.3)*c.foot, r.between(0.085, 0.12), 0, right)
}

// balloon hangs one in the air: its envelope's middle at (x, y), its radius, and how much air is between.
func balloon(c *canvas, r *random, l light, x, y, radius, air float32, fromRight bool) {
	cloths := [][3]uint32{
		{0xe63946, 0xf1faee, 0xf4a261},
		{0x1d7874, 0xf4c095, 0xee2e31},
		{0xf6bd60, 0x84a59d, 0xf28482},
		{0x3d5a80, 0xee6c4d, 0xe0fbfc},
		{0x6a4c93, 0xffca3a, 0xff595e},
		{0xd62828, 0xfcbf49, 0xeae2b7},
	}
	cloth := cloths[r.n(len(cloths))]
	gores, bands := float32(8+2*r.n(3)), r.float() < 0.4
	side := float32(-1)
	if fromRight {
		side = 1
	}
	soft := 1.2 / (radius * c.unit)
	c.disc(x, y+radius*0.45, radius*1.7, func(dx, dy float32, was colour) colour {
		u, v := dx/radius, dy/radius+0.45 // the envelope's middle is 0, its top −1, its mouth about 1.3
		if v > 1.32 {
			basket := min(step(-soft, soft, 0.13-abs(u)), min(step(-soft, soft, v-1.55), step(-soft, soft, 1.76-v)))
			rope := min(step(0.02+soft, 0.01, abs(abs(u)-0.11)), step(-soft, soft, 1.57-v)) * 0.55
			return was.to(hex(0x4a3426).to(l.mist, air), max(basket, rope))
		}
		half := sqrt(max(0, 1-v*v))
		if v > 0.25 {
			half = lerp(0.968, 0.12, ease(clamp((v-0.25)/1.07))*0.55+clamp((v-0.25)/1.07)*0.45)
		}
		a := step(-soft, soft, half-abs(u)) * step(-soft, soft, 1.3-v)
		if a == 0 {
			return was
		}
		across := clamp(abs(u)/max(half, 0.01)) * sign(u)
		angle := float32(math.Asin(float64(across))) / math.Pi // −½ to ½
		gore := (angle + 0.5) * gores
		tint := hex(cloth[int(gore)&1])
		if bands && abs(v-0.12) < 0.2 {
			tint = hex(cloth[2])
		}
		if v < -0.86 || v > 1.12 {
			tint = hex(cloth[2])
		}
		seam := gore - floor(gore)
		bulge := 0.86 + 0.2*sin(seam*math.Pi)
		lit := clamp(0.62 + 0.42*across*side - 0.22*v)
		p := tint.times(bulge*(0.42+0.75*lit)).plus(l.sun, 0.16*lit)
		return was.to(p.to(l.mist, air), a)
	})
}

func sign(x float32) float32 {
	if x < 0 {
		return -1
	}
	return 1
}
