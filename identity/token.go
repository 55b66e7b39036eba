package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/bits"
	"strings"
)

// The text of a token: a prefix that secret scanners look for, 32 random bytes in base62, and the CRC-32 (IEEE) of those
// base62 characters, also in base62. Base62 is 0-9, A-Z, a-z, big-endian, padded with zeros to its fixed length.
const (
	tokenPrefix = "rt_s_"
	tokenDigits = 43 // 62^43 > 2^256
	crcDigits   = 6  // 62^6 > 2^32
	tokenLen    = len(tokenPrefix) + tokenDigits + crcDigits
)

// newToken makes a token and the hash under which it is kept.
func newToken(random io.Reader) (text string, hash [32]byte, err error) {
	var raw [32]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", hash, err
	}
	b := make([]byte, tokenLen)
	copy(b, tokenPrefix)
	digits := b[len(tokenPrefix) : len(tokenPrefix)+tokenDigits]
	encode62(digits, raw)
	put62(b[len(tokenPrefix)+tokenDigits:], uint64(checkSum(string(digits))))
	return string(b), sha256.Sum256(raw[:]), nil
}

// parseToken checks the form and the check sum of a token, so that nothing that is none costs a look-up, and returns the
// hash under which it is kept.
func parseToken(text string) (hash [32]byte, ok bool) {
	if len(text) != tokenLen || !strings.HasPrefix(text, tokenPrefix) {
		return hash, false
	}
	digits, sum := text[len(tokenPrefix):len(tokenPrefix)+tokenDigits], text[len(tokenPrefix)+tokenDigits:]
	if want, ok := get62(sum); !ok || want != uint64(checkSum(digits)) {
		return hash, false
	}
	raw, ok := decode62(digits)
	if !ok {
		return hash, false
	}
	return sha256.Sum256(raw[:]), true
}

// checkSum is the CRC-32 of a string. The standard library's takes bytes and would make every call allocate them.
func checkSum(s string) uint32 {
	sum := ^uint32(0)
	for i := range len(s) {
		sum = crc32.IEEETable[byte(sum)^s[i]] ^ sum>>8
	}
	return ^sum
}

const alphabet62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// encode62 writes raw, a big-endian number, in base62 over the whole of dst.
func encode62(dst []byte, raw [32]byte) {
	limbs := [4]uint64{
		binary.BigEndian.Uint64(raw[0:]), binary.BigEndian.Uint64(raw[8:]),
		binary.BigEndian.Uint64(raw[16:]), binary.BigEndian.Uint64(raw[24:]),
	}
	for i := len(dst) - 1; i >= 0; i-- {
		var rest uint64
		for n := range limbs {
			limbs[n], rest = bits.Div64(rest, limbs[n], 62)
		}
		dst[i] = alphabet62[rest]
	}
}

// decode62 reads what encode62 wrote. It reports false for other characters and for numbers over 2^256.
func decode62(s string) (raw [32]byte, ok bool) {
	var limbs [4]uint64 // big-endian
	for len(s) > 0 {
		n := min(10, len(s)) // 62^10 < 2^60: ten digits are read at once, which keeps the long multiplications few
		part, ok := get62(s[:n])
		if !ok {
			return raw, false
		}
		factor := uint64(1)
		for range n {
			factor *= 62
		}
		carry := part
		for i := 3; i >= 0; i-- {
			hi, lo := bits.Mul64(limbs[i], factor)
			sum, over := bits.Add64(lo, carry, 0)
			limbs[i], carry = sum, hi+over
		}
		if carry != 0 {
			return raw, false
		}
		s = s[n:]
	}
	for i, limb := range limbs {
		binary.BigEndian.PutUint64(raw[8*i:], limb)
	}
	return raw, true
}

// put62 writes a number over the whole of dst.
func put62(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = alphabet62[v%62]
		v /= 62
	}
}

// digits62 is the value of each digit plus one, 0 for what is none. A switch would guess wrong at every other digit of
// what is random; this is on the path of every request.
var digits62 = [256]uint8{
	'0': 1, '1': 2, '2': 3, '3': 4, '4': 5, '5': 6, '6': 7, '7': 8, '8': 9, '9': 10, 'A': 11, 'B': 12,
	'C': 13, 'D': 14, 'E': 15, 'F': 16, 'G': 17, 'H': 18, 'I': 19, 'J': 20, 'K': 21, 'L': 22, 'M': 23, 'N': 24,
	'O': 25, 'P': 26, 'Q': 27, 'R': 28, 'S': 29, 'T': 30, 'U': 31, 'V': 32, 'W': 33, 'X': 34, 'Y': 35, 'Z': 36,
	'a': 37, 'b': 38, 'c': 39, 'd': 40, 'e': 41, 'f': 42, 'g': 43, 'h': 44, 'i': 45, 'j': 46, 'k': 47, 'l': 48,
	'm': 49, 'n': 50, 'o': 51, 'p': 52, 'q': 53, 'r': 54, 's': 55, 't': 56, 'u': 57, 'v': 58, 'w': 59, 'x': 60,
	'y': 61, 'z': 62,
}

// get62 reads up to ten digits.
func get62(s string) (v uint64, ok bool) {
	ok = true
	for i := range len(s) {
		d := digits62[s[i]]
		ok = ok && d != 0
		v = v*62 + uint64(d) - 1
	}
	return v, ok
}
