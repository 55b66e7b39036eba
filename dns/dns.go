package dns

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/cookie"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/dns/rrl"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Bounds of what is done beside the loop that reads.
const (
	slowMax    = 16 // messages over UDP that others see to at once
	forwardMax = 64 // of them for other servers
)

// Options says what the server is handed.
type Options struct {
	Zones func() *zone.Set // that are in force; it is asked for each query, and may return nil

	// UDP and TCP are what it answers at; Run closes them. Each socket has one reader; ListenUDP opens several. On Linux, an
	// answer leaves from the address that was asked also where a socket is bound to all addresses.
	UDP []*net.UDPConn
	TCP []net.Listener

	Config   config.DNS // of it: Identity, RateLimit, Clients, and whom the zones are transferred to; see Configure
	Recorder *trace.Recorder
	Now      func() time.Time
	Rand     io.Reader
	Secret   []byte // of cookies, 16 bytes or more, the same for all servers behind one address; nil: from Rand
	Log      *slog.Logger

	Slow    Slow          // nil: what the fast path leaves is refused
	Forward Forward       // nil: only our own zones are answered for
	Admit   Admit         // nil: everybody may ask
	Probe   *probe.Signer // nil: there are no probes

	// Visit adds to the journey of a query what came before this station, such as the rule that let it in. It is called for
	// the few queries that have a journey. May be nil.
	Visit func(j *trace.Journey, udp bool, client netip.AddrPort)
}

// Server is the name server.
type Server struct {
	o        Options
	settings atomic.Pointer[settings]
	jar      *cookie.Jar
	limiter  *rrl.Limiter
	start    time.Time
	why      reasons
	ready    chan struct{}

	desks   []*desk   // of those that read UDP
	spare   sync.Pool // of desks for streams
	counts  counters  // of streams, and of what is done beside
	sampler *sampler  // of streams
	slow    chan struct{}
	forward chan struct{}
	crowd   crowd
	others  sync.WaitGroup // those who answer over UDP beside the readers
}

// settings is what a declaration says, made ready.
type settings struct {
	identity string
	rate     rrl.Rate
	dryRun   bool
	clients  config.DNSClients
	peers    map[netip.Addr]bool // that zones are transferred to
}

// New makes a server. It reads nothing and writes nothing.
func New(o Options) (*Server, error) {
	if o.Zones == nil || o.Now == nil || o.Log == nil || (o.Secret == nil && o.Rand == nil) {
		return nil, errors.New("dns.New: Options.Zones, Now, Log, and Rand or Secret must be set")
	}
	secret := o.Secret
	if secret == nil {
		secret = make([]byte, 32)
		if _, err := io.ReadFull(o.Rand, secret); err != nil {
			return nil, err
		}
	}
	jar, err := cookie.New(secret)
	if err != nil {
		return nil, err
	}
	limiter, err := rrl.New(0)
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, jar: jar, limiter: limiter, start: o.Now(), why: newReasons(), ready: make(chan struct{}), sampler: newSampler(),
		slow: make(chan struct{}, slowMax), forward: make(chan struct{}, forwardMax),
	}
	s.spare.New = func() any { return s.newDesk(&s.counts, s.sampler) }
	s.crowd.clients = map[netip.Addr]int{}
	for range o.UDP {
		s.desks = append(s.desks, s.newDesk(new(counters), newSampler()))
	}
	s.Configure(o.Config)
	return s, nil
}

// Configure puts another declaration in force: its identity, limits and transfer peers. Zones are asked for at each query.
func (s *Server) Configure(c config.DNS) {
	t := &settings{
		identity: c.Identity, dryRun: c.RateLimit.DryRun, clients: c.Clients, peers: map[netip.Addr]bool{},
		rate: rrl.Rate{Responses: c.RateLimit.Responses, Slip: c.RateLimit.Slip},
	}
	if c.RateLimit.Off {
		t.rate = rrl.Rate{}
	}
	if t.clients.Connections == 0 {
		t.clients.Connections = 1000
	}
	if t.clients.PerClient == 0 {
		t.clients.PerClient = 20
	}
	if t.clients.Idle == 0 {
		t.clients.Idle = 10 * time.Second
	}
	for _, z := range c.Zones {
		if z.Transfer == nil {
			continue
		}
		for _, p := range z.Transfer.To {
			t.peers[p.Addr.Addr().Unmap()] = true
		}
	}
	s.settings.Store(t)
}

// Ready is closed when the server answers.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Run answers until ctx ends, closes the sockets, and returns when all of its goroutines have ended.
func (s *Server) Run(ctx context.Context) error {
	for _, c := range s.o.UDP {
		if err := askForAddress(c); err != nil {
			return err
		}
	}
	var run sync.WaitGroup
	stopping, stop := context.WithCancel(ctx)
	defer stop()
	for i, d := range s.desks {
		c := s.o.UDP[i]
		run.Go(func() { s.readUDP(stopping, c, d) })
	}
	for _, l := range s.o.TCP {
		run.Go(func() { s.accept(stopping, l) })
	}
	close(s.ready)
	<-ctx.Done()
	for _, l := range s.o.TCP {
		_ = l.Close() // whoever waits in it hears of it
	}
	for _, c := range s.o.UDP {
		_ = c.SetReadDeadline(s.start) // long past: the readers end, and what others still answer can leave
	}
	run.Wait()
	s.others.Wait()
	for _, c := range s.o.UDP {
		_ = c.Close()
	}
	return nil
}
