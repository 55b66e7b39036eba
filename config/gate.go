package config

import (
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Gate is what holds for all sites: whom the gate believes, how many may come, and how long anything may take.
type Gate struct {
	Pos            roundtrip.Pos
	TrustedProxies []netip.Prefix // peers whose X-Forwarded-For, -Proto and -Host, and Forwarded, are believed
	ProxyProtocol  bool           // connections of TrustedProxies begin with a PROXY header, version 1 or 2
	HTTP3          bool           // default true: QUIC on the port of HTTPS
	Connections    int            // at once, over all doors; default 20,000
	PerClient      int            // at once from one address, loopback apart; default 512
	Header         time.Duration  // timeouts.header: a handshake, and the head of a request; default 10s
	Idle           time.Duration  // timeouts.idle: between two requests; default 2m
	Stall          time.Duration  // timeouts.stall: a body, either way, without progress; default 30s
	Drain          time.Duration  // timeouts.drain: for requests that run when the server stops; default 10s
}

// ACME is how certificates of sites with `tls: auto` are got (RFC 8555).
type ACME struct {
	Pos        roundtrip.Pos
	Email      string   // where the issuer writes about a certificate that is about to end; "" for none
	Issuers    []Issuer // tried in this order; none declared means Let's Encrypt
	Challenges []string // of http-01, tls-alpn-01 and dns-01; default: all that can be served
}

// Issuer is one ACME server.
type Issuer struct {
	Pos       roundtrip.Pos
	Directory string // URL of its directory; the words letsencrypt and letsencrypt-staging are replaced by theirs
	Roots     string // absolute path of PEM certificates that vouch for the directory's own TLS; "" for the system's
	KeyID     string // external account binding (RFC 8555 section 7.3.4); "" for none
	Key       Secret // its HMAC key, base64url; only where KeyID is set
}

// ClientCertificates is a site's demand for certificates of its clients (mutual TLS).
type ClientCertificates struct {
	Pos      roundtrip.Pos
	CA       string // absolute path of PEM certificates whose signature is accepted
	Optional bool   // a client without one is served too; one that is not signed by CA never is
}

// RateKey says whose requests are counted together.
type RateKey string

// The keys of a rate.
const (
	PerClient  RateKey = "client"  // one address; /64 of IPv6
	PerAccount RateKey = "account" // one signed-in account; strangers by address
	PerHeader  RateKey = "header"  // one value of a header; requests without it by address
	PerSite    RateKey = "site"    // all requests together
)

// Rate is one limit of requests, such as 50/s per client: a bucket of Burst that fills at Count each Per.
type Rate struct {
	Pos    roundtrip.Pos
	Count  int
	Per    time.Duration
	Burst  int // how many at once; default twice Count, at least 1
	Key    RateKey
	Header string // PerHeader: its canonical name
}

// Headers is what a site's answers say to browsers besides their content.
type Headers struct {
	Security bool         // default true: nosniff, Referrer-Policy, frame and opener rules, where the answer has none of its own
	HSTS     bool         // default true: Strict-Transport-Security on names that the internet can reach
	Set      []HeaderLine // put on every answer, in place of what it had
	Remove   []string     // canonical names taken off every answer
}

// HeaderLine is one header with its value.
type HeaderLine struct {
	Pos   roundtrip.Pos
	Name  string // canonical
	Value string
}

// Redirect answers with the address to go to.
type Redirect struct {
	Pos    roundtrip.Pos
	To     string // absolute URL or path; where both it and the route's path end in "/", the rest of the path follows it
	Status int    // 301, 302, 303, 307 or 308; default 308
}

// Respond is a fixed answer.
type Respond struct {
	Pos    roundtrip.Pos
	Status int // 200 to 599; default 200
	Body   string
	Type   string // default text/plain; charset=utf-8
}

// Balance says which upstream gets the next request.
type Balance string

// The balances.
const (
	TwoChoices    Balance = "two-choices"    // default: the less busy of two drawn by chance
	LeastRequests Balance = "least-requests" // the one with the fewest requests under way
	RoundRobin    Balance = "round-robin"
	HashClient    Balance = "hash client" // one address stays with one upstream (rendezvous hashing)
	HashHeader    Balance = "hash header" // one value of a header; requests without it by address
	HashCookie    Balance = "hash cookie" // one value of a cookie; requests without it by address
)

// Scheme says how an upstream is spoken to.
type Scheme string

// The schemes of an upstream.
const (
	HTTP  Scheme = "http"
	HTTPS Scheme = "https" // HTTP/2 where it offers that
	H2C   Scheme = "h2c"   // HTTP/2 without TLS, as gRPC servers speak it
)

// Upstream is one server behind a proxy route.
type Upstream struct {
	Pos     roundtrip.Pos
	URL     string // as declared: its name
	Scheme  Scheme
	Network string // tcp or unix
	Address string // host:port, or the absolute path of a socket
	Host    string // its own host[:port], as a Host header would say it; "localhost" for a socket
}

// Proxy hands requests to other servers.
type Proxy struct {
	Pos         roundtrip.Pos
	Upstreams   []Upstream
	Balance     Balance
	Key         string // of HashHeader (canonical) and HashCookie
	Sticky      bool   // a cookie keeps a visitor with the upstream that answered first
	Health      *Health
	EjectAfter  int           // eject.fails: so many upstream faults in a row take it out; default 5, 0 never
	EjectFor    time.Duration // eject.for: and for so long, doubled each time up to 10 times that; default 10s
	SlowStart   time.Duration // an upstream that came back gets its full share only after so long; default 0
	Concurrency int           // requests at once to one upstream; default 0, no limit
	Tries       int           // retry.tries: attempts in all; default 3
	Budget      int           // retry.budget: retries in percent of requests; default 20
	Connect     time.Duration // timeouts.connect; default 3s
	FirstByte   time.Duration // timeouts.first_byte: from the end of the request to the head of the answer; default 60s
	IdleStream  time.Duration // timeouts.idle: an answer or an upgraded connection without a byte either way; default 5m
	Buffer      bool          // the whole body of a request is read before an upstream is bothered
	Host        string        // what Host says upstream: "" the client's own; "upstream", the upstream's; else this name
	Roots       string        // tls.roots: absolute path of PEM certificates that vouch for https upstreams; "" for the system's
	ServerName  string        // tls.name: the name on their certificate; "" for the upstream's host
	ClientCert  string        // tls.cert: absolute path of a certificate shown to them, with tls.key; "" for none
	ClientKey   Secret
	Set         []HeaderLine // put on each request on its way up
}

// Health is how upstreams are asked whether they are well.
type Health struct {
	Pos     roundtrip.Pos
	Path    string
	Every   time.Duration // default 5s
	Timeout time.Duration // default 2s
	Fails   int           // so many wrong answers in a row make it unwell; default 2
	Passes  int           // so many right answers in a row make it well again; default 1
	Status  []int         // the right answers; none declared means 200 to 299
}

// Match is what a request must have besides a site and a path to be a route's.
type Match struct {
	Methods []string     // none: any
	Headers []HeaderLine // each must be there with this value; "*" means any value
}
