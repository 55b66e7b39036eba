// Package flows lists and ends the live flows of this machine: the kernel's table of connections (conntrack) and the TCP
// sockets at our end of them. It knows nothing of security groups.
package flows

import (
	"errors"
	"net/netip"
	"time"
)

// Flow is one entry of the table.
type Flow struct {
	Protocol           uint8          // IANA number
	From, To           netip.AddrPort // of its first packet; ports are 0 where the protocol has none
	ReplyFrom, ReplyTo netip.AddrPort // of the answers to it: other than To and From where addresses are translated
	Type, Code         uint8          // icmp and icmpv6 only
	Mark               uint32
	Answered           bool          // packets came both ways
	Over               bool          // TCP only: it has ended, and the kernel remembers it a while for late packets
	Left               time.Duration // until it is forgotten, if nothing more comes
	Bytes              uint64        // both ways; 0 where the kernel does not count (net.netfilter.nf_conntrack_acct)

	zone uint16
	id   uint16 // of echo requests
}

// Options says where to look.
type Options struct {
	NetNS int // descriptor of a network namespace; 0: the one of this thread
}

// Ended says what a cut ended.
type Ended struct {
	Entry  bool // the entry of the connection table
	Socket bool // the TCP socket of this machine, and with it the other end: it gets a reset
}

// Fill is how full the table is, and what that cost.
type Fill struct {
	Entries, Max uint32
	Dropped      uint64 // packets that were dropped since there was no place for their flow
	Early        uint64 // flows that were forgotten early to make place
}

// ErrNoDestroy says that the kernel can't end sockets of others (CONFIG_INET_DIAG_DESTROY). The entry of the connection
// table goes nevertheless, so that both ends wait until they give up.
var ErrNoDestroy = errors.New("this kernel can't end sockets (CONFIG_INET_DIAG_DESTROY is off): the two ends of the connection wait until they give up")
