package transfer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/serial"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// fill is how long a message of a transfer becomes before it is sent, in bytes: names behind the first 16,384 bytes can't be
// pointed to, so longer ones would save nothing.
const fill = 15 << 10

// errSlow ends a transfer that takes too long.
var errSlow = errors.New("the transfer took longer than it may")

// copy answers AXFR and IXFR. IXFR is answered with the whole zone, as RFC 1995 section 4 allows, or with the SOA alone where the
// client has the zone already, or asks over UDP, where it finds out that way what is new.
func (r *request) copy(ctx context.Context) {
	q := r.x.Query
	z, declared := r.find(r.name, q.Key)
	switch {
	case q.Class != message.ClassIN || z == nil:
		r.refuse(refusal{message.NotAuth, "dns.not_ours", message.NotAuthoritative, "not a zone of this server"})
		return
	case q.Type == message.TypeAXFR && !r.x.TCP:
		r.refuse(refusal{message.FormatError, "dns.transfer_udp", message.NotSupported, "AXFR goes over TCP"})
		return
	}
	if refusal := r.may(declared); refusal != nil {
		r.refuse(*refusal)
		return
	}
	only := !r.x.TCP
	if q.Type == message.TypeIXFR {
		has, ok := serialOf(r.x.Packet)
		if !ok {
			r.refuse(refusal{message.FormatError, "dns.transfer_malformed", message.Other, "IXFR says in its authority section which serial the client has"})
			return
		}
		if has == z.Serial() {
			r.holds(z, false)
		}
		only = only || !serial.Greater(z.Serial(), has)
	}
	if only {
		r.finish(r.send(ctx, z, true))
		return
	}
	r.whole(ctx, z)
}

// whole sends the whole zone, when it is its turn.
func (r *request) whole(ctx context.Context, z *zone.Zone) {
	turn := time.NewTimer(slotWait)
	defer turn.Stop()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-turn.C:
		r.refuse(refusal{message.ServerFailure, "dns.transfer_busy", message.Other, "as many transfers run as may; ask again"})
		return
	case <-ctx.Done():
		return
	}
	err := r.send(ctx, z, false)
	if err == nil {
		r.holds(z, true)
		r.Log.Info("dns: a zone was copied", slog.String("zone", r.name), slog.String("client", r.x.Client.String()), slog.String("key", r.key),
			slog.Uint64("serial", uint64(z.Serial())), slog.Int64("records", r.records), slog.Int64("bytes", r.bytes))
	} else {
		r.Log.Warn("dns: a zone was not copied to its end", slog.String("zone", r.name), slog.String("client", r.x.Client.String()), slog.Any("error", err))
	}
	if errors.Is(err, errSlow) { // who still reads must not take what it has for all
		r.refuse(refusal{message.ServerFailure, "dns.transfer_cut", message.Other, errSlow.Error()})
	}
	r.finish(err)
}

// send sends the records of a zone and its SOA once more (RFC 5936 section 2.2), in as few messages as it takes; or the SOA alone.
// It is all of one version, since a zone never changes.
func (r *request) send(ctx context.Context, z *zone.Zone, only bool) error {
	p := newPacker(r)
	end := r.Now().Add(lengthMax)
	var soa miekg.RR
	for rr := range z.Records() {
		if soa == nil {
			soa = rr
		}
		if err := p.add(rr); err != nil {
			return err
		}
		if only {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.Now().After(end) {
			return errSlow
		}
	}
	if !only && soa != nil {
		if err := p.add(soa); err != nil {
			return err
		}
	}
	return p.flush()
}

// packer fills messages with records.
type packer struct {
	r     *request
	b     []byte // as long as a message may be without its OPT and its signature
	at    int    // where the next record goes
	count uint16
	names map[string]int // where names begin, to be pointed to
}

func newPacker(r *request) *packer {
	room := 1<<16 - 1
	if !r.x.TCP {
		room = sizeUDP
		if !r.x.Query.EDNS.Present {
			room = 512
		}
	}
	if r.signer != nil {
		room -= r.signer.Overhead()
	}
	if r.x.Query.EDNS.Present {
		opt := r.opt()
		room -= opt.Len()
	}
	p := &packer{r: r, b: make([]byte, room), names: map[string]int{}}
	p.begin()
	return p
}

// opt is the OPT record of each message of a transfer.
func (r *request) opt() *message.OPT { return &message.OPT{Size: sizeUDP, DO: r.x.Query.EDNS.DO} }

// begin begins a message with the question.
func (p *packer) begin() {
	p.at = len(message.AppendQuestion(p.b[:0], p.r.x.Query))
	p.count = 0
	clear(p.names)
}

// add adds a record, and sends what there is when it is enough.
func (p *packer) add(rr miekg.RR) error {
	at, err := miekg.PackRR(rr, p.b, p.at, p.names, true)
	if err != nil && p.count > 0 { // no room: in a message of its own there may be
		if err := p.flush(); err != nil {
			return err
		}
		at, err = miekg.PackRR(rr, p.b, p.at, p.names, true)
	}
	if err != nil {
		return err
	}
	p.at = at
	p.count++
	p.r.records++
	if p.at >= fill {
		return p.flush()
	}
	return nil
}

// flush sends the message, where there is anything in it.
func (p *packer) flush() error {
	if p.count == 0 {
		return nil
	}
	q := p.r.x.Query
	result := message.Result{Authoritative: true, Answers: p.count}
	b := make([]byte, p.at, p.at+512) // whoever sends it may keep it
	copy(b, p.b)
	if q.EDNS.Present {
		b = p.r.opt().Append(b)
		result.Additionals = 1
	}
	message.PutHeader(b, q, result, false)
	p.begin()
	return p.r.reply(b)
}

// serialOf returns the serial that the client of an IXFR has.
func serialOf(packet []byte) (uint32, bool) {
	var m miekg.Msg
	if m.Unpack(packet) != nil || len(m.Ns) != 1 {
		return 0, false
	}
	soa, ok := m.Ns[0].(*miekg.SOA)
	if !ok {
		return 0, false
	}
	return soa.Serial, true
}
