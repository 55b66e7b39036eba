package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// subjectMax is how many characters of a notification's text a subject has.
const subjectMax = 120

// send hands one letter in, on a connection of its own.
func (s *Sender) send(ctx context.Context, to string, note *courier.Note, job int64) courier.Outcome {
	letter, err := s.letter(to, note, job)
	if err != nil { // an address that is none: no other try helps
		return courier.Outcome{Over: true, Why: err.Error(), Reason: "mail.refused"}
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	client, err := s.client(func(conn net.Conn) { // go-mail leaves it open where it fails early, and heeds no context later
		context.AfterFunc(ctx, func() { _ = conn.Close() })
	})
	if err != nil {
		return courier.Outcome{Why: err.Error(), Reason: "mail.unreachable"}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return courier.Outcome{Why: "connecting to " + s.o.Server.Host + ": " + err.Error(), Reason: "mail.unreachable"}
	}
	err = client.SendWithSMTPClient(session, letter)
	if err == nil {
		_ = client.CloseWithSMTPClient(session) // the letter was taken, whatever becomes of the farewell
		return courier.Outcome{Done: true, Evidence: trace.Reported, Why: "the mail server took it"}
	}
	got := courier.Outcome{Why: oneLine(err.Error(), subjectMax), Reason: "mail.unreachable"}
	if refused, ok := errors.AsType[*mail.SendError](err); ok && refused.ErrorCode() > 0 {
		got.Status, got.Evidence, got.Reason = refused.ErrorCode(), trace.Reported, "mail.put_off"
		if got.Over = got.Status/100 == 5; got.Over {
			got.Reason = "mail.refused"
		}
	}
	return got
}

// client makes go-mail's client for one letter. opened is told of the connection.
func (s *Sender) client(opened func(net.Conn)) (*mail.Client, error) {
	server := s.o.Server
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if server.TLS != nil {
		config = server.TLS.Clone()
	}
	config.ServerName = server.Host
	dial := (&net.Dialer{}).DialContext
	options := []mail.Option{mail.WithPort(server.Port), mail.WithTimeout(timeout), mail.WithTLSConfig(config), mail.WithHELO(s.domain())}
	auth := mail.SMTPAuthPlain
	switch server.Security {
	case StartTLS:
		options, auth = append(options, mail.WithTLSPolicy(mail.TLSMandatory)), mail.SMTPAuthAutoDiscover
	case TLS:
		options, dial = append(options, mail.WithSSL()), (&tls.Dialer{Config: config}).DialContext
	case Clear:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if server.User != "" {
		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(server.User), mail.WithPassword(server.Password))
	}
	return mail.NewClient(server.Host, append(options, mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			opened(conn)
		}
		return conn, err
	}))...)
}

// domain is that of the sender's address.
func (s *Sender) domain() string {
	return s.from.Address[strings.LastIndexByte(s.from.Address, '@')+1:]
}

// letter writes the letter. Whoever sends it twice sends the same one: its Message-ID is that of the job.
func (s *Sender) letter(to string, note *courier.Note, job int64) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(s.from.String()); err != nil {
		return nil, err
	}
	if err := m.To(to); err != nil {
		return nil, err
	}
	m.Subject(oneLine(note.Text, subjectMax))
	m.SetDateWithValue(s.o.Now())
	m.SetMessageIDWithValue(fmt.Sprintf("%s.%d@%s", note.ID, job, s.domain()))
	m.SetGenHeader("Auto-Submitted", "auto-generated") // so that no absence note answers (RFC 3834 section 5)
	body := note.Text + "\n"
	if s.o.Link != "" {
		body += "\n" + s.o.Link + "\n"
	}
	m.SetBodyString(mail.TypeTextPlain, body)
	return m, nil
}

// oneLine makes one line of a text, and cuts it.
func oneLine(text string, most int) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(r)
}
