package tsig

import "time"

// Signer signs the messages of one side of an exchange, one after the other: each signature covers the one before it.
type Signer struct {
	key   Key
	prior []byte // the MAC before this one: of the request, then of the last message
	fault Fault
	at    uint64 // of the request, for BadTime
	more  bool   // a message was signed already: the next ones sign less (RFC 8945 section 5.3.1)
}

// Request begins an exchange with a request of ours.
func Request(k Key) *Signer { return &Signer{key: k} }

// Answer begins the answer to a request whose signature was found good.
func (s *Signature) Answer(k Key) *Signer { return &Signer{key: k, prior: s.MAC} }

// Refuse begins the answer to a request whose signature was found bad. It says so, and is itself signed where the key is known
// to be shared: after BadTime and BadTrunc (RFC 8945 section 5.3.2).
func (s *Signature) Refuse(k Key, f Fault) *Signer {
	if f == BadKey || f == BadSig {
		return &Signer{key: Key{Name: s.Name, Algorithm: s.Algorithm}, fault: f}
	}
	return &Signer{key: k, prior: s.MAC, fault: f, at: s.at}
}

// Overhead is by how many bytes a signature makes a message longer.
func (s *Signer) Overhead() int {
	n := len(appendName(nil, s.key.Name)) + 10 + len(appendName(nil, s.key.Algorithm)) + 16
	if s.fault == BadTime {
		n += 6
	}
	if s.signs() {
		n += s.key.hash()().Size()
	}
	return n
}

// signs reports whether there is anything to sign with.
func (s *Signer) signs() bool { return s.fault != BadKey && s.fault != BadSig }

// Sign appends the signature to a message, which may get another place in memory by that.
func (s *Signer) Sign(message []byte, now time.Time) []byte {
	v := variables{s.key.Name, s.key.Algorithm, seconds(now), Fudge, s.fault, nil}
	if s.fault == BadTime { // under the time of the request, so that who asked can check it; and what the time is here
		v.at, v.other = s.at, append48(nil, seconds(now))
	}
	var mac []byte
	if s.signs() {
		mac = s.key.mac(s.prior, message, v, s.more)
		s.prior, s.more = mac, true
	}
	return appendRecord(message, v, mac)
}

// MAC returns the last MAC that was made: what the answer to a request of ours covers.
func (s *Signer) MAC() []byte { return s.prior }
