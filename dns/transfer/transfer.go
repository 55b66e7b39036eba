// Package transfer lets other name servers have copies of our zones. Secondaries ask for a whole zone over TCP (AXFR, RFC
// 5936), are told when it has changed (NOTIFY, RFC 1996), and sign what they ask with a shared key (TSIG, RFC 8945). It answers
// every message that the fast path of the server leaves: [Service.Serve] is the page to read first.
package transfer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/transfer/tsig"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// The bounds of what others can make us do.
const (
	atOnce     = 32               // transfers that run at the same time
	slotWait   = 5 * time.Second  // how long one waits for its turn
	lengthMax  = 10 * time.Minute // of one transfer
	retryFirst = 3 * time.Second  // until a NOTIFY is sent again; it doubles each time
	sizeUDP    = 1232             // bytes of an answer over UDP at the most (dnsflagday.net/2020)
)

// Options is what the service is handed.
type Options struct {
	Zones    func() *zone.Set   // what is served; asked once for each message, so that a transfer is of one version
	Declared func() *config.DNS // who may copy it
	Recorder *trace.Recorder    // nil: no journeys
	Now      func() time.Time
	Rand     io.Reader // of the ids of NOTIFY
	Log      *slog.Logger
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // of NOTIFY; nil: the machine's network
	Retry    time.Duration                                                        // until a NOTIFY is sent again, for the first time; default 3s
}

// Service answers transfers and what is signed, and tells secondaries of changes.
type Service struct {
	Options

	slots   chan struct{} // one for each transfer that runs
	changed chan struct{} // holds one: zones have changed
	ready   chan struct{}
	diary   bound
	warned  bound // of what is refused, in the log

	mu     sync.Mutex // guards copies and told
	copies map[holder]Held
	told   map[target]*telling
}

// New makes the service.
func New(o Options) (*Service, error) {
	if o.Zones == nil || o.Declared == nil || o.Now == nil || o.Rand == nil || o.Log == nil {
		return nil, errors.New("transfer.New: Options.Zones, Declared, Now, Rand and Log must be set")
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Retry <= 0 {
		o.Retry = retryFirst
	}
	return &Service{
		Options: o,
		slots:   make(chan struct{}, atOnce), changed: make(chan struct{}, 1), ready: make(chan struct{}),
		copies: map[holder]Held{}, told: map[target]*telling{},
	}, nil
}

// request is one message while it is answered.
type request struct {
	*Service

	x      *dns.Exchange
	start  time.Time
	name   string       // of the question: small letters, without a dot at its end
	key    string       // that the message is signed with, and was found good; "" for none
	signer *tsig.Signer // of the answer, nil for an unsigned one

	records, bytes int64 // of the answer
	recorded       bool  // the message has its journey
}

// Serve answers a message that the fast path has left: what is signed, transfers, NOTIFY and UPDATE. It is a [dns.Slow].
func (s *Service) Serve(ctx context.Context, x *dns.Exchange) bool {
	q := x.Query
	copies := q.Opcode == message.OpQuery && (q.Type == message.TypeAXFR || q.Type == message.TypeIXFR)
	if !q.TSIG && !copies && q.Opcode == message.OpQuery || len(q.Question) == 0 && !q.TSIG {
		return false
	}
	r := &request{Service: s, x: x, start: s.Now(), name: name(q)}
	switch refusal := r.identify(); {
	case refusal != nil:
		r.refuse(*refusal)
	case q.Opcode == message.OpNotify, q.Opcode == message.OpUpdate:
		r.refuse(r.notASecondary())
	case copies:
		r.copy(ctx)
	default:
		r.signed()
	}
	return true
}

// identify checks the signature, where there is one.
func (r *request) identify() *refusal {
	if !r.x.Query.TSIG {
		return nil
	}
	s, err := tsig.Read(r.x.Packet)
	if err != nil || s == nil {
		return &refusal{message.FormatError, "dns.tsig_malformed", message.Other, "the signature is malformed"}
	}
	key, fault, err := r.verify(s)
	if err != nil {
		return &refusal{message.FormatError, "dns.tsig_malformed", message.Other, "the signature is malformed"}
	}
	if fault != tsig.None {
		r.signer = s.Refuse(key, fault)
		return &refusal{message.NotAuth, reasonOf(fault), message.Other, sentenceOf(fault)}
	}
	r.key, r.signer = trimmed(s.Name), s.Answer(key)
	return nil
}

// verify finds the key that a signature names, and checks it. A secret that can't be read is a key that we don't have.
func (r *request) verify(s *tsig.Signature) (tsig.Key, tsig.Fault, error) {
	key, err := keyOf(r.Declared(), trimmed(s.Name))
	if err != nil {
		r.Log.Error("dns: a key can't be used", slog.String("key", trimmed(s.Name)), slog.Any("error", err))
		key = tsig.Key{}
	}
	if key.Name == "" {
		return key, tsig.BadKey, nil
	}
	fault, err := s.Verify(key, r.Now())
	return key, fault, err
}

// signed answers an ordinary query that is signed, as secondaries ask for the SOA: as the fast path would, signed too.
func (r *request) signed() {
	q := r.x.Query
	limit := 1<<16 - 1
	if !q.TCP {
		limit = 512
		if q.EDNS.Present {
			limit = min(max(int(q.EDNS.Size), 512), sizeUDP)
		}
	}
	if b := r.x.Answer(q, limit-r.signer.Overhead()); b != nil {
		r.finish(r.reply(b))
	}
}

// reply signs a message, where the request was signed, and sends it.
func (r *request) reply(b []byte) error {
	if r.signer != nil {
		b = r.signer.Sign(b, r.Now())
	}
	r.bytes += int64(len(b))
	return r.x.Reply(b)
}

// keyOf returns the declared key of a name, ready for use; one without a name where there is none.
func keyOf(d *config.DNS, name string) (tsig.Key, error) {
	if d == nil || name == "" {
		return tsig.Key{}, nil
	}
	i := slices.IndexFunc(d.Keys, func(k config.TSIGKey) bool { return k.Name == name })
	if i < 0 {
		return tsig.Key{}, nil
	}
	k := d.Keys[i]
	secret, err := secretOf(k)
	return tsig.Key{Name: k.Name, Algorithm: k.Algorithm, Secret: secret}, err
}

// name returns the name of a question as the declaration has it.
func name(q *message.Query) string {
	if len(q.Key) == 0 {
		return ""
	}
	s, _, err := miekg.UnpackDomainName(q.Key, 0)
	if err != nil {
		return ""
	}
	return trimmed(s)
}

// trimmed takes the dot from the end of a name.
func trimmed(name string) string { return strings.TrimSuffix(name, ".") }

// find returns the served zone of exactly that name, and its declaration; nil where there is none.
func (s *Service) find(name string, key []byte) (*zone.Zone, *config.Zone) {
	set, d := s.Zones(), s.Declared()
	if set == nil || d == nil || len(key) == 0 {
		return nil, nil
	}
	z := set.Find(key)
	if z == nil || trimmed(z.Name()) != name {
		return nil, nil
	}
	i := slices.IndexFunc(d.Zones, func(z config.Zone) bool { return z.Name == name })
	if i < 0 {
		return nil, nil
	}
	return z, &d.Zones[i]
}

// host returns an address without its zone, IPv4 as IPv4, as the declaration has it.
func host(a netip.AddrPort) netip.Addr { return a.Addr().Unmap().WithZone("") }
