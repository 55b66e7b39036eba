// Package witness is the server's half of `roundtrip why`: it signs ids beforehand and tells afterwards what it saw of them, to the
// command, the console and the page of gate/diagnose. Links that let operators in at sites are signed here too.
package witness

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/people"
	"github.com/roundtrip-dev/roundtrip/app/places"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/why"
)

// The server's side of roundtrip why: what it says beforehand, and what it saw.

const (
	probeLives  = time.Minute // longer than a probe may take
	ticketsMost = 8
)

// Options is what a witness needs of the server.
type Options struct {
	Dev       bool
	Authority string // path of the local authority's certificate, "" where there is none
	Key       []byte // signs the names of probes; the keys of all else that is signed here follow from it
	Now       func() time.Time
	Rand      io.Reader
	Log       *slog.Logger
	Recorder  *trace.Recorder // nil: no journeys are kept
	Book      *places.Book    // where in the declarations stands what journeys were decided by
	House     func() House    // in force
	Machine   func() *names.Machine
	Doors     func() *doors.Doors // nil: not open yet
	Names     *names.Server
	Wall      *wall.Wall // nil: the kernel is left alone
	Seen      *wall.Seen
}

// House is the declaration in force.
type House struct {
	Config *config.Config
	Doors  *firewall.Policy // nil where no groups are declared
	Desk   *people.Desk
}

// Witness is the [why.Server] of its own process.
type Witness struct {
	o       Options
	tickets *tickets    // of the requests of probes
	pages   pageProbes  // probes that pages have begun
	used    usedTickets // links that let operators in at sites
}

// New makes the witness of a server.
func New(o Options) (*Witness, error) {
	tickets, err := newTickets(o.Key)
	return &Witness{o: o, tickets: tickets}, err
}

// ProbeOf is the gate's question whether a request is a probe of ours, and of which id.
func (wit *Witness) ProbeOf(signed string) (trace.ID, bool) {
	return wit.tickets.take(signed, wit.o.Now())
}

// Ticket makes the id of a journey that is to come, and what the request has to show for it.
func (wit *Witness) Ticket() (id trace.ID, signed string, err error) {
	id, err = wit.newID()
	return id, wit.tickets.sign(id, wit.o.Now()), err
}

// Begin says what is known before a probe.
func (wit *Witness) Begin(ctx context.Context, w why.Wanted) (*why.Begun, error) {
	if wit.o.Recorder == nil {
		return nil, roundtrip.E(roundtrip.Unprocessable, "command.undeclared", "journeys are off in this declaration, and without them the server can't say what it saw: take journeys: { off: true } out")
	}
	h := wit.o.House()
	b := &why.Begun{Dev: wit.o.Dev, Reach: wit.reach(h.Config), Doors: wit.listens()}
	host := strings.ToLower(w.Host)
	wit.beginSite(h, b, host)
	if err := wit.beginZone(h, b, host); err != nil {
		return nil, err
	}
	b.Ours = b.Site != "" || b.Zone != ""
	for range min(w.Tickets, ticketsMost) {
		id, err := wit.newID()
		if err != nil {
			return nil, err
		}
		b.Tickets = append(b.Tickets, why.Ticket{ID: id.String(), Signed: wit.tickets.sign(id, wit.o.Now())})
	}
	if wit.o.Authority != "" {
		b.CA = wit.o.Authority
		if root, err := os.ReadFile(b.CA); err == nil { // without it, it is only not known whether a certificate is ours
			b.Roots = root
		}
	}
	if w.As == "" {
		return b, nil
	}
	if b.Site == "" { // whoever has the name would have the account until the probe ends
		return nil, badWhy("--as: no site of this server has the name %s, and the session of an account is shown to nobody else", w.Host)
	}
	var err error
	b.Session, err = wit.lend(ctx, h, w)
	return b, err
}

func (wit *Witness) newID() (trace.ID, error) {
	random := wit.o.Rand
	if random == nil {
		random = rand.Reader
	}
	var id trace.ID
	_, err := io.ReadFull(random, id[:])
	return id, err
}

// beginSite says which site has the host.
func (wit *Witness) beginSite(h House, b *why.Begun, host string) {
	var names []string
	for i := range h.Config.Sites {
		s := &h.Config.Sites[i]
		names = append(names, s.Name)
		if serves(s.Name, host) && (b.Site == "" || s.Name == host) {
			b.Site, b.Where, b.TLSWhere = s.Name, s.Pos.String(), s.Pos.String()
			if s.TLS.Pos.Line > s.Pos.Line || s.TLS.Pos.Line == s.Pos.Line && s.TLS.Pos.Column > s.Pos.Column {
				b.TLSWhere = s.TLS.Pos.String()
			}
			if b.CORS = nil; s.CORS != nil {
				b.CORS = &why.CORS{Origins: s.CORS.Origins, Methods: s.CORS.Methods, Headers: s.CORS.Headers}
			}
		}
	}
	if b.Site == "" {
		b.Near = nearest.Of(host, names)
	}
}

// serves reports whether a site's name, or its wildcard, has the host.
func serves(site, host string) bool {
	if rest, wild := strings.CutPrefix(site, "*."); wild {
		_, above, _ := strings.Cut(host, ".")
		return above == rest
	}
	return site == route.HostName(host)
}

// beginZone says what our zone has for the host, and makes the unique name.
func (wit *Witness) beginZone(h House, b *why.Begun, host string) error {
	set := wit.o.Names.Zones()
	if set == nil {
		return nil
	}
	var zone *config.Zone
	for i := range h.Config.DNS.Zones {
		z := &h.Config.DNS.Zones[i]
		if (host == z.Name || strings.HasSuffix(host, "."+z.Name)) && (zone == nil || len(z.Name) > len(zone.Name)) {
			zone = z
		}
	}
	if zone == nil {
		return nil
	}
	b.Zone, b.Records.Where = zone.Name, zone.Pos.String()
	for _, kind := range []uint16{mdns.TypeA, mdns.TypeAAAA} {
		e := set.Explain(host, kind)
		if b.Records.Rcode == "" || e.Rcode == "NOERROR" {
			b.Records.Rcode = e.Rcode
		}
		b.Records.Why = e.Why
		b.Records.Addresses = append(b.Records.Addresses, addressesIn(e.Answer)...)
		if at := declaredAt(e.Answer, zone); at != "" {
			b.Records.Where = at
		}
	}
	for _, answer := range set.Explain(zone.Name, mdns.TypeNS).Answer {
		words := strings.Fields(answer)
		b.NS = append(b.NS, strings.ToLower(strings.TrimSuffix(words[len(words)-1], ".")))
	}
	if !wit.o.Names.Runs() {
		return nil
	}
	id, err := wit.newID()
	if err != nil {
		return err
	}
	signer, err := probe.New(wit.o.Key)
	if err != nil {
		return err
	}
	b.ProbeID, b.Probe = id.String(), signer.Name(id, wit.o.Now().Add(probeLives), zone.Name)
	b.Names = spread(wit.o.Names.All(), b.Reach)
	return nil
}

// addressesIn reads the addresses of records as they stand in a zone file.
func addressesIn(records []string) []netip.Addr {
	var all []netip.Addr
	for _, r := range records {
		words := strings.Fields(r)
		if a, err := netip.ParseAddr(words[len(words)-1]); err == nil {
			all = append(all, a)
		}
	}
	return all
}

// declaredAt is the line of the declaration that has one of the records, "" where they were derived.
func declaredAt(records []string, zone *config.Zone) string {
	for _, r := range records {
		answer := strings.Fields(r) // name, TTL, type, data
		if len(answer) < 4 {
			continue
		}
		for _, line := range zone.Records {
			words := strings.Fields(line.Text)
			if !slices.Contains(words, answer[2]) || words[len(words)-1] != answer[len(answer)-1] {
				continue
			}
			name := strings.TrimSuffix(answer[0], ".")
			if words[0] == name+"." || words[0]+"."+zone.Name == name || words[0] == "@" && name == zone.Name {
				return line.Pos.String()
			}
		}
	}
	return ""
}

// spread replaces wildcard addresses by those at which this machine is reached, loopback last.
func spread(at []netip.AddrPort, reach []netip.Addr) []netip.AddrPort {
	var all []netip.AddrPort
	for _, door := range at {
		if !door.Addr().IsUnspecified() {
			all = append(all, door)
			continue
		}
		for _, r := range append(slices.Clone(reach), netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
			all = append(all, netip.AddrPortFrom(r, door.Port()))
		}
	}
	return all
}

// reach are the addresses at which visitors reach this machine.
func (wit *Witness) reach(c *config.Config) []netip.Addr { return wit.o.Machine().Facts(c).Addresses }

// listens are the doors of the gate.
func (wit *Witness) listens() []netip.AddrPort {
	var all []netip.AddrPort
	if wit.o.Doors() == nil {
		return nil
	}
	for _, l := range []net.Listener{wit.o.Doors().Secure, wit.o.Doors().Plain} {
		if l != nil {
			all = append(all, doors.AddrPort(l.Addr()))
		}
	}
	return all
}

// lend makes a session of an account, which is told in the log: somebody acts as somebody else.
func (wit *Witness) lend(ctx context.Context, h House, w why.Wanted) (*why.Session, error) {
	if h.Desk.Identity.Users() == nil {
		return nil, roundtrip.E(roundtrip.Unprocessable, "command.undeclared", "--as: the declaration has no accounts; name their collection with identity.accounts")
	}
	g, err := h.Desk.Identity.Lend(ctx, w.As, identity.Device{Name: "roundtrip why"})
	if err != nil {
		return nil, err
	}
	wit.o.Log.InfoContext(ctx, "roundtrip why acts as an account", slog.String("account", g.Account.ID().String()), slog.String("host", w.Host))
	s := &why.Session{ID: int64(g.Session.ID), Account: int64(g.Account.ID()), Name: h.Desk.LoginOf(g.Account), Cookie: "session", Token: g.Token}
	if w.Secure {
		s.Cookie = "__Host-session"
	}
	return s, nil
}

// End takes the session back.
func (wit *Witness) End(ctx context.Context, b *why.Begun) error {
	if b.Session == nil {
		return nil
	}
	return wit.o.House().Desk.Identity.TakeBack(ctx, roundtrip.ID(b.Session.Account), roundtrip.ID(b.Session.ID))
}

// DoBegin answers the order of the command that begins a probe.
func (wit *Witness) DoBegin(ctx context.Context, w why.Wanted, out io.Writer) error {
	b, err := wit.Begin(ctx, w)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(b)
}

// DoSaw answers what was seen of it.
func (wit *Witness) DoSaw(ctx context.Context, asked why.Asked, out io.Writer) error {
	saw, err := wit.Saw(ctx, asked)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(saw)
}

// DoEnd answers that it has ended.
func (wit *Witness) DoEnd(ctx context.Context, b why.Begun, _ io.Writer) error {
	return wit.End(ctx, &b)
}
