package pool

import (
	"net/http"
	"net/netip"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
)

// Rendezvous hashing: each upstream gets a number from its name and the request's key, and the highest wins. When one goes,
// only its own keys move, and they spread over all others. The numbers are the same in every process.

// hashStart and hashPrime are those of 64-bit FNV-1a.
const (
	hashStart = 14695981039346656037
	hashPrime = 1099511628211
)

func hashText(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * hashPrime
	}
	return h
}

// scatter spreads each bit over all others (the end of splitmix64).
func scatter(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// chance is a small generator (splitmix64): which of two upstreams is asked is no secret.
type chance uint64

// of returns a number below n.
func (c *chance) of(n uint64) uint64 {
	*c += 0x9e3779b97f4a7c15
	return scatter(uint64(*c)) % n
}

func (c *chance) below(n int) int { return int(c.of(uint64(n))) }

func (p *Pool) hashes() bool {
	switch p.declared.Balance {
	case config.HashClient, config.HashHeader, config.HashCookie:
		return true
	case config.TwoChoices, config.LeastRequests, config.RoundRobin:
	}
	return false
}

// affinity is the hash of what keeps requests together.
func (p *Pool) affinity(r *http.Request) uint64 {
	switch p.declared.Balance {
	case config.HashHeader:
		if v := r.Header[p.declared.Key]; len(v) > 0 && v[0] != "" {
			return hashText(hashStart, v[0])
		}
	case config.HashCookie:
		if v, ok := cookie(r, p.declared.Key, nil); ok && v != "" {
			return hashText(hashStart, v)
		}
	case config.HashClient, config.TwoChoices, config.LeastRequests, config.RoundRobin:
	}
	return hashAddr(peer.From(r.Context()).Addr)
}

// hashAddr takes the /64 of IPv6: that is what one household or machine has.
func hashAddr(a netip.Addr) uint64 {
	bytes := a.Unmap().As16()
	n := len(bytes)
	if a.Is6() && !a.Is4In6() {
		n = 8
	}
	h := uint64(hashStart)
	for _, b := range bytes[:n] {
		h = (h ^ uint64(b)) * hashPrime
	}
	return h
}

// highest finds the fitting member with the highest number for a key.
func (p *Pool) highest(key uint64) int {
	best, most := p.fitting[0], uint64(0)
	for _, i := range p.fitting {
		if n := scatter(key ^ p.members[i].hash); n >= most {
			best, most = i, n
		}
	}
	return best
}
