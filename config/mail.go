package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Mail says how e-mail is sent.
type Mail struct {
	Pos      roundtrip.Pos
	Host     string // of the server
	Port     int    // of the server; default 587 for starttls, 465 for tls, 25 for off
	From     string // an address, with or without a name
	User     string // "" for none
	Password Secret
	TLS      string        // starttls, tls or off
	CA       string        // absolute path of certificates in PEM that the server's is checked with, "" for the system's
	Grace    time.Duration // how long a notification may be seen before it is mailed; default 5m
}

func mailKey() key {
	password := special("password", "{ env: NAME } or { file: path }", nil, func(d *decoder, m *Mail, n *node) {
		if n.kind == scalarNode {
			d.add(n, "a secret can't stand in the declaration").Expect("{ env: NAME } or { file: path }")
			return
		}
		m.Password = d.secret(n)
	})
	password.typ.keys = secretKeys()
	server := special("server", "smtp:// and a host, perhaps with a port, such as smtp://smtp.example.com:587",
		map[string]any{"type": "string", "pattern": "^smtp://.+"}, decodeMailServer)
	return optional("mail", func(c *Config) **Mail { return &c.Mail }, func(m *Mail, pos roundtrip.Pos) { m.Pos = pos },
		server.must().eg("smtp://smtp.example.com:587").
			says("The server that takes e-mail from us: smtp:// and its host, perhaps with a port."),
		text("from", func(m *Mail) *string { return &m.From }).must().takes("an address, such as 'Gallery <no-reply@example.com>'").
			eg("'Gallery <no-reply@example.com>'").each(checkFrom).
			says("The sender: an address, with or without a name before it."),
		text("user", func(m *Mail) *string { return &m.User }).eg("gallery").orElse("none: the server takes mail without a sign-in").
			says("The name to sign in to the server with."),
		password.eg("{ env: SMTP_PASSWORD }").orElse("none").
			says("The password to sign in to the server with."),
		choice("tls", []string{"starttls", "tls", "off"}, func(m *Mail, s string) { m.TLS = s }).or("starttls").eg("tls").
			says("starttls: the connection begins in the clear and must become TLS (port 587). tls: TLS from the start (port 465). off: in the clear, for a server on this machine (port 25)."),
		folder("ca", func(m *Mail) *string { return &m.CA }).eg("certs/mail-ca.pem").orElse("the system's authorities").
			says("Certificates in PEM of the authorities that the server's certificate is checked with."),
		duration("grace", "0s", "7d", func(m *Mail) *time.Duration { return &m.Grace }).or("5m").eg("1h").
			says("How long a notification waits before it is mailed. It is not, if it was read or seen by then, or is gone. A change needs a restart.")).
		after(checkMail).orElse("none: no e-mail is sent").
		says("The server that e-mail is sent through, for notifications with the channel email. They go to the first email field of the account.")
}

func decodeMailServer(d *decoder, m *Mail, n *node) {
	v, ok := d.text(n)
	if !ok {
		return
	}
	u, err := url.Parse(v)
	port := 0
	if err == nil && u.Port() != "" {
		port, err = strconv.Atoi(u.Port())
	}
	switch {
	case err == nil && u.Scheme == "smtps":
		d.add(n, "server begins with smtp://, also where TLS is there from the start").Expect("smtp://%s with tls: tls beside it", u.Host)
	case err == nil && u.User != nil:
		d.add(n, "a user or password can't stand in the server's URL").Expect("user: and password: beside it")
	case err != nil, u.Scheme != "smtp", u.Hostname() == "", u.Path != "" || u.RawQuery != "" || u.Fragment != "", port > 65535:
		d.add(n, "%q names no mail server", shorten(v)).Expect("smtp:// and a host, perhaps with a port, such as smtp://smtp.example.com:587")
	default:
		m.Host, m.Port = u.Hostname(), port
	}
}

func checkFrom(text string) error {
	if _, err := mail.ParseAddress(text); err != nil {
		return mistake("is no address; expected such as no-reply@example.com or 'Gallery <no-reply@example.com>'")
	}
	return nil
}

// checkMail looks at what is only seen together, and sets the usual port.
func checkMail(d *decoder, target any, n *node) {
	m := target.(*Config).Mail
	switch {
	case m.User == "" && !m.Password.IsZero():
		d.add(n, "mail has a password and no user").Expect("user: with the name that the password belongs to")
	case m.User != "" && m.Password.IsZero():
		d.add(n, "mail has a user and no password").Expect("password: with { env: NAME } or { file: path }")
	case m.TLS == "off" && !m.Password.IsZero() && !loopbackHost(m.Host):
		d.add(n, "with tls: off the password would travel to %s in the clear", m.Host).Expect("tls: starttls or tls")
	}
	if m.Port == 0 {
		m.Port = map[string]int{"starttls": 587, "tls": 465, "off": 25}[m.TLS]
	}
}

func loopbackHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Address returns host:port of the server.
func (m *Mail) Address() string { return net.JoinHostPort(m.Host, strconv.Itoa(m.Port)) }
