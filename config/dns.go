package config

import (
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// DNS is the name server: the zones that it answers for, with authority and for nobody else's.
type DNS struct {
	Pos       roundtrip.Pos
	Zones     []Zone     // in declared order; none declared means that no name server runs
	Keys      []TSIGKey  // in declared order
	Addresses []Address  // what the derived A and AAAA records say; none declared means the public addresses of this machine
	Identity  string     // the answer to NSID (RFC 5001), "" for none
	RateLimit DNSLimit   // of answers over UDP
	Clients   DNSClients // over TCP
	Renames   []Rename   // dev only: names of the declaration and of zone files, the longest first; see [DNS.RenamedLines]
}

// Address is one address with the place where it stands.
type Address struct {
	Pos  roundtrip.Pos
	Addr netip.Addr // without a zone; IPv4 as IPv4
}

// Zone is one zone that we are the primary server of.
type Zone struct {
	Pos         roundtrip.Pos
	Name        string        // small letters, without a dot at the end
	File        string        // absolute path of a zone file (RFC 1035 section 5), "" for none
	TTL         time.Duration // of records that name none; default 1h
	Negative    time.Duration // MINIMUM of the SOA, how long "no such name" may be kept (RFC 2308 section 5); default 5m
	Contact     string        // RNAME of the SOA as an e-mail address; default hostmaster@ the zone
	Nameservers []Name        // host names; default ns1 in the zone, with our own addresses
	Records     []Name        // one line of a zone file each; names without a dot at the end are below the zone
	Derive      bool          // default true: address and HTTPS records of the sites, NS, CAA; declared ones win
	WhenDown    WhenDown
	Transfer    *Transfer // nil: nobody may copy the zone
}

// DownPolicy says what the derived address records of a site become while no upstream of any of its routes is well.
type DownPolicy string

// The policies of when_down.
const (
	KeepDown     DownPolicy = "keep"     // default: the answer stays, and the gate tells visitors what is wrong
	DropDown     DownPolicy = "drop"     // no address; the name stays (NODATA)
	FallbackDown DownPolicy = "fallback" // the addresses of Fallback instead
)

// WhenDown is a zone's when_down key: keep, drop, or a list of addresses that stand in.
type WhenDown struct {
	Pos      roundtrip.Pos
	Policy   DownPolicy
	Fallback []Address // FallbackDown only
}

// Transfer says who may copy a zone, and is told when it changes.
type Transfer struct {
	Pos    roundtrip.Pos
	To     []TransferPeer // who may ask for AXFR (RFC 5936), and gets NOTIFY (RFC 1996); none means whoever has the key
	Key    Name           // of dns.keys: transfers must be signed with it (RFC 8945); "" asks for the address alone
	Notify bool           // default true
}

// TransferPeer is one secondary server.
type TransferPeer struct {
	Pos  roundtrip.Pos
	Addr netip.AddrPort // where NOTIFY goes; port 53 where none is declared. Any port of the address may ask for a transfer
}

// TSIGKey is a secret shared with another name server (RFC 8945).
type TSIGKey struct {
	Pos       roundtrip.Pos
	Name      string // small letters, without a dot at the end
	Algorithm string // hmac-sha256 (default), hmac-sha384 or hmac-sha512
	Secret    Secret // base64
}

// DNSLimit is response rate limiting: identical answers to one network over UDP are bounded, so that we are no use to who
// forges addresses. Over TCP and to loopback nothing is bounded.
type DNSLimit struct {
	Pos       roundtrip.Pos
	Off       bool // rate_limit: off
	Responses int  // a second, to one network (/24, /56) and of one kind; default 200
	Slip      int  // every so manieth answer over the limit is sent truncated, so that real resolvers ask over TCP; 0 none; default 2
	DryRun    bool // count and show, drop nothing
}

// DNSClients bounds clients over TCP (RFC 7766, RFC 9210).
type DNSClients struct {
	Connections int           // at once; default 1,000
	PerClient   int           // at once from one address, loopback and transfer peers apart; default 20
	Idle        time.Duration // between two queries; default 10s
}
