// Package probe makes names that stand for one measurement: <probe>.diag.<zone>. Who asks for such a name shows which
// resolver it uses, and how the query came here. A name is signed and short-lived, so that nobody else can make journeys
// under names of their choice.
package probe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Label is the label below the zone that probes stand under.
const Label = "diag"

// Len is the length of the first label of a probe's name: 16 bytes of id, 4 of time and 12 of signature in base32, below the
// 63 that a label may have.
const Len = 52

const (
	macLen  = 12
	bodyLen = len(trace.ID{}) + 4
	digits  = "0123456789abcdefghijklmnopqrstuv" // base32hex in small letters (RFC 4648 section 7)
)

// What Verify says against a label.
var (
	ErrForged  = errors.New("the signature is not ours")
	ErrExpired = errors.New("the probe has expired")
)

// Signer signs probes and knows its own.
type Signer struct {
	key  []byte
	text *base32.Encoding
}

// New makes a signer with a key of 16 bytes or more.
func New(key []byte) (*Signer, error) {
	if len(key) < 16 {
		return nil, errors.New("probe.New: the key must have 16 bytes or more")
	}
	return &Signer{key: append([]byte(nil), key...), text: base32.NewEncoding(digits).WithPadding(base32.NoPadding)}, nil
}

// Sign returns the first label of a probe's name. Its journey has the id, until it expires (to the second).
func (s *Signer) Sign(id trace.ID, expires time.Time) string {
	b := make([]byte, 0, bodyLen+macLen)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(expires.Unix()))
	return s.text.EncodeToString(append(b, s.mac(b)...))
}

// Name returns the whole name of a probe in a zone, without a dot at its end.
func (s *Signer) Name(id trace.ID, expires time.Time, zone string) string {
	return s.Sign(id, expires) + "." + Label + "." + zone
}

// Verify returns the id that a label in small letters stands for, or ErrForged or ErrExpired.
func (s *Signer) Verify(label []byte, now time.Time) (trace.ID, error) {
	var id trace.ID
	var b [bodyLen + macLen]byte
	if len(label) != Len {
		return id, ErrForged
	}
	// The last digit has bits that say nothing; only one of its forms is taken, so that a name has one spelling.
	if n, err := s.text.Decode(b[:], label); err != nil || n != len(b) || s.text.EncodeToString(b[:]) != string(label) {
		return id, ErrForged
	}
	if !hmac.Equal(b[bodyLen:], s.mac(b[:bodyLen])) {
		return id, ErrForged
	}
	copy(id[:], b[:])
	if now.Unix() >= int64(binary.BigEndian.Uint32(b[len(id):])) {
		return id, ErrExpired
	}
	return id, nil
}

func (s *Signer) mac(body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("roundtrip dns probe"))
	mac.Write(body)
	return mac.Sum(nil)[:macLen]
}
