package why

import (
	"context"
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Server is the server's side of a probe: over the control socket, or in the same process.
type Server interface {
	Begin(ctx context.Context, w Wanted) (*Begun, error)
	Saw(ctx context.Context, a Asked) (*Saw, error)
	End(ctx context.Context, b *Begun) error // ends the session of Wanted.As
}

// Wanted is what is about to be probed.
type Wanted struct {
	Host    string
	Port    uint16
	Secure  bool
	Tickets int    // how many requests there will be at the most
	As      string // an account whose session is wanted; "" for none
}

// Begun is what the server says beforehand.
type Begun struct {
	Ours  bool   // a site or a zone of this server has the host
	Dev   bool   // it runs for a developer
	Site  string // "" where no site has the host
	Near  string // the site whose name is nearest then
	Where string // the site's place in the declaration

	TLSWhere string // that of its certificate

	CORS *CORS // what the site allows pages of other origins; nil: it has no such rule

	Zone    string           // that has the host, "" for none
	Probe   string           // the unique name, "" for none
	ProbeID string           // the id of its queries' journeys
	Names   []netip.AddrPort // where our name server answers
	NS      []string         // the servers that the zone names
	Records Records          // what the zone answers for the host

	Reach   []netip.Addr     // the addresses at which this machine is reached
	Doors   []netip.AddrPort // the listeners of the gate
	Tickets []Ticket
	Roots   []byte // of our own authority, PEM; nil for none
	CA      string // its file
	Session *Session
}

// CORS is a site's rule for pages of other origins.
type CORS struct{ Origins, Methods, Headers []string }

// Records is what the zone has for the host.
type Records struct {
	Rcode     string
	Addresses []netip.Addr
	Why       string
	Where     string // FILE:LINE:COLUMN of the record, or of the zone where there is none
}

// Ticket makes one request's journey take its id.
type Ticket struct{ ID, Signed string }

// Session is the session of an account, made for one probe.
type Session struct {
	ID      int64
	Account int64
	Name    string // of the account
	Cookie  string // the name of the cookie
	Token   string
}

// Asked is what is to be looked up in the server's record.
type Asked struct {
	Since   time.Time
	Host    string
	Port    uint16
	Query   string           // id of the probe's queries
	Request []string         // ids of requests
	From    []netip.AddrPort // our ends of the connections that were tried; the wildcard where only the port is known
	To      []netip.AddrPort // and the other ends
	Failed  bool             // the last of them did not become a connection that requests can use
}

// Saw is what the server saw of the probe.
type Saw struct {
	Queries     []trace.View
	Connections []Connection
	Drops       []Drop
	Door        *Door // nil: no security groups
	Listens     []netip.AddrPort
	Own         []netip.Addr // the addresses of the machine
	Requests    []trace.View
	Following   []trace.View
}

// Connection is the record of one connection.
type Connection struct {
	Exact bool // the port was ours: nobody else's could it be
	View  trace.View
}

// Drop is a packet of ours that the firewall dropped.
type Drop struct {
	Exact    bool // the source port was ours
	Reason   string
	Text     string // what stands in the way
	Evidence string
	Fix      string
	Where    string
}

// Door is what the security groups say of the connection.
type Door struct {
	Allowed  bool
	Mode     string // kernel or process
	Rule     string
	Text     string // why it passes, or what stands in the way
	Where    string
	Fix      string
	Reason   string
	Evidence string // predicted: nothing was seen of it
}
