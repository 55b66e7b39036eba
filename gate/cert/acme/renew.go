package acme

import (
	"crypto/x509"
	"encoding/binary"
	"io"
	"slices"
	"time"
)

const (
	askEvery = 6 * time.Hour  // the renewal window, where the issuer names no time
	askLater = 24 * time.Hour // where the issuer has no such thing, or can't be reached
	limited  = time.Hour      // the least wait where an issuer says that we ask too often and not for how long
)

// backOff are the waits after failed tries; the last one is repeated until it works. The first five tries fall into one
// hour: Let's Encrypt allows five failed validations of a name in that.
func backOff() []time.Duration {
	return []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour,
	}
}

// pause is how long to wait after so many failed tries, a tenth more or less, so that servers that failed together do not
// come back together.
func (m *Manager) pause(tries int) time.Duration {
	waits := backOff()
	d := waits[min(max(tries, 1), len(waits))-1]
	return d + time.Duration((m.chance()-0.5)*0.2*float64(d))
}

// chance draws a number from 0 to below 1.
func (m *Manager) chance() float64 {
	var b [8]byte
	if _, err := io.ReadFull(m.rand, b[:]); err != nil {
		return 0.5 // as good as any
	}
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

// renewAt is when a certificate is renewed by its own age: when two thirds of its life are over, or up to a thirtieth of it
// earlier, by chance.
func (m *Manager) renewAt(leaf *x509.Certificate) time.Time {
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	return leaf.NotBefore.Add(life*2/3 - time.Duration(m.chance()*float64(life)/30))
}

// renewal is when a name's certificate is to be renewed: when the issuer would like it, or else by its age. What an issuer
// says can neither put it off until the certificate is about to end, nor make us order again and again.
func renewal(r record, leaf *x509.Certificate) time.Time {
	if r.Window.Chosen.IsZero() {
		return r.Renew
	}
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	at := r.Window.Chosen
	if first := leaf.NotBefore.Add(life / 100); at.Before(first) {
		at = first
	}
	if last := leaf.NotAfter.Add(-life / 20); at.After(last) {
		at = last
	}
	return at
}

// wants reports whether a name needs a certificate now, or only when.
func (s *subject) wants(now time.Time, issuers []*issuer) (due bool, at time.Time) {
	c := s.cert.Load()
	if c == nil {
		return true, now
	}
	r := s.current()
	if !slices.ContainsFunc(issuers, func(i *issuer) bool { return i.directory == r.Directory }) {
		return true, now // of an issuer that is not declared any more: staging, say
	}
	at = renewal(r, c.Leaf)
	return !now.Before(at), at
}

// next is when a name is to be looked after again: now or before, if something is due.
func (s *subject) next(now time.Time, issuers []*issuer) time.Time {
	r := s.current()
	due, at := s.wants(now, issuers)
	if due {
		at = s.notBefore()
	}
	if s.cert.Load() != nil && r.Window.Ask.Before(at) {
		return r.Window.Ask
	}
	return at
}
