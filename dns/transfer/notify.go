package transfer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/transfer/tsig"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

const (
	tellsMax    = 64              // NOTIFYs that are on their way at the same time
	attemptsMax = 10              // to tell one secondary of one serial: about 20 minutes; then it finds out by itself (REFRESH)
	answerWait  = 5 * time.Second // for the answer to one NOTIFY
	retryMax    = 5 * time.Minute // between two attempts
)

// target is a secondary that is told of changes of a zone.
type target struct {
	zone string
	peer netip.AddrPort
}

// telling is what a secondary was told. It is guarded by Service.mu.
type telling struct {
	serial   uint32 // that it is being told of
	cancel   context.CancelFunc
	done     bool
	heard    uint32 // that it confirmed
	at       time.Time
	attempts int
	problem  string
}

// Ready is closed when changes are told.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Changed says that zones or their declaration may have changed. It returns at once.
func (s *Service) Changed() {
	select {
	case s.changed <- struct{}{}:
	default: // what will be looked at next is this change too
	}
}

// Run tells secondaries of each new serial, until ctx ends: at the start too, since they may have missed what changed while
// nobody was here to tell.
func (s *Service) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	turns := make(chan struct{}, tellsMax)
	close(s.ready)
	for {
		for k, t := range s.begin(ctx) {
			all.Go(func() { s.tell(t.ctx, turns, k, t.telling) })
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// begun is a telling that has to be done.
type begun struct {
	*telling

	ctx context.Context
}

// begin finds out who has to be told of what, and gives up what is being told and no longer true.
func (s *Service) begin(ctx context.Context) map[target]begun {
	d := s.Declared()
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[target]uint32{}
	if d != nil {
		for i := range d.Zones {
			s.want(wanted, &d.Zones[i])
		}
	}
	for k, t := range s.told {
		if _, ok := wanted[k]; !ok {
			t.cancel()
			delete(s.told, k)
		}
	}
	all := map[target]begun{}
	for k, serial := range wanted {
		old := s.told[k]
		if old != nil && old.serial == serial && (!old.done || old.heard == serial) {
			continue
		}
		t := &telling{serial: serial}
		if old != nil {
			old.cancel()
			t.heard, t.at = old.heard, old.at
		}
		b := begun{telling: t}
		b.ctx, t.cancel = context.WithCancel(ctx)
		s.told[k], all[k] = t, b
	}
	return all
}

// want adds the secondaries of a zone that is served.
func (s *Service) want(wanted map[target]uint32, declared *config.Zone) {
	if declared.Transfer == nil || !declared.Transfer.Notify || len(declared.Transfer.To) == 0 {
		return
	}
	if z := s.served(declared.Name); z != nil {
		for _, p := range declared.Transfer.To {
			wanted[target{declared.Name, p.Addr}] = z.Serial()
		}
	}
}

// served returns the zone of a name, nil where it is not served now.
func (s *Service) served(name string) *zone.Zone {
	var key [255]byte
	n, err := miekg.PackDomainName(miekg.Fqdn(name), key[:], 0, nil, false)
	if err != nil {
		return nil
	}
	z, _ := s.find(name, key[:n])
	return z
}

// tell tells a secondary of a serial until it confirms that it has heard.
func (s *Service) tell(ctx context.Context, turns chan struct{}, k target, t *telling) {
	wait := s.Retry
	for range attemptsMax {
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
			return
		}
		again, err := s.notify(ctx, k, t.serial)
		<-turns
		if ctx.Err() != nil || s.noted(k, t, again, err) {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		wait = min(2*wait, retryMax)
	}
	s.mu.Lock()
	t.done = true
	problem := t.problem
	s.mu.Unlock()
	s.Log.Warn("dns: a secondary can't be told of a change; it finds out when its REFRESH is over", slog.String("zone", k.zone),
		slog.String("secondary", k.peer.String()), slog.String("problem", problem))
}

// noted notes what came of an attempt, and reports whether it was the last one.
func (s *Service) noted(k target, t *telling, again bool, err error) bool {
	s.mu.Lock()
	t.attempts++
	first := t.problem == ""
	t.problem = ""
	if err == nil {
		t.heard, t.at = t.serial, s.Now()
	} else {
		t.problem = err.Error()
	}
	t.done = err == nil || !again
	s.mu.Unlock()
	switch where := []any{slog.String("zone", k.zone), slog.String("secondary", k.peer.String()), slog.Uint64("serial", uint64(t.serial))}; {
	case err == nil:
		s.Log.Info("dns: a secondary was told of a change", where...)
	case first || !again:
		s.Log.Warn("dns: a secondary was not told of a change", append(where, slog.Any("error", err), slog.Bool("again", again))...)
	}
	return err == nil || !again
}

// notify sends one NOTIFY and waits for its answer. again says whether trying once more may help.
func (s *Service) notify(ctx context.Context, k target, serial uint32) (again bool, err error) {
	z := s.served(k.zone)
	if z == nil || z.Serial() != serial {
		return false, errors.New("the zone has changed again")
	}
	key, err := s.keyFor(k.zone)
	if err != nil {
		return true, err
	}
	packet, signer, err := s.notice(z, key)
	if err != nil {
		return true, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	conn, err := s.Dial(ctx, "udp", k.peer.String())
	if err != nil {
		return true, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_, err = conn.Write(packet)
	var answer []byte
	if err == nil {
		answer, err = answerTo(conn, packet)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return true, errors.New("nothing listens there (connection refused)")
	case err != nil && ctx.Err() != nil:
		return true, fmt.Errorf("no answer within %v", answerWait)
	case err != nil:
		return true, err
	}
	return s.judge(answer, key, signer)
}

// keyFor returns the key of a zone's transfers, one without a name where they are not signed.
func (s *Service) keyFor(name string) (tsig.Key, error) {
	d := s.Declared()
	if d == nil {
		return tsig.Key{}, nil
	}
	for _, z := range d.Zones {
		if z.Name == name && z.Transfer != nil {
			return keyOf(d, z.Transfer.Key.Text)
		}
	}
	return tsig.Key{}, nil
}

// notice makes the message (RFC 1996 section 3.7), with the new SOA as a hint, and signs it where there is a key.
func (s *Service) notice(z *zone.Zone, key tsig.Key) ([]byte, *tsig.Signer, error) {
	var id [2]byte
	if _, err := io.ReadFull(s.Rand, id[:]); err != nil {
		return nil, nil, err
	}
	m := new(miekg.Msg).SetNotify(miekg.Fqdn(z.Name()))
	m.Id = binary.BigEndian.Uint16(id[:])
	for soa := range z.Records() {
		m.Answer = append(m.Answer, soa)
		break
	}
	packet, err := m.Pack()
	if err != nil || key.Name == "" {
		return packet, nil, err
	}
	signer := tsig.Request(key)
	return signer.Sign(packet, s.Now()), signer, nil
}

// answerTo reads until the answer comes; what is none is left alone.
func answerTo(conn net.Conn, request []byte) ([]byte, error) {
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return nil, err
		}
		if n >= 12 && b[0] == request[0] && b[1] == request[1] && b[2]&0x80 != 0 && b[2]&0x78 == request[2]&0x78 {
			return b[:n], nil
		}
	}
}

// judge reads the answer to a NOTIFY.
func (s *Service) judge(answer []byte, key tsig.Key, signer *tsig.Signer) (again bool, err error) {
	rcode := int(answer[3] & 15)
	said := miekg.RcodeToString[rcode]
	signature, err := tsig.Read(answer)
	if err != nil {
		return true, fmt.Errorf("its answer is broken: %w", err)
	}
	if signature != nil && signature.Fault() != tsig.None {
		said += ", " + signature.Fault().String() + ": " + sentenceOf(signature.Fault())
	}
	switch {
	case rcode == miekg.RcodeServerFailure:
		return true, fmt.Errorf("it answered %s", said)
	case rcode != miekg.RcodeSuccess:
		return false, fmt.Errorf("it answered %s; does it have the zone, and take NOTIFY from this address and with this key?", said)
	case signer == nil:
		return false, nil
	case signature == nil:
		return true, errors.New("its answer is not signed")
	}
	if fault, err := signature.VerifyAnswer(key, signer.MAC(), s.Now()); err != nil || fault != tsig.None {
		return true, fmt.Errorf("the signature of its answer is bad (%v): %s", fault, sentenceOf(fault))
	}
	return false, nil
}
