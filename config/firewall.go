package config

import (
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Enforcement says where the groups are enforced.
type Enforcement string

// The values of firewall.enforce.
const (
	EnforceAuto    Enforcement = "auto"    // default: the kernel where we may, else this process
	EnforceKernel  Enforcement = "kernel"  // nftables, for all of the machine; the start fails where we may not
	EnforceProcess Enforcement = "process" // our own listeners only: a connection is closed at accept, a datagram is dropped
)

// Firewall is who may connect: groups with the semantics of EC2 security groups. They are stateful, allow only, the union of
// all that hold for a machine counts, and what no rule allows is refused.
type Firewall struct {
	Pos      roundtrip.Pos
	Enforce  Enforcement
	Groups   []SecurityGroup // in declared order
	Attach   []Attachment    // in declared order
	Machines []Machine       // in declared order
	Lists    []PrefixList    // in declared order
	Rollback time.Duration   // how long a change in the kernel waits to be confirmed before it is taken back; 0 (off): it does not wait; default 60s
	Marks    Marks
	Drops    DropLog
}

// SecurityGroup is a set of rules under a name.
type SecurityGroup struct {
	Pos   roundtrip.Pos
	Name  string // small letters, digits and dashes; not beginning with sg-
	Rules []GroupRule
}

// GroupRule allows. A rule is named by its group and its number, the first being 1: web rule 2.
type GroupRule struct {
	Pos    roundtrip.Pos
	Number int
	Out    bool      // it has to, not from: what may leave. A group without such a rule lets all leave
	Allow  []Traffic // empty for allow: none, which makes sense only for Out
	Peers  []Peer    // from or to
	Note   string    // at most 255 characters
}

// Traffic is one kind of traffic: tcp/80, tcp/8000-8010, udp/443, icmp, icmp/8, icmp/3/4, icmpv6/128, protocol/47, all.
type Traffic struct {
	Pos         roundtrip.Pos
	Text        string // as written
	All         bool   // all: every protocol
	Protocol    uint8  // IANA protocol number: 6 tcp, 17 udp, 1 icmp, 58 icmpv6
	First, Last uint16 // destination ports, tcp, udp and sctp only
	Type, Code  int16  // icmp and icmpv6 only; -1 is any
}

// PeerKind is what the other end of a rule is named by.
type PeerKind uint8

// The kinds of a peer.
const (
	Anywhere  PeerKind = iota + 1 // 0.0.0.0/0 and ::/0
	Loopback                      // 127.0.0.0/8 and ::1
	Network                       // a CIDR or one address
	GroupRef                      // group:NAME: the addresses of the machines that have the group
	PrefixRef                     // list:NAME: the networks of a list
)

// Peer is the other end of a rule.
type Peer struct {
	Pos    roundtrip.Pos
	Kind   PeerKind
	Prefix netip.Prefix // Network only; masked
	Name   string       // GroupRef and PrefixRef
}

// Attachment gives the machines of a role their groups.
type Attachment struct {
	Pos    roundtrip.Pos
	Role   string
	Groups []Name
}

// Machine is a role with the addresses of the machines that have it. A machine has the roles among whose addresses is one of
// its own, or the one that --role names; where no machines are declared, the one machine that there is has every role.
type Machine struct {
	Pos       roundtrip.Pos
	Role      string
	Addresses []Address
}

// PrefixList is a file of networks: one to a line, # begins a comment.
type PrefixList struct {
	Pos      roundtrip.Pos
	Name     string
	File     string         // absolute path
	Networks []netip.Prefix // what stood in it when the declaration was read
}

// Marks is whether the kernel stamps the number of the rule on connections, so that each request can name the rule that let it
// in. Marks are shared with routing and other programs, so it is off until a mask says which bits are ours.
type Marks struct {
	Pos  roundtrip.Pos
	Mask uint32 // contiguous bits, at least 8; 0: off
}

// DropLog bounds what is told of dropped packets.
type DropLog struct {
	Off  bool
	Rate int // packets a second that the kernel hands up at most; default 1000
}
