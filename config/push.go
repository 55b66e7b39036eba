package config

import (
	"net/mail"
	"net/url"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Push says how notifications reach browsers that have no page open.
type Push struct {
	Pos          roundtrip.Pos
	Subject      string        // mailto: or https: URL; default: https:// and the first site
	Grace        time.Duration // how long a page has to show a notification before it is pushed; default 10s
	AllowPrivate bool          // whether endpoints may lead to addresses that are not public
}

func pushKeys() []key {
	return []key{
		text("subject", func(p *Push) *string { return &p.Subject }).eg("mailto:operator@example.com").
			takes("mailto: and an address, or a URL with https").orElse("https:// and the name of the first site").each(checkSubject).
			says("Whom a push service asks when something is wrong with the messages. Some refuse messages without a good one."),
		duration("grace", "0s", "1h", func(p *Push) *time.Duration { return &p.Grace }).or("10s").eg("30s").
			says("How long a notification waits before it is pushed. It is not, if by then a page has shown it, or it was read or seen, or is gone. A change needs a restart."),
		truth("allow_private", func(p *Push) *bool { return &p.AllowPrivate }).or("false").eg("true").
			says("Whether browsers may name push services at an address of this machine or of a private network, and without TLS. For tests."),
	}
}

// checkSubject reports what is wrong with a contact: RFC 8292 section 2.1.
func checkSubject(text string) error {
	u, err := url.Parse(text)
	if err == nil && u.Scheme == "mailto" {
		if a, err := mail.ParseAddress(u.Opaque); err == nil && a.Address == u.Opaque {
			return nil
		}
	}
	if err == nil && u.Scheme == "https" && u.Host != "" {
		return nil
	}
	return mistake("is no contact; expected mailto: and an address, or a URL with https")
}
