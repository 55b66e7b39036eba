package picture

import "math"

// random is a small generator of numbers (SplitMix64, Steele, Lea and Flood 2014).
type random struct{ state uint64 }

func newRandom(seed uint64) *random { return &random{seed*0x9e3779b97f4a7c15 + 0x1234567} }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return mix64(r.state)
}

func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float returns a number in [0, 1).
func (r *random) float() float32 { return float32(r.next()>>40) / (1 << 24) }

// between returns a number in [low, high).
func (r *random) between(low, high float32) float32 { return low + (high-low)*r.float() }

// n returns a whole number in [0, n).
func (r *random) n(n int) int { return int(r.next() % uint64(n)) }

// salt returns what makes one noise differ from the next.
func (r *random) salt() uint32 { return uint32(r.next()) }

// lattice returns the noise's value in [0, 1) at a whole place.
func lattice(x, y int32, salt uint32) float32 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ salt
	h = (h ^ h>>15) * 0x2c1b3c6d
	h = (h ^ h>>12) * 0x297a2d39
	return float32((h^h>>15)>>8) / (1 << 24)
}

// noise is smooth value noise in [0, 1).
func noise(x, y float32, salt uint32) float32 {
	fx, fy := floor(x), floor(y)
	ix, iy := int32(fx), int32(fy)
	u, v := ease(x-fx), ease(y-fy)
	a := lerp(lattice(ix, iy, salt), lattice(ix+1, iy, salt), u)
	b := lerp(lattice(ix, iy+1, salt), lattice(ix+1, iy+1, salt), u)
	return lerp(a, b, v)
}

// fbm adds octaves of noise, each twice as fine and half as strong; it stays in [0, 1).
func fbm(x, y float32, octaves int, salt uint32) float32 {
	sum, weight, total := float32(0), float32(1), float32(0)
	for i := range octaves {
		sum += weight * noise(x, y, salt+uint32(i)*0x9e3779b9)
		total += weight
		weight /= 2
		x, y = x*2+17.3, y*2+5.7
	}
	return sum / total
}

// ridged is fbm folded at its middle, so that it has crests; it stays in [0, 1].
func ridged(x, y float32, octaves int, salt uint32) float32 {
	sum, weight, total := float32(0), float32(1), float32(0)
	for i := range octaves {
		n := 1 - abs(2*noise(x, y, salt+uint32(i)*0x9e3779b9)-1)
		sum += weight * n * n
		total += weight
		weight *= 0.48
		x, y = x*2.1+11.9, y*2.1+3.1
	}
	return sum / total
}

// floor is good for numbers that fit an int32.
func floor(x float32) float32 {
	t := float32(int32(x))
	if t > x {
		return t - 1
	}
	return t
}

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}

func sin(x float32) float32        { return float32(math.Sin(float64(x))) }
func exp(x float32) float32        { return float32(math.Exp(float64(x))) }
func sqrt(x float32) float32       { return float32(math.Sqrt(float64(x))) }
func ease(t float32) float32       { return t * t * (3 - 2*t) }
func lerp(a, b, t float32) float32 { return a + (b-a)*t }

// step goes smoothly from 0 at a to 1 at b; a may be above b.
func step(a, b, x float32) float32 { return ease(clamp((x - a) / (b - a))) }

// bell is 1 at 0 and fades to both sides, about e⁻¹ at width.
func bell(x, width float32) float32 { return exp(-x * x / (width * width)) }

// clamp brings x into [0, 1]. It is written out because the built-in min and max take care of NaN, and this runs a few
// times for each pixel.
func clamp(x float32) float32 {
	if x < 0 {
		return 0
	}
	if x > 1 {
		return 1
	}
	return x
}
