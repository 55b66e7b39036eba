package config

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// Webhook is another program that is told of writes over HTTP.
type Webhook struct {
	Pos          roundtrip.Pos
	Name         string
	When         []Name // COLLECTION.created, .updated or .deleted; package schema judges them
	URL          Name
	Secret       Secret // signs each message
	AllowPrivate bool   // whether the URL may lead to loopback, private and link-local addresses
}

func webhooksKey() key {
	k := named("webhooks", "webhook", func(c *Config) *[]Webhook { return &c.Webhooks },
		func(w *Webhook, name string, pos roundtrip.Pos) { w.Name, w.Pos = name, pos }, webhookKeys()...)
	read := k.set
	k.set = func(d *decoder, target any, n *node) {
		read(d, target, n)
		checkWebhooks(d, target.(*Config).Webhooks, n)
	}
	return k.says("Other programs that are told of writes: each message signed, in the order of a record's writes, and again until it was taken. docs/webhooks.md says how to receive them.")
}

func webhookKeys() []key {
	secret := special("secret", "{ env: NAME } or { file: path }", nil, decodeWebhookSecret)
	secret.typ.keys = secretKeys()
	return []key{
		names("when", func(w *Webhook) *[]Name { return &w.When }).must().eg("[photos.created, comments.created]").
			takes("a list of COLLECTION.created, COLLECTION.updated or COLLECTION.deleted, such as [photos.created]").
			after(func(d *decoder, _ any, n *node) {
				if len(n.items) == 0 {
					d.add(n, "when is empty: the webhook would be told of nothing").Expect("at least one event, such as [photos.created]")
				}
			}).
			says("What it is told of: writes of a collection, as COLLECTION.created, COLLECTION.updated or COLLECTION.deleted."),
		name("url", func(w *Webhook) *Name { return &w.URL }).must().takes("a URL, such as https://hooks.example.com/moderation").
			eg("https://hooks.example.com/moderation").each(checkWebURL).
			says("Where each message is sent with POST. Redirects are not followed."),
		secret.must().eg("{ env: MODERATION_SECRET }").
			says("The key of the signature that proves to the receiver where a message comes from: a text of at least 16 characters, or whsec_ and Base64."),
		allowPrivateKey(func(w *Webhook) *bool { return &w.AllowPrivate }),
	}
}

func allowPrivateKey[T any](at func(*T) *bool) key {
	return truth("allow_private", at).or("false").eg("true").
		says("Whether the URL may lead to an address of this machine or of a private network. Where it may not, the address is looked at after the name was resolved, so that no name leads there either.")
}

// webhookName bounds what may stand in a job's kind and on a command line.
var webhookName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// checkWebhooks looks at what is only seen together: names, and URLs that only allow_private lets pass.
func checkWebhooks(d *decoder, all []Webhook, n *node) {
	for _, p := range n.pairs {
		if !webhookName.MatchString(p.key) {
			problem := d.problems.Add(p.pos, "%q is no name for a webhook", shorten(p.key)).Expect("small letters, digits, _ and -, a letter first, at most 63")
			problem.Path = p.value.path
		}
	}
	for _, w := range all {
		if host := privateHost(w.URL.Text); host != "" && !w.AllowPrivate {
			d.problems.Add(w.URL.Pos, "%s is no public address, and messages are not sent there", host).
				Expect("allow_private: true beside the URL, if that is meant")
		}
	}
}

// privateHost returns the host of a URL if it can be seen from its text that it is no public one. Names are judged when
// they are resolved.
func privateHost(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return host
	}
	if a, err := netip.ParseAddr(host); err == nil && (!a.Unmap().IsGlobalUnicast() || a.Unmap().IsPrivate()) {
		return host
	}
	return ""
}

// checkWebURL reports what is wrong with the URL of a receiver.
func checkWebURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
		return mistake("is no URL to send to; expected http:// or https:// and a host, such as https://hooks.example.com/moderation")
	case u.User != nil:
		return mistake("has a user or password in it, which would stand in logs; expected a secret that the receiver checks the signature with")
	case u.Fragment != "":
		return mistake("has a part behind #, which is never sent; expected the URL without it")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return mistake("has a space in it; expected %20 in its place")
	}
	return nil
}

func decodeWebhookSecret(d *decoder, w *Webhook, n *node) {
	if n.kind == scalarNode {
		d.add(n, "a secret can't stand in the declaration").Expect("{ env: NAME } or { file: path }")
		return
	}
	w.Secret = d.secret(n)
	if w.Secret.value == "" {
		return // of a file, which is read later; or it was said what is wrong
	}
	if _, err := SigningKey([]byte(w.Secret.value)); err != nil {
		d.add(n, "the value of %s %s", w.Secret.Env, err).Expect("a text of at least 16 characters, or whsec_ and Base64 of at least 16 bytes")
	}
}

// keyMinBytes is the shortest key that a webhook is signed with.
const keyMinBytes = 16

// SigningKey returns the key of a webhook's secret: the bytes behind whsec_, or the text itself without the spaces around
// it. The error completes "the secret …" and does not show it.
func SigningKey(secret []byte) ([]byte, error) {
	text := strings.TrimSpace(string(secret))
	key := []byte(text)
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, mistake("starts with whsec_ and does not go on as Base64")
		}
	}
	if len(key) < keyMinBytes {
		return nil, mistake("is too short to sign with")
	}
	return key, nil
}
