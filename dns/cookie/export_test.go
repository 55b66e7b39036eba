package cookie

import (
	"encoding/binary"
	"time"
)

// Fix makes all days around now have one secret, as the examples of RFC 9018 are made.
func (j *Jar) Fix(secret []byte, now time.Time) {
	k := key{binary.LittleEndian.Uint64(secret), binary.LittleEndian.Uint64(secret[8:])}
	j.days.Store(&days{first: uint32(now.Unix())/period - 1, keys: [3]key{k, k, k}})
}

// Hash is SipHash-2-4 with the key 00 01 … 0f.
func Hash(b []byte) uint64 {
	return (&key{0x0706050403020100, 0x0f0e0d0c0b0a0908}).hash(b)
}
