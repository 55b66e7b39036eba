package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"os"
	"sync"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/stream/mail"
	"github.com/roundtrip-dev/roundtrip/stream/push"
	"github.com/roundtrip-dev/roundtrip/stream/webhook"
)

// outward is what a house tells others after a commit.
type outward struct {
	webhooks *webhook.Sender
	push     *push.Sender
	mail     *mail.Sender  // nil where no server is declared
	retired  chan struct{} // closed when the house is no longer in force
}

// assembleOutward makes the senders of a house. A command makes them too, and never runs them.
func (a *App) assembleOutward(h *house, b *base) (*outward, error) {
	out := &outward{retired: make(chan struct{})}
	problems := h.config.Problems()
	hooks := hooksOf(h.config, problems)
	server := mailServer(h.config, problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	var err error
	out.webhooks, err = webhook.New(webhook.Options{Hooks: hooks, Outbox: b.store, Now: a.around.Now, Jitter: a.jitter, Log: a.log, Leave: a.guard.Leave, Recorder: a.recorder})
	if err != nil {
		return nil, err
	}
	out.push, err = push.New(push.Options{
		Seed: b.vapid, Subject: subjectOf(h.config), Title: h.config.Name, AllowPrivate: h.config.Push.AllowPrivate, Grace: h.config.Push.Grace,
		Subscriptions: b.store, Notes: h.inbox, Acked: b.live.Acked, Outbox: b.store,
		Now: a.around.Now, Rand: a.around.Rand, Jitter: a.jitter, Log: a.log, Leave: a.guard.Leave, Recorder: a.recorder,
	})
	if err != nil || server == nil {
		return out, err
	}
	out.mail, err = mail.New(mail.Options{
		Server: *server, From: h.config.Mail.From, Link: siteLink(h.config), Grace: h.config.Mail.Grace, Address: h.addresses(b), Notes: h.inbox, Outbox: b.store,
		Now: a.around.Now, Jitter: a.jitter, Log: a.log, Recorder: a.recorder,
	})
	return out, err
}

// hooksOf reads the secrets of the webhooks.
func hooksOf(c *config.Config, problems *config.Problems) []webhook.Hook {
	var hooks []webhook.Hook
	for _, h := range c.Webhooks {
		secret, err := h.Secret.Value()
		if err != nil {
			problems.Add(h.Secret.Pos, "%v", err)
			continue
		}
		key, err := config.SigningKey(secret)
		if err != nil {
			problems.Add(h.Secret.Pos, "the secret of the webhook %s %v", h.Name, err).Expect("a text of at least 16 characters, or whsec_ and Base64")
			continue
		}
		hooks = append(hooks, webhook.Hook{Name: h.Name, URL: h.URL.Text, Key: key, AllowPrivate: h.AllowPrivate})
	}
	return hooks
}

// mailServer reads the password and the authorities of the mail server, nil where none is declared.
func mailServer(c *config.Config, problems *config.Problems) *mail.Server {
	m := c.Mail
	if m == nil {
		return nil
	}
	server := &mail.Server{Host: m.Host, Port: m.Port, Security: mail.Security(m.TLS), User: m.User}
	if !m.Password.IsZero() {
		password, err := m.Password.Value()
		if err != nil {
			problems.Add(m.Password.Pos, "%v", err)
		}
		server.Password = trimLine(password)
	}
	if m.CA != "" {
		roots := x509.NewCertPool()
		if pem, err := os.ReadFile(m.CA); err != nil {
			problems.Add(m.Pos, "the certificates of mail.ca can't be read: %v", err)
		} else if !roots.AppendCertsFromPEM(pem) {
			problems.Add(m.Pos, "%s holds no certificates", m.CA).Expect("certificates in PEM")
		}
		server.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return server
}

// trimLine drops the end of the line that editors leave in a file with one word in it.
func trimLine(b []byte) string {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return string(b)
}

// siteLink is where people find the application, "" where it has no site.
func siteLink(c *config.Config) string {
	if len(c.Sites) == 0 {
		return ""
	}
	if c.Sites[0].TLS.Mode == config.TLSOff {
		return "http://" + c.Sites[0].Name
	}
	return "https://" + c.Sites[0].Name
}

// subjectOf is whom push services ask.
func subjectOf(c *config.Config) string {
	if c.Push.Subject != "" {
		return c.Push.Subject
	}
	if len(c.Sites) == 0 {
		return "https://localhost"
	}
	return "https://" + c.Sites[0].Name
}

// addresses finds the address of an account: its first email field, "" where that is empty or the account is gone.
func (h *house) addresses(b *base) func(context.Context, roundtrip.ID) (string, error) {
	users := h.schema.Accounts()
	return func(ctx context.Context, account roundtrip.ID) (string, error) {
		if users == nil || users.FirstOf(roundtrip.TypeEmail) < 0 {
			return "", nil
		}
		record, _, err := b.store.LoadAccount(ctx, users, account)
		if roundtrip.AsError(err).Kind == roundtrip.Missing {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return record.Values[users.FirstOf(roundtrip.TypeEmail)].Text(), nil
	}
}

// jitter returns a number from 0 to 1 at random.
func (a *App) jitter() float64 {
	var b [8]byte
	_, _ = io.ReadFull(a.around.Rand, b[:]) // without randomness the tries are not spread, which is no reason not to try
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}

// run sends until ctx ends. The errors of the senders say that it has.
func (o *outward) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { _ = o.webhooks.Run(ctx) })
	all.Go(func() { _ = o.push.Run(ctx) })
	if o.mail != nil {
		all.Go(func() { _ = o.mail.Run(ctx) })
	}
	all.Wait()
}

// committed is told of a change that was committed. It never blocks.
func (o *outward) committed(c roundtrip.Change) {
	switch {
	case c.Inbox():
		o.push.Hint()
		if o.mail != nil {
			o.mail.Hint()
		}
	case !c.Counts && len(c.Collection.Hooks[c.Action]) > 0:
		o.webhooks.Hint()
	}
}

// runOutward runs the senders of the house that is in force. Those of the next one start when the ones before have ended,
// so that what one record has to say never overtakes itself.
func (a *App) runOutward(ctx context.Context) error {
	for {
		out := a.house.Load().outward
		run, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() { defer close(ended); out.run(run) }()
		select {
		case <-ctx.Done():
		case <-out.retired:
		}
		cancel()
		<-ended
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
