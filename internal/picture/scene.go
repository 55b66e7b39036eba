package picture

// scene returns the painter of a kind of picture.
func scene(kind uint64) func(*canvas, *random) {
	switch kind {
	case 0:
		return peaks
	case 1:
		return lake
	case 2:
		return sea
	case 3:
		return northernLights
	case 4:
		return city
	case 5:
		return dunes
	case 6:
		return forest
	case 7:
		return meadow
	case 8:
		return street
	}
	return balloons
}

// light is the weather of a scene: the sky from top to horizon, the sun's colour, mist, and the land near and far.
type light struct {
	sky             ramp
	sun, mist       colour
	near, far       colour
	cloud, cloudLow colour
}

// dawn chooses one of the lights at the ends of the day.
func dawn(r *random) light {
	all := []light{
		{ramped(0x2b3a67, 0x5f6caf, 0xc98bb9, 0xffc3a0), hex(0xffe3c2), hex(0xf3c6bd), hex(0x1c2440), hex(0x8d86b8), hex(0xffdccf), hex(0x8a7fb0)},
		{ramped(0x1d3557, 0x457b9d, 0xa8c5cf, 0xf7e1b5), hex(0xfff1cf), hex(0xe3dcc8), hex(0x14293d), hex(0x7f9fb4), hex(0xfff4e2), hex(0x87a3b8)},
		{ramped(0x3a1c56, 0x8a2f6b, 0xe8606a, 0xffb35c), hex(0xffe0a3), hex(0xf39a6c), hex(0x1d0f2b), hex(0x8c4a73), hex(0xffb88a), hex(0x7c3a70)},
		{ramped(0x0f2b46, 0x2f6690, 0x81c3d7, 0xfde8d0), hex(0xffffff), hex(0xdbe9ee), hex(0x0b2239), hex(0x4c7390), hex(0xffffff), hex(0x9db9cc)},
		{ramped(0x42275a, 0x734b6d, 0xc58c85, 0xf6d5a8), hex(0xffedcc), hex(0xe2b9a1), hex(0x251a33), hex(0x94708a), hex(0xffe3cf), hex(0x8d6b86)},
	}
	return all[r.n(len(all))]
}

// day is the light of a clear day.
func day(r *random) light {
	all := []light{
		{ramped(0x2f7fc1, 0x6fb1de, 0xbfdff0), hex(0xfffbe8), hex(0xd5e6ea), hex(0x3f7a35), hex(0x86a9a8), hex(0xffffff), hex(0x9fb6c9)},
		{ramped(0x3b8ec9, 0x8fc9e2, 0xf1ecd6), hex(0xfff2cf), hex(0xe7e7cf), hex(0x6b8f2e), hex(0x9dae8d), hex(0xffffff), hex(0xa9b6c2)},
		{ramped(0x1f6aa8, 0x5da5cf, 0xcfe6e4), hex(0xffffff), hex(0xcfe0df), hex(0x2f6b45), hex(0x7ba3a3), hex(0xfdfdfd), hex(0x8fa9bd)},
	}
	return all[r.n(len(all))]
}

// ranges paints mountain ranges, the farthest first, down to a horizon.
func ranges(c *canvas, r *random, l light, top, horizon float32, count int, fromRight bool) {
	for i := range count {
		t := float32(i) / float32(max(count-1, 1)) // 0 far, 1 near
		base := lerp(top, horizon-0.03, t)
		swing := lerp(0.26, 0.1, t)
		body := l.far.to(l.near, 0.12+0.62*t)
		air := 0.5 - 0.36*t
		c.massif(r, c.mountains(r, base, swing, r.between(1.5, 2.3)+t), rock{
			lit:       body.to(l.sun, 0.5-0.2*t).to(l.mist, air*0.6),
			shade:     body.times(0.62).to(l.mist, air*0.7),
			snow:      colour{1, 1, 1}.to(l.sun, 0.35).to(l.mist, air*0.5),
			mist:      l.mist,
			snowline:  max(0, 0.12-0.18*t),
			misty:     0.85,
			depth:     lerp(0.22, 0.16, t),
			fromRight: fromRight,
		})
	}
}

func peaks(c *canvas, r *random) {
	l := dawn(r)
	horizon := 0.78 * c.foot
	c.sky(l.sky, 0.62*c.foot)
	right := r.float() < 0.5
	x := c.right * r.between(0.12, 0.32)
	if right {
		x = c.right - x
	}
	c.sun(x, 0.33*c.foot, 0.0, l.sun, 0.75)
	c.clouds(r, 0.55*c.foot, 2.6, r.between(0.3, 0.6), l.cloud, l.cloudLow)
	ranges(c, r, l, 0.46*c.foot, horizon, 4, right)
	for i := range 3 {
		t := float32(i) / 2
		k := c.hills(r, lerp(horizon+0.0, 0.93*c.foot, t), 0.05, 2.5).pines(c, r, lerp(0.022, 0.075, t), 1.5)
		c.land(k, 0.2, l.near.to(l.mist, 0.42-0.38*t).times(0.9-0.25*t), l.mist.to(l.near, 0.25+0.6*t))
	}
}

func lake(c *canvas, r *random) {
	l := dawn(r)
	shore := 0.6 * c.foot
	right := r.float() < 0.5
	x := c.right * r.between(0.2, 0.4)
	if right {
		x = c.right - x
	}
	c.sky(l.sky, shore)
	c.sun(x, 0.4*c.foot, 0.014, l.sun, 0.8)
	c.clouds(r, 0.5*c.foot, 3.2, r.between(0.3, 0.55), l.cloud, l.cloudLow)
	ranges(c, r, l, 0.43*c.foot, shore, 3, right)
	bank := c.hills(r, shore-0.012, 0.016, 3).pines(c, r, 0.034, 2.2)
	c.land(bank, 0.06, l.near.to(l.mist, 0.14), l.near.to(l.mist, 0.5))
	c.water(r, shore, 0.9, l.near.to(l.sky.at(0.3), 0.35))
	reeds(c, r, l.near.times(0.55))
}

// reeds stand at the lower edge, near and dark.
func reeds(c *canvas, r *random, dark colour) {
	k := c.hills(r, c.foot-0.004, 0.02, 2)
	for range int(c.right * 320) {
		x := r.float() * c.right
		if r.float() < 0.5 {
			x *= r.float() // more of them at the left
		}
		h, lean := r.between(0.02, 0.1), r.between(-0.3, 0.3)
		foot := c.foot + 0.01
		for s := float32(0); s < 1; s += 0.5 / (h * c.unit) {
			c.disc(x+lean*h*s*s, foot-h*s, 0.0011*(1.2-s)+0.4/c.unit, func(_, _ float32, was colour) colour { return was.to(dark, 0.75) })
		}
	}
	c.land(k, 0.1, dark, dark)
}

func sea(c *canvas, r *random) {
	l := dawn(r)
	horizon := r.between(0.5, 0.6) * c.foot
	x := c.right * r.between(0.3, 0.7)
	height := r.between(0.02, 0.14)
	c.sky(l.sky, horizon)
	c.sun(x, horizon-height, 0.03, l.sun, 1)
	c.clouds(r, horizon, 4, r.between(0.45, 0.75), l.cloud, l.cloudLow)
	if r.float() < 0.7 { // a headland
		left, reach := r.float() < 0.5, r.between(0.25, 0.5)*c.right
		salt := r.salt()
		k := c.crest(func(px float32) float32 {
			d := px
			if !left {
				d = c.right - px
			}
			return horizon - 0.11*step(reach, 0, d)*(0.55+0.7*fbm(px*7, 0, 4, salt)) + 0.002*step(reach-0.05, reach, d)
		})
		c.land(k, 0.1, l.near.to(l.mist, 0.25), l.near.to(l.mist, 0.45))
	}
	c.water(r, horizon, 0.25, l.near.to(l.sky.at(0.25), 0.5))
	c.glitter(r, x, horizon, 0.045, l.sun, 0.9)
	if r.float() < 0.6 {
		boat(c, c.right*r.between(0.2, 0.8), horizon+r.between(0.015, 0.06), r.between(0.03, 0.055), l.near.times(0.4))
	}
}

// boat sails at a distance, its hull at (x, y).
func boat(c *canvas, x, y, size float32, dark colour) {
	c.disc(x, y-size*0.6, size*1.6, func(dx, dy float32, was colour) colour {
		dx, dy = dx/size, dy/size+0.6-0.6 // dy from −1.6 at the mast's top to 0.1 below the hull
		soft := 1.2 / (size * c.unit)
		dy -= 0.6
		hull := min(step(-soft, soft, 0.42-abs(dx)-dy*0.9+0.1), min(step(-soft, soft, dy), step(-soft, soft, 0.14-dy)))
		up := -dy
		main := min(step(-soft, soft, (1.15-up)*0.36-abs(dx-0.2)+0.02), min(step(-soft, soft, dx+0.02), step(-soft, soft, up-0.06)))
		jib := min(step(-soft, soft, (1-up)*0.36+dx), min(step(-soft, soft, -dx-0.05), step(-soft, soft, up-0.08)))
		return was.to(dark, max(hull, max(main*0.85, jib*0.7)))
	})
}

func northernLights(c *canvas, r *random) {
	horizon := 0.68 * c.foot
	skies := []ramp{
		ramped(0x050a1c, 0x0d1b3d, 0x1f3a5f),
		ramped(0x070518, 0x1b1340, 0x3f2a5e, 0x8a5a78),
		ramped(0x03101c, 0x0a2540, 0x1c4d5f),
	}
	sky := skies[r.n(len(skies))]
	c.sky(sky, horizon)
	c.stars(r, horizon, 2600, r.between(0.6, 1))
	glow := hex(0x7fe0c0)
	if r.float() < 0.65 {
		c.aurora(r, horizon, hex(0x3dffa8), hex(0x8a5cff))
	} else {
		glow = hex(0xffb37a)
		c.sun(c.right*r.between(0.2, 0.8), horizon+0.04, 0, glow, 0.5)
	}
	night := hex(0x0a1224)
	for i := range 3 {
		t := float32(i) / 2
		k := c.mountains(r, lerp(horizon-0.06, horizon-0.01, t), lerp(0.1, 0.05, t), 2+t)
		body := sky.at(0.9).to(night, 0.25+0.5*t)
		c.massif(r, k, rock{
			lit: body.plus(glow, 0.12*(1-t)), shade: body.times(0.75), snow: sky.at(1).to(body, 0.45).plus(colour{0.7, 0.8, 1}, 0.1),
			mist: sky.at(1), snowline: 0.14 - 0.09*t, misty: 0.35, depth: 0.2, fromRight: r.float() < 0.5,
		})
	}
	c.water(r, horizon, 0.86, night.times(0.8))
	k := c.hills(r, 0.95*c.foot, 0.05, 1.6).pines(c, r, 0.13, 0.9)
	c.land(k, 0.1, hex(0x04070f), hex(0x05080f))
}

func dunes(c *canvas, r *random) {
	l := dawn(r)
	sands := [][2]uint32{{0xf0b27a, 0x8a4a2f}, {0xe8c59a, 0x9b6b48}, {0xf2a65a, 0x7a3b2e}, {0xdcb9a0, 0x7d5a5c}}
	pair := sands[r.n(len(sands))]
	lit, shade := hex(pair[0]), hex(pair[1])
	horizon := 0.42 * c.foot
	c.sky(l.sky, horizon*1.1)
	x := c.right * r.between(0.15, 0.4)
	c.sun(x, horizon-r.between(0.05, 0.16), 0.022, l.sun, 0.85)
	const count = 6
	for i := range count {
		t := float32(i) / (count - 1)
		dune(c, r, lerp(horizon, 0.86*c.foot, t*t*0.55+t*0.45), lerp(0.02, 0.15, t), lerp(3.2, 0.9, t),
			lit.to(l.mist, 0.6-0.6*t), shade.to(l.mist, 0.55-0.55*t), t)
	}
}

// dune paints one dune: a crest, a lee side that falls from it into shade, and ripples on the side towards the light.
func dune(c *canvas, r *random, base, swing, fineness float32, lit, shade colour, near float32) {
	k := c.hills(r, base, swing, fineness)
	spine := c.hills(r, base+swing*0.9, swing*1.5, fineness*1.2) // where the lee side ends
	salt := r.salt()
	low := highest(k)
	c.paint(low, c.foot, func(x, y float32, was colour) colour {
		i := min(int(x*c.unit), c.w-1)
		a := c.cover(y, k[i])
		if a == 0 {
			return was
		}
		down := y - k[i]
		j := min(i+max(2, c.w/160), c.w-1)
		slope := clamp(0.5 + (k[i]-k[j])*c.unit/float32(max(j-i, 1))*1.1)
		lee := step(0.004, -0.004, y-spine[i]) * step(0.35, 0.6, slope)
		bend := noise(x*6, y*9, salt) * 5
		ripple := sin((down*(170-80*near)+x*34+bend)*1.6)*0.028*near*(1-lee) + (noise(x*420, y*420, salt^1)-0.5)*0.05
		p := lit.to(shade, clamp(0.22+0.5*(1-slope)*step(0.28, 0, down)+lee*0.62+0.25*step(0.05, 0.4, down)))
		return was.to(p.times(1+ripple), a)
	})
}

func forest(c *canvas, r *random) {
	fogs := []struct{ sky, far, near uint32 }{
		{0xe9eef0, 0xb4c4c8, 0x12211f}, {0xf4e3cf, 0xc9b39f, 0x1f1a17}, {0xd7e3dc, 0x93b0a2, 0x0c1f18}, {0xe6e0ee, 0xaaa3c0, 0x161428},
	}
	f := fogs[r.n(len(fogs))]
	sky, far, near := hex(f.sky), hex(f.far), hex(f.near)
	c.sky(ramp{sky.to(far, 0.55), sky, sky}, 0.6*c.foot)
	c.sun(c.right*r.between(0.25, 0.75), 0.24*c.foot, 0.0, hex(0xfff6e0), 0.55)
	const count = 7
	for i := range count {
		t := float32(i) / (count - 1)
		base := lerp(0.4, 0.97, t) * c.foot
		k := c.hills(r, base, lerp(0.12, 0.06, t), lerp(1.6, 1.1, t)).pines(c, r, lerp(0.045, 0.33, t*t), lerp(2.4, 1.1, t))
		body := far.to(near, lerp(0.1, 1, t*sqrt(t)))
		c.land(k, lerp(0.16, 0.3, t), body, body.to(sky, lerp(0.75, 0.1, t)))
	}
}

func meadow(c *canvas, r *random) {
	l := day(r)
	horizon := 0.56 * c.foot
	c.sky(l.sky, horizon)
	c.sun(c.right*r.between(0.1, 0.9), 0.08*c.foot, 0, l.sun, 0.5)
	c.clouds(r, horizon, 1.9, r.between(0.42, 0.62), l.cloud, l.cloudLow)
	const count = 6
	for i := range count {
		t := float32(i) / (count - 1)
		k := c.hills(r, lerp(horizon-0.035, 0.85*c.foot, t*t*0.5+t*0.5), lerp(0.05, 0.07, t), lerp(2.6, 1.1, t))
		if i > 0 && i < 5 {
			k = k.roughen(c, r, 0.012+0.02*t, 26-10*t)
		}
		green := l.far.to(l.near, 0.15+0.85*t)
		if r.float() < 0.4 {
			green = green.to(hex(0xc9b458), 0.25+0.3*r.float()) // a field that is ripe
		}
		grass(c, r, k, green.times(1.08).to(l.sun, 0.12), green.times(0.55).to(l.mist, 0.25*(1-t)), t)
	}
	flowers(c, r)
}

// grass paints a hill whose folds are lit, finer the nearer it is.
func grass(c *canvas, r *random, k crest, lit, shade colour, near float32) {
	salt := r.salt()
	low := highest(k)
	folds := c.soften(coarse, low, c.foot, func(x, y float32) float32 { return fbm(x*7, y*22, 3, salt) })
	c.paint(low, c.foot, func(x, y float32, was colour) colour {
		edge := k[min(int(x*c.unit), c.w-1)]
		a := c.cover(y, edge)
		if a == 0 {
			return was
		}
		blade := noise(x*(520-260*near), y*(300-170*near), salt^3) - 0.5
		t := clamp(0.15 + step(0.3, 0.75, folds.at(x, y)) - 0.5*step(0.03, 0, y-edge) + blade*(0.25+0.5*near) + 0.3*step(0.1, 0.5, y-edge))
		return was.to(lit.to(shade, t), a)
	})
}

// flowers dot the foreground, smaller and closer together towards the back.
func flowers(c *canvas, r *random) {
	kinds := []uint32{0xf25f5c, 0xffffff, 0xffd166, 0xb388eb, 0xff8fab}
	main := r.n(len(kinds))
	salt := r.salt()
	for range 1500 {
		d := sqrt(r.float()) // 0 back, 1 front
		x, y := r.float()*c.right, c.foot*lerp(0.84, 1.01, d)
		if noise(x*8, y*14, salt) < 0.42 {
			continue
		}
		tint := hex(kinds[main])
		if r.float() < 0.25 {
			tint = hex(kinds[r.n(len(kinds))])
		}
		size := lerp(0.0012, 0.0062, d*d) * r.between(0.7, 1.2)
		tint = tint.times(r.between(0.8, 1.05))
		c.disc(x, y, size, func(dx, dy float32, was colour) colour {
			q := sqrt(dx*dx+dy*dy*2) / size
			return was.to(tint.times(1.05-0.3*q), step(1, 0.65, q))
		})
	}
}
