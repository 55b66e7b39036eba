// Package mail is part of station 9: it tells people of notifications by e-mail (SMTP, RFC 5321). A letter is sent some
// minutes after its notification, and only if nobody has seen it by then and it is still there.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/mail"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Security says how the connection to the server is kept from others.
type Security string

// The ways.
const (
	StartTLS Security = "starttls" // begins in the clear and must become TLS (RFC 3207)
	TLS      Security = "tls"      // TLS from the start (RFC 8314 section 3.3)
	Clear    Security = "off"      // for a server on this machine
)

// Server is where letters are handed in.
type Server struct {
	Host     string
	Port     int
	Security Security
	TLS      *tls.Config // nil: the system's authorities
	User     string      // "" for none
	Password string
}

// Options is what a Sender is made of. All of it must be given but Link, Grace and Log.
type Options struct {
	Server  Server
	From    string                                                          // an address, with or without a name (RFC 5322 section 3.4)
	Link    string                                                          // where the recipient finds the application, "" for nowhere
	Address func(ctx context.Context, account roundtrip.ID) (string, error) // of an account, "" for none
	Notes   courier.Notes
	Grace   time.Duration // how long a letter waits before it is due
	Outbox  courier.Outbox
	Now     func() time.Time
	Jitter  func() float64
	Log     *slog.Logger // nil: nothing is logged

	Recorder *trace.Recorder // keeps a journey of each try; nil: none is kept
}

const (
	timeout = 30 * time.Second // of one letter; less than a claim lasts
	atOnce  = 4                // letters that are under way, each on a connection of its own
	giveUp  = 24 * time.Hour   // after which a letter tells no news any more
)

// Sender sends letters.
type Sender struct {
	*courier.Courier
	o     Options
	from  *mail.Address
	ready chan struct{}
}

// New makes a Sender. It opens nothing.
func New(o Options) (*Sender, error) {
	if o.Server.Host == "" || o.Server.Port == 0 || o.Server.Security == "" || o.Address == nil || o.Notes == nil || o.Now == nil {
		return nil, errors.New("mail.New: Server, Address, Notes and Now must be given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sender{o: o, ready: make(chan struct{})}
	var err error
	if s.from, err = mail.ParseAddress(o.From); err != nil {
		return nil, err
	}
	s.Courier, err = courier.New(courier.Options{
		Kind: store.JobEmail, What: "e-mail", Outbox: o.Outbox, Do: s.tell, AtOnce: atOnce, GiveUp: giveUp + o.Grace, Spare: true, Drop: true,
		Now: o.Now, Jitter: o.Jitter, Log: o.Log, Recorder: o.Recorder, Layer: trace.Mail, Name: "mail",
	})
	return s, err
}

// Ready is closed when the sender runs.
func (s *Sender) Ready() <-chan struct{} { return s.ready }

// Run sends what is due until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	close(s.ready)
	return s.Courier.Run(ctx)
}

// tell writes to somebody of one notification, if there is still something to tell.
func (s *Sender) tell(ctx context.Context, job store.Job) courier.Outcome {
	account, note, ok, err := courier.LoadNote(ctx, s.o.Notes, job, roundtrip.ChannelEmail, s.o.Now().Add(-giveUp-s.o.Grace))
	if err != nil {
		return courier.Outcome{Why: err.Error(), Reason: roundtrip.AsError(err).Reason}
	}
	if !ok {
		return courier.Outcome{Done: true, Skipped: true, Why: courier.NothingToTell}
	}
	to, err := s.o.Address(ctx, account)
	if err != nil {
		return courier.Outcome{Why: err.Error(), Reason: roundtrip.AsError(err).Reason}
	}
	if to == "" {
		return courier.Outcome{Done: true, Skipped: true, Why: "the account has no address"}
	}
	if j := trace.From(ctx); j != nil {
		j.Host = s.o.Server.Host
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.send(ctx, to, note, job.ID)
}
