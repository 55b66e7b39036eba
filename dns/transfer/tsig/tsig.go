// Package tsig signs messages of the DNS with a shared secret, and checks signatures (RFC 8945). It works on the bytes of
// messages as they are sent, so that nothing has to be taken apart and put together again.
package tsig

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"time"

	"github.com/miekg/dns"
)

// Fudge is by how many seconds the clocks of both sides may differ, in what we sign (RFC 8945 section 10).
const Fudge = 300

// headerLen is the length of a message's header.
const headerLen = 12

// Key is a secret that two name servers share.
type Key struct {
	Name      string // with or without a dot at its end, in any letters
	Algorithm string // hmac-sha256, hmac-sha384 or hmac-sha512, with or without a dot at its end
	Secret    []byte
}

// Fault is the error field of a signature (RFC 8945 section 3), as the answer gives it to whoever asked.
type Fault uint16

// What can be wrong with a signature.
const (
	None     Fault = 0
	BadSig   Fault = dns.RcodeBadSig   // another secret, or the message was changed on its way
	BadKey   Fault = dns.RcodeBadKey   // no key of that name and algorithm here
	BadTime  Fault = dns.RcodeBadTime  // signed too long ago, or in the future: the clocks differ
	BadTrunc Fault = dns.RcodeBadTrunc // right as far as it goes, but cut shorter than we take
)

// String returns the fault's name in RFC 8945.
func (f Fault) String() string {
	switch f {
	case None:
		return "none"
	case BadSig:
		return "BADSIG"
	case BadKey:
		return "BADKEY"
	case BadTime:
		return "BADTIME"
	case BadTrunc:
		return "BADTRUNC"
	}
	return "unknown"
}

// hash returns the algorithm, nil for one that is not taken here.
func (k Key) hash() func() hash.Hash {
	switch dns.CanonicalName(k.Algorithm) {
	case dns.HmacSHA256:
		return sha256.New
	case dns.HmacSHA384:
		return sha512.New384
	case dns.HmacSHA512:
		return sha512.New
	}
	return nil
}

// Is reports whether the key has that name and that algorithm, as a message gives them.
func (k Key) Is(name, algorithm string) bool {
	return dns.CanonicalName(k.Name) == dns.CanonicalName(name) && dns.CanonicalName(k.Algorithm) == dns.CanonicalName(algorithm) && k.hash() != nil
}

// mac computes what signs a message: the MAC before it, the message, and the variables of the signature.
func (k Key) mac(prior, message []byte, v variables, timersOnly bool) []byte {
	h := hmac.New(k.hash(), k.Secret)
	if len(prior) > 0 {
		_, _ = h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(prior))))
		_, _ = h.Write(prior)
	}
	_, _ = h.Write(message)
	var b []byte
	if timersOnly {
		b = v.appendTimers(nil)
	} else {
		b = appendName(nil, v.name)
		b = append(b, 0, dns.ClassANY, 0, 0, 0, 0) // class, TTL
		b = appendName(b, v.algorithm)
		b = v.appendTimers(b)
		b = binary.BigEndian.AppendUint16(b, uint16(v.fault))
		b = binary.BigEndian.AppendUint16(b, uint16(len(v.other)))
		b = append(b, v.other...)
	}
	_, _ = h.Write(b)
	return h.Sum(nil)
}

// variables are the fields of a signature that it signs itself.
type variables struct {
	name, algorithm string
	at              uint64 // seconds since 1970, 48 bits
	fudge           uint16
	fault           Fault
	other           []byte
}

func (v variables) appendTimers(b []byte) []byte {
	b = append48(b, v.at)
	return binary.BigEndian.AppendUint16(b, v.fudge)
}

func append48(b []byte, seconds uint64) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, uint16(seconds>>32)), uint32(seconds))
}

// appendName appends a name in small letters, uncompressed. The names of keys were checked when they were declared or read.
func appendName(b []byte, name string) []byte {
	var buf [255]byte
	n, err := dns.PackDomainName(dns.CanonicalName(name), buf[:], 0, nil, false)
	if err != nil {
		return append(b, 0)
	}
	return append(b, buf[:n]...)
}

// appendRecord appends the record of a signature to a message and counts it.
func appendRecord(message []byte, v variables, mac []byte) []byte {
	id := binary.BigEndian.Uint16(message)
	b := appendName(message, v.name)
	b = append(b, 0, byte(dns.TypeTSIG), 0, dns.ClassANY, 0, 0, 0, 0, 0, 0) // type, class, TTL, and room for the length
	data := len(b)
	b = appendName(b, v.algorithm)
	b = v.appendTimers(b)
	b = binary.BigEndian.AppendUint16(b, uint16(len(mac)))
	b = append(b, mac...)
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, uint16(v.fault))
	b = binary.BigEndian.AppendUint16(b, uint16(len(v.other)))
	b = append(b, v.other...)
	binary.BigEndian.PutUint16(b[data-2:], uint16(len(b)-data))
	binary.BigEndian.PutUint16(b[10:], binary.BigEndian.Uint16(b[10:])+1)
	return b
}

// seconds returns a time as signatures have it.
func seconds(t time.Time) uint64 { return uint64(max(0, t.Unix())) & (1<<48 - 1) }
