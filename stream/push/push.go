// Package push is part of station 9: it tells people of notifications in browsers that have no page open (Web Push, RFC
// 8030). A push is sent a little after its notification, and only if no page has shown it by then, nobody has read it and
// it is still there.
package push

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/publicnet"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Subscriptions keeps which browsers are pushed to. *sqlite.Store does.
type Subscriptions interface {
	PutPush(ctx context.Context, sub roundtrip.PushSubscription) error
	DropPush(ctx context.Context, account roundtrip.ID, endpoint string) error
	ForgetPush(ctx context.Context, sub roundtrip.PushSubscription) error
	Pushes(ctx context.Context, account roundtrip.ID) ([]roundtrip.PushSubscription, error)
}

// Options is what a Sender is made of. All of it must be given but AllowPrivate, Grace, Acked, Client, Log and Leave.
type Options struct {
	Seed          []byte        // of the key that proves who sends; with another one all subscriptions are lost
	Subject       string        // mailto: or https: URL of whoever answers for the messages
	Title         string        // what a notification is headed with
	AllowPrivate  bool          // whether endpoints may lead to addresses that are not public, and need no TLS
	Grace         time.Duration // how long a push waits before it is due
	Subscriptions Subscriptions
	Notes         courier.Notes
	Acked         func(account roundtrip.ID) int64 // up to which position a page has shown the inbox; nil: none has
	Outbox        courier.Outbox
	Now           func() time.Time
	Rand          io.Reader
	Jitter        func() float64
	Log           *slog.Logger    // nil: nothing is logged
	Recorder      *trace.Recorder // keeps a journey of each try; nil: none is kept

	// Leave is asked about each connection before it is made; see [publicnet.Options]. nil: nobody is.
	Leave func(network, address string, c syscall.RawConn) error
}

const (
	timeout = 15 * time.Second
	atOnce  = 16             // notifications that are under way
	life    = 24 * time.Hour // after which a push tells no news any more: how long we try, and how long a push service keeps it
)

// Sender sends pushes and keeps subscriptions.
type Sender struct {
	*courier.Courier
	o      Options
	vapid  *vapid
	client *http.Client
	ready  chan struct{}
	hosts  hosts

	mu   sync.Mutex                    // guards told
	told map[int64]map[string]struct{} // by job that failed in part: the endpoints that have it
}

// New makes a Sender. It opens nothing.
func New(o Options) (*Sender, error) {
	if len(o.Seed) == 0 || o.Subject == "" || o.Subscriptions == nil || o.Notes == nil || o.Rand == nil {
		return nil, errors.New("push.New: Seed, Subject, Subscriptions, Notes and Rand must be given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sender{
		o: o, ready: make(chan struct{}), told: map[int64]map[string]struct{}{}, hosts: hosts{of: map[string]*host{}},
		client: publicnet.Client(publicnet.Options{AllowPrivate: o.AllowPrivate, Timeout: timeout, Conns: 2 * atOnce, Leave: o.Leave}),
	}
	var err error
	if s.vapid, err = newVapid(o.Seed, o.Subject); err != nil {
		return nil, err
	}
	s.Courier, err = courier.New(courier.Options{
		Kind: store.JobPush, What: "push", Outbox: o.Outbox, Do: s.tell, AtOnce: atOnce, GiveUp: life + o.Grace, Drop: true,
		Now: o.Now, Jitter: o.Jitter, Log: o.Log, Recorder: o.Recorder, Layer: trace.WebPush, Name: "push",
	})
	return s, err
}

// Ready is closed when the sender runs.
func (s *Sender) Ready() <-chan struct{} { return s.ready }

// Run sends what is due until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	close(s.ready)
	defer s.client.CloseIdleConnections()
	return s.Courier.Run(ctx)
}

// Key returns the public key that browsers subscribe with, the applicationServerKey of the Push API, in Base64url.
func (s *Sender) Key() string { return s.vapid.public }

// Subscribe keeps a browser of an account until the session ends that it was done in; 0 stands for none. The keys are Base64url, as PushSubscription.toJSON gives them. The error is a
// *roundtrip.Error of kind Invalid that says which member is wrong.
func (s *Sender) Subscribe(ctx context.Context, account, session roundtrip.ID, endpoint, p256dh, auth string) error {
	sub := roundtrip.PushSubscription{Account: account, Session: session, Endpoint: endpoint}
	var wrong []roundtrip.Detail
	if message := s.wrongEndpoint(endpoint); message != "" {
		wrong = append(wrong, roundtrip.Detail{Pointer: "/endpoint", Code: "wrong_value", Message: message})
	}
	var err error
	if sub.P256dh, err = key(p256dh); err != nil {
		wrong = append(wrong, roundtrip.Detail{Pointer: "/keys/p256dh", Code: "wrong_value", Message: "p256dh is no Base64url"})
	}
	if sub.Auth, err = key(auth); err != nil {
		wrong = append(wrong, roundtrip.Detail{Pointer: "/keys/auth", Code: "wrong_value", Message: "auth is no Base64url"})
	}
	if wrong == nil {
		if err := checkKeys(sub.P256dh, sub.Auth); err != nil {
			wrong = append(wrong, roundtrip.Detail{Pointer: "/keys", Code: "wrong_value", Message: err.Error()})
		}
	}
	if wrong != nil {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "this is no push subscription; send what PushSubscription.toJSON() gives").With(wrong...)
	}
	return s.o.Subscriptions.PutPush(ctx, sub)
}

// key reads Base64url with or without its padding.
func key(text string) ([]byte, error) {
	for len(text) > 0 && text[len(text)-1] == '=' {
		text = text[:len(text)-1]
	}
	return base64.RawURLEncoding.DecodeString(text)
}

// endpointMax is the longest URL that is kept.
const endpointMax = 2048

// wrongEndpoint says what is wrong with an endpoint, "" for nothing. Its address is judged when it is connected to.
func (s *Sender) wrongEndpoint(endpoint string) string {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Hostname() == "", u.User != nil, u.Scheme != "https" && (u.Scheme != "http" || !s.o.AllowPrivate):
		return "the endpoint is no https URL"
	case len(endpoint) > endpointMax:
		return "the endpoint is too long"
	}
	return ""
}

// Unsubscribe drops a browser of an account. One that is not there is no error.
func (s *Sender) Unsubscribe(ctx context.Context, account roundtrip.ID, endpoint string) error {
	return s.o.Subscriptions.DropPush(ctx, account, endpoint)
}

// newKey makes the key and salt of one message.
func (s *Sender) newKey() (*ecdh.PrivateKey, []byte, error) {
	own, err := ecdh.P256().GenerateKey(s.o.Rand)
	if err != nil {
		return nil, nil, err
	}
	salt := make([]byte, saltBytes)
	_, err = io.ReadFull(s.o.Rand, salt)
	return own, salt, err
}
