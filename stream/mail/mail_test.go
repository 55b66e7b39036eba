package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/stream/mail"
	"github.com/roundtrip-dev/roundtrip/stream/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notes are the notifications as they are when they are looked up.
type notes map[roundtrip.ID]*courier.Note

func (n notes) Note(_ context.Context, _, id roundtrip.ID) (*courier.Note, error) { return n[id], nil }

// house is a sender and a mail server.
type house struct {
	t      *testing.T
	server *mailtest.Server
	sender *mail.Sender
	notes  notes
}

func openHouse(t *testing.T, o mailtest.Options, change func(*mail.Options)) *house {
	t.Helper()
	h := &house{t: t, server: mailtest.Start(t, o), notes: notes{}}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(h.server.CA)
	security := mail.StartTLS
	if o.TLS {
		security = mail.TLS
	}
	outbox, err := sqlite.New(sqlite.Options{Path: filepath.Join(t.TempDir(), "x.db"), Now: time.Now, IDs: roundtrip.NewIDs(1, time.Now), PoolWait: time.Minute})
	must(t, err)
	options := mail.Options{
		Server: mail.Server{Host: h.server.Host, Port: h.server.Port, Security: security, TLS: &tls.Config{RootCAs: roots}, User: mailtest.User, Password: mailtest.Password},
		From:   "Gällery <no-reply@gallery.test>", Link: "https://gallery.test", Notes: h.notes, Outbox: outbox,
		Address: func(_ context.Context, account roundtrip.ID) (string, error) {
			return map[roundtrip.ID]string{1: "ana@example.com", 3: "no address", 4: "bo@example.com"}[account], nil
		},
		Now: time.Now, Jitter: func() float64 { return 0.5 },
	}
	if change != nil {
		change(&options)
	}
	h.sender, err = mail.New(options)
	must(t, err)
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits until something holds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for late := time.After(time.Minute); !holds(); {
		select {
		case <-late:
			t.Fatal("never: " + what)
		case <-time.After(time.Millisecond):
		}
	}
}

// tell does the job of a note.
func (h *house) tell(account, note roundtrip.ID) courier.Outcome {
	h.t.Helper()
	payload, err := json.Marshal(map[string]any{"account": account.String(), "note": note.String()})
	must(h.t, err)
	return h.sender.Tell(h.t.Context(), store.Job{ID: 17, Kind: store.JobEmail, Payload: string(payload), Tries: 1})
}

const said = "bö commented: \"two\r\nBcc: everybody@example.com\nlines\""

func TestMail_SendsALetter(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]mailtest.Options{"STARTTLS": {Sign: true}, "TLS": {Sign: true, TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, o, nil)
			h.notes[5] = &courier.Note{ID: 5, Changed: time.Now(), Text: said}
			if got := h.tell(1, 5); !got.Done {
				t.Fatalf("%+v", got)
			}
			all := h.server.Letters()
			if len(all) != 1 || all[0].From != "no-reply@gallery.test" || all[0].To != "ana@example.com" || !all[0].Signed || !all[0].Secure {
				t.Fatalf("came %+v", all)
			}
			head := all[0].Message.Header
			subject, err := new(mime.WordDecoder).DecodeHeader(head.Get("Subject"))
			if err != nil || subject != `bö commented: "two Bcc: everybody@example.com lines"` || head.Get("Bcc") != "" {
				t.Errorf("subject %q %v, head %v", subject, err, head)
			}
			if head.Get("Auto-Submitted") != "auto-generated" || head.Get("Message-ID") != "<"+roundtrip.ID(5).String()+".17@gallery.test>" {
				t.Errorf("head %v", head)
			}
			if from, err := head.AddressList("From"); err != nil || from[0].Name != "Gällery" {
				t.Errorf("from %v %v", from, err)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(all[0].Body)))
			if err != nil || !strings.Contains(string(body), "bö commented: \"two") || !strings.Contains(string(body), "https://gallery.test") {
				t.Errorf("body %q %v", body, err)
			}
		})
	}
}

func TestMail_IsNotSentWhenNothingIsToBeTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		note    *courier.Note
		account roundtrip.ID
	}{
		"gone":         {account: 1},
		"read or seen": {account: 1, note: &courier.Note{ID: 5, Changed: time.Now(), Text: "x", Settled: true}},
		"turned off":   {account: 1, note: &courier.Note{ID: 5, Changed: time.Now(), Text: "x", Off: []roundtrip.Channel{roundtrip.ChannelEmail}}},
		"old":          {account: 1, note: &courier.Note{ID: 5, Changed: time.Now().Add(-25 * time.Hour), Text: "x"}},
		"no address":   {account: 2, note: &courier.Note{ID: 5, Changed: time.Now(), Text: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, mailtest.Options{}, nil)
			if tt.note != nil {
				h.notes[5] = tt.note
			}
			if got := h.tell(tt.account, 5); !got.Done || len(h.server.Letters()) != 0 {
				t.Fatalf("%+v, %d came", got, len(h.server.Letters()))
			}
		})
	}
}

func TestMail_Failures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server mailtest.Options
		change func(*mail.Options)
		over   bool
		why    string
		to     roundtrip.ID
	}{
		"no such recipient":      {server: mailtest.Options{Answer: func(string) string { return "550 no such user" }}, over: true, why: "no such user"},
		"later":                  {server: mailtest.Options{Answer: func(string) string { return "451 greylisted" }}, why: "greylisted"},
		"no address":             {to: 3, over: true, why: "no address"},
		"wrong password":         {change: func(o *mail.Options) { o.Server.Password = "wrong" }, why: "535"},
		"another's certificate":  {change: func(o *mail.Options) { o.Server.TLS = nil }, why: "certificate"},
		"no TLS where it must":   {server: mailtest.Options{Clear: true}, why: "STARTTLS"},
		"a server that is not":   {change: func(o *mail.Options) { o.Server.Port = 1 }, why: "refused"},
		"another's, TLS at once": {server: mailtest.Options{TLS: true}, change: func(o *mail.Options) { o.Server.TLS = nil }, why: "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, tt.server, tt.change)
			h.notes[5] = &courier.Note{ID: 5, Changed: time.Now(), Text: "x"}
			to := max(tt.to, 1)
			got := h.tell(to, 5)
			if got.Done || got.Over != tt.over || !strings.Contains(got.Why, tt.why) || strings.Contains(got.Why, mailtest.Password) || len(h.server.Letters()) != 0 {
				t.Fatalf("%+v", got)
			}
			within(t, "no connection is left open", func() bool { return h.server.Open() == 0 })
		})
	}
}

// A server that says nothing holds nobody longer than the letter may take.
func TestMail_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	h := openHouse(t, mailtest.Options{Hang: true}, nil)
	h.notes[5] = &courier.Note{ID: 5, Changed: time.Now(), Text: "x"}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan courier.Outcome, 1)
	payload := `{"account":"` + roundtrip.ID(1).String() + `","note":"` + roundtrip.ID(5).String() + `"}`
	go func() { ended <- h.sender.Tell(ctx, store.Job{ID: 17, Payload: payload}) }()
	within(t, "the sender has connected", func() bool { return h.server.Open() > 0 })
	cancel(errors.New("stopped"))
	if got := <-ended; got.Done || got.Over {
		t.Fatalf("%+v", got)
	}
}

// A grace of a week is no reason to tell nobody: what is old counts from when the letter was due.
func TestMail_WaitsAsLongAsItsGrace(t *testing.T) {
	t.Parallel()
	h := openHouse(t, mailtest.Options{}, func(o *mail.Options) { o.Grace = 7 * 24 * time.Hour })
	h.notes[5] = &courier.Note{ID: 5, Changed: time.Now().Add(-7*24*time.Hour - time.Minute), Text: "x"}
	if got := h.tell(1, 5); !got.Done || len(h.server.Letters()) != 1 {
		t.Fatalf("%+v, %d came", got, len(h.server.Letters()))
	}
}
