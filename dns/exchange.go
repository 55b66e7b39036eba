// Package dns is the name server: the first station of the path, where a name becomes an address. It answers over UDP and TCP
// for its own zones and for nobody else's. answer.go is the page to read first: it is the way of one query.
package dns

import (
	"context"
	"net/netip"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// Exchange is one message that the fast path leaves to others: signed ones, transfers, NOTIFY, UPDATE. It is theirs: nothing
// in it is used for another message.
type Exchange struct {
	Packet []byte
	Query  *message.Query // its Question is empty where there was none; it is well formed
	Client netip.AddrPort
	Local  netip.Addr // that was asked; the zero Addr where it is not known
	TCP    bool

	// Reply sends a whole message. It may be called several times over TCP, where it waits until the client has taken it, as
	// long as a client may be idle. Over UDP an answer with an error may be dropped, as rate limiting says.
	Reply func(packet []byte) error
	// Answer returns what the fast path would answer, unsigned, in at most limit bytes; it says so where that is not enough
	// (TC). It allocates, and sends nothing.
	Answer func(q *message.Query, limit int) []byte
}

// Slow is what answers the messages that the fast path leaves. It reports whether it has seen to the message; else it is
// refused. ctx ends when the server stops. Over UDP few run at once, over TCP one for each connection.
type Slow func(ctx context.Context, x *Exchange) (handled bool)

// Forward asks other servers about a name that is in none of our zones, and returns their whole answer to the packet, in
// the size that its sender takes: in development only, and for this machine only. An error is told as SERVFAIL.
type Forward func(ctx context.Context, packet []byte, tcp bool) ([]byte, error)

// Admit is the firewall's word: for each datagram and each TCP connection. What is not admitted gets no answer.
type Admit func(udp bool, client netip.AddrPort) bool
