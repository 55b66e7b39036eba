package why

import (
	"net/http"
	"net/netip"
	"time"
)

// Facts is what the client saw, in the order of the way. A part that is nil was not reached.
type Facts struct {
	Target      Target
	Method      string
	Origin      string // of the page that is stood in for; "" for none
	Credentials bool   // the page would send cookies
	Call        bool   // of gRPC
	Anyway      bool   // go on where a browser would stop
	Mixed       bool   // a page of https calls http: a browser sends nothing

	Names     *Names
	Dials     []Dial
	TLS       *Handshake
	Simple    string // why a browser asks nothing beforehand; "" where it does
	Preflight *Exchange
	Answer    *Exchange
	Withheld  []string // what a browser would not send, a sentence each

	Browser *Browser // a page tried it itself: what it saw stands for Names, Dials and TLS, which pages do not see
	asked   []string // the headers that its preflight asks for
	exact   bool     // its answer named the server's record
}

// Names is how the name became addresses.
type Names struct {
	Source    Source
	Via       string       // the resolver that answered, or the file
	Probe     *Lookup      // of the unique name; nil: there is none
	Real      Lookup       // what a program of this machine gets
	Direct    *Lookup      // from our own name server; nil: it was not asked
	Parent    *Parent      // nil: it was not asked
	Addresses []netip.Addr // to connect to, in the order in which they are tried
	Took      time.Duration
}

// Source says where the addresses come from.
type Source string

// The sources.
const (
	Literal   Source = "literal"   // the URL has an address instead of a name
	Given     Source = "given"     // --resolve
	Hosts     Source = "hosts"     // the hosts file
	Localhost Source = "localhost" // names that browsers take for loopback without asking (RFC 6761 section 6.3)
	Resolver  Source = "resolver"
)

// Lookup is one name, asked of one server for IPv4 and IPv6.
type Lookup struct {
	Name      string
	Server    string // its address
	Rcode     string // NOERROR, NXDOMAIN …; "" where no answer came
	Addresses []netip.Addr
	TTL       time.Duration // the shortest
	Aliases   []string      // CNAMEs on the way
	Extended  []string      // what the server says besides (RFC 8914), a sentence each
	Error     string        // why no answer came
	Took      time.Duration
}

// Has reports whether there are addresses.
func (l *Lookup) Has() bool { return l != nil && len(l.Addresses) > 0 }

// Answered reports whether an answer came, be it that there is nothing.
func (l *Lookup) Answered() bool { return l != nil && l.Rcode != "" }

// Parent is what the servers of the zone above say of who has the zone.
type Parent struct {
	Zone    string
	Server  string
	Rcode   string
	Servers []string // the NS records, in small letters without a dot at the end
}

// Failure says in one word why something did not come about.
type Failure string

// The failures of a connection and of an exchange.
const (
	None        Failure = ""
	TimedOut    Failure = "timeout"
	Refused     Failure = "refused"
	Unreachable Failure = "unreachable"
	Reset       Failure = "reset" // closed by the other side, or what stands between
	Other       Failure = "other"
)

// Dial is one try to connect.
type Dial struct {
	To, From netip.AddrPort // From has the wildcard where the address is not known, but its port
	Failure  Failure
	Error    string
	Took     time.Duration
}

// Certificate is what is shown of one.
type Certificate struct {
	Names     []string // DNS names and addresses
	Issuer    string
	NotBefore time.Time
	NotAfter  time.Time
	Ours      bool // our own authority issued it
}

// Handshake is what came of TLS.
type Handshake struct {
	Version string
	ALPN    string
	Leaf    *Certificate // nil: none was shown
	Failure Failure
	Reason  string // the code of what is wrong; "" where all is well
	Error   string // what was wrong, in the words of the library
	At      time.Time
	Took    time.Duration
}

// Exchange is one request and its answer.
type Exchange struct {
	ID      string // of its journey, where it was signed
	Method  string
	Sent    http.Header
	Status  int
	Proto   string
	Header  http.Header
	Body    []byte   // the beginning
	Call    *CallEnd // of a call of gRPC whose answer came
	Failure Failure
	Error   string
	Reason  string // the code of a failure that is clear from this side
	Took    time.Duration
}
