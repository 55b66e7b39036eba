package tsig

import (
	"crypto/hmac"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/miekg/dns"
)

// ErrFormat says that a message is broken, or that its signature does not stand where it must: once, as the last record.
var ErrFormat = errors.New("the message or the place of its signature is broken")

// Signature is the record that signs a message, and what it signs.
type Signature struct {
	Name      string // of the key, in small letters with a dot at its end
	Algorithm string // the same
	MAC       []byte

	variables
	message []byte // without the record, under the id that was signed
}

// Read finds the signature of a message; nil where it has none. The message is left as it is.
func Read(packet []byte) (*Signature, error) {
	start, count, err := last(packet)
	if err != nil || start == 0 {
		return nil, err
	}
	rr, end, err := dns.UnpackRR(packet, start)
	if err != nil || end != len(packet) {
		return nil, ErrFormat
	}
	t, ok := rr.(*dns.TSIG)
	if !ok || t.Hdr.Class != dns.ClassANY || t.Hdr.Ttl != 0 {
		return nil, ErrFormat
	}
	mac, err := hex.DecodeString(t.MAC)
	other, err2 := hex.DecodeString(t.OtherData)
	if err != nil || err2 != nil || len(mac) != int(t.MACSize) || len(other) != int(t.OtherLen) {
		return nil, ErrFormat
	}
	s := &Signature{Name: dns.CanonicalName(t.Hdr.Name), Algorithm: dns.CanonicalName(t.Algorithm), MAC: mac}
	s.variables = variables{s.Name, s.Algorithm, t.TimeSigned, t.Fudge, Fault(t.Error), other}
	s.message = append([]byte(nil), packet[:start]...)
	binary.BigEndian.PutUint16(s.message, t.OrigId)
	binary.BigEndian.PutUint16(s.message[10:], count-1)
	return s, nil
}

// Fault returns what the other side said was wrong with the message that this one answers.
func (s *Signature) Fault() Fault { return s.fault }

// Verify checks the signature of a request with the key that it names.
func (s *Signature) Verify(k Key, now time.Time) (Fault, error) { return s.VerifyAnswer(k, nil, now) }

// VerifyAnswer checks the signature of an answer to a request that was signed with the MAC prior. It goes in the order of RFC
// 8945 section 5.2: the key, the MAC, the time, and at last how much of the MAC there is. The error is [ErrFormat] where the
// MAC has an impossible length.
func (s *Signature) VerifyAnswer(k Key, prior []byte, now time.Time) (Fault, error) {
	if !k.Is(s.Name, s.Algorithm) {
		return BadKey, nil
	}
	want := k.mac(prior, s.message, s.variables, false)
	if n := len(s.MAC); n > len(want) || n < max(10, len(want)/2) {
		return None, ErrFormat
	}
	if !hmac.Equal(s.MAC, want[:len(s.MAC)]) {
		return BadSig, nil
	}
	at, here := s.at, seconds(now)
	if max(at, here)-min(at, here) > uint64(s.fudge) {
		return BadTime, nil
	}
	if len(s.MAC) < len(want) {
		return BadTrunc, nil
	}
	return None, nil
}

// last returns where the last record of a message begins if it is a signature, else 0, and how many additional records there
// are. A signature in any other place is an error.
func last(p []byte) (start int, additional uint16, err error) {
	if len(p) < headerLen {
		return 0, 0, ErrFormat
	}
	questions := int(binary.BigEndian.Uint16(p[4:]))
	records := int(binary.BigEndian.Uint16(p[6:])) + int(binary.BigEndian.Uint16(p[8:]))
	additional = binary.BigEndian.Uint16(p[10:])
	at := headerLen
	for range questions {
		if at = afterName(p, at) + 4; at > len(p) {
			return 0, 0, ErrFormat
		}
	}
	total := records + int(additional)
	for i := range total {
		fixed := afterName(p, at)
		if fixed+10 > len(p) {
			return 0, 0, ErrFormat
		}
		signs := binary.BigEndian.Uint16(p[fixed:]) == dns.TypeTSIG
		if signs && i != total-1 || signs && additional == 0 {
			return 0, 0, ErrFormat
		}
		if signs {
			start = at
		}
		if at = fixed + 10 + int(binary.BigEndian.Uint16(p[fixed+8:])); at > len(p) {
			return 0, 0, ErrFormat
		}
	}
	return start, additional, nil
}

// afterName returns where a name ends, or a place behind the message where it is broken. A pointer ends a name.
func afterName(p []byte, at int) int {
	for at < len(p) {
		switch n := int(p[at]); {
		case n == 0:
			return at + 1
		case n >= 0xc0:
			return at + 2
		case n > 63:
			return len(p) + 1
		default:
			at += 1 + n
		}
	}
	return len(p) + 1
}
