// Package cookie makes and checks DNS cookies (RFC 7873) of the form that RFC 9018 gives them: a client that shows the server
// cookie that was made for its address has got mail there, so nobody has forged the address.
//
// The secret is another one each day. It is derived from one that does not change, so nothing must be kept, and all servers
// that are given the same one know each other's cookies.
package cookie

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"
)

// Lengths in bytes.
const (
	ClientLen = 8
	Len       = ClientLen + 16 // of both cookies, as they stand in the option
)

const (
	version = 1
	period  = 24 * 60 * 60 // seconds that one secret is used for

	ageMax   = 60 * 60 // seconds that a cookie is good for (RFC 9018 section 4.3)
	ageFresh = 30 * 60 // seconds that it is sent back as it is
	aheadMax = 5 * 60  // seconds that another server's clock may be ahead
)

// Jar makes and checks cookies. It may be used by many goroutines.
type Jar struct {
	secret []byte
	days   atomic.Pointer[days]
}

// days are the keys of three days in a row: a cookie of yesterday or from a clock that is ahead is good too.
type days struct {
	first uint32 // day of the first one
	keys  [3]key
}

// New makes a jar with a secret of at least 16 bytes.
func New(secret []byte) (*Jar, error) {
	if len(secret) < 16 {
		return nil, errors.New("cookie.New: the secret must have 16 bytes or more")
	}
	return &Jar{secret: append([]byte(nil), secret...)}, nil
}

// Good reports whether the cookies of an option are ones that this jar made for the client, at most an hour ago.
func (j *Jar) Good(option []byte, client netip.Addr, now time.Time) bool {
	if len(option) != Len || option[ClientLen] != version {
		return false
	}
	made := binary.BigEndian.Uint32(option[ClientLen+4:])
	if age := int32(uint32(now.Unix()) - made); age > ageMax || age < -aheadMax {
		return false
	}
	want := j.hash(option[:ClientLen+8], client, made, now)
	return subtle.ConstantTimeCompare(want[:], option[ClientLen+8:]) == 1
}

// Append appends what goes into the option of the answer: the client's cookie and ours. One that is [Jar.Good] and younger
// than half an hour is sent back as it is.
func (j *Jar) Append(b, option []byte, client netip.Addr, now time.Time, good bool) []byte {
	if good && int32(uint32(now.Unix())-binary.BigEndian.Uint32(option[ClientLen+4:])) < ageFresh {
		return append(b, option...)
	}
	at := len(b)
	b = append(b, option[:ClientLen]...)
	b = append(b, version, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(now.Unix()))
	sum := j.hash(b[at:], client, uint32(now.Unix()), now)
	return append(b, sum[:]...)
}

// hash hashes the client's cookie, our version, three reserved bytes and the time, and the address (RFC 9018 section 4.4).
func (j *Jar) hash(head []byte, client netip.Addr, made uint32, now time.Time) [8]byte {
	var text [ClientLen + 8 + 16]byte
	n := copy(text[:], head)
	if client = client.Unmap(); client.Is4() {
		a := client.As4()
		n += copy(text[n:], a[:])
	} else {
		a := client.As16()
		n += copy(text[n:], a[:])
	}
	var sum [8]byte
	binary.LittleEndian.PutUint64(sum[:], j.key(made, now).hash(text[:n]))
	return sum
}

// key returns the key of the day on which a cookie was made.
func (j *Jar) key(made uint32, now time.Time) *key {
	today := uint32(now.Unix()) / period
	d := j.days.Load()
	if d == nil || d.first+1 != today {
		d = &days{first: today - 1}
		for i := range d.keys {
			d.keys[i] = j.derive(d.first + uint32(i))
		}
		j.days.Store(d)
	}
	return &d.keys[min(made/period-d.first, 2)]
}

func (j *Jar) derive(day uint32) key {
	mac := hmac.New(sha256.New, j.secret)
	mac.Write([]byte("roundtrip dns cookie"))
	mac.Write(binary.BigEndian.AppendUint32(nil, day))
	sum := mac.Sum(nil)
	return key{binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])}
}
