package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

func gateKeys() []key {
	return []key{
		special("trusted_proxies", "a list of networks, such as [10.0.0.0/8, 2001:db8::/32]", textsJSON(), decodeTrusted).
			eg("[10.0.0.0/8, 2001:db8::/32]").orElse("nobody").
			says("The proxies in front of the gate, as networks or single addresses. Only they may say in X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and Forwarded for whom they come; from anybody else these headers are taken off."),
		truth("proxy_protocol", func(g *Gate) *bool { return &g.ProxyProtocol }).or("false").eg("true").
			says("Whether connections of trusted_proxies begin with a PROXY header, version 1 or 2. One that does not is refused."),
		truth("http3", func(g *Gate) *bool { return &g.HTTP3 }).or("true").eg("false").
			says("Whether HTTP/3 is offered, over UDP on the port of HTTPS."),
		block("connections", func(g *Gate) *Gate { return g },
			integer("total", 10, 1_000_000, func(g *Gate) *int { return &g.Connections }).or("20000").eg("50000").
				says("How many there may be at once, over all doors."),
			integer("per_client", 1, 1_000_000, func(g *Gate) *int { return &g.PerClient }).or("512").eg("100").
				says("How many of one address there may be at once. Loopback has no such limit.")).
			says("How many connections the gate takes. One too many is closed at once."),
		block("timeouts", func(g *Gate) *Gate { return g },
			duration("header", "100ms", "5m", func(g *Gate) *time.Duration { return &g.Header }).or("10s").eg("5s").
				says("For a TLS handshake, and for the head of a request."),
			duration("idle", "1s", "1h", func(g *Gate) *time.Duration { return &g.Idle }).or("2m").eg("30s").
				says("Between two requests of one connection."),
			duration("stall", "1s", "1h", func(g *Gate) *time.Duration { return &g.Stall }).or("30s").eg("10s").
				says("For a body, either way, that makes no progress. One that makes some may take as long as it likes."),
			duration("drain", "0s", "1h", func(g *Gate) *time.Duration { return &g.Drain }).or("10s").eg("1m").
				says("For requests that run when the server stops.")).
			says("How long anything may take."),
	}
}

func gateKey() key {
	return block("gate", func(c *Config) *Gate { return &c.Gate }, gateKeys()...).
		after(func(d *decoder, target any, n *node) {
			g := &target.(*Config).Gate
			g.Pos = n.pos
			if g.ProxyProtocol && len(g.TrustedProxies) == 0 {
				d.add(n, "proxy_protocol needs to know from whom: anybody could say that they come for somebody else").
					Expect("trusted_proxies: with the addresses of the proxies beside it")
			}
		}).
		says("What holds for all sites: whom the gate believes, how many may come, and how long anything may take.")
}

func decodeTrusted(d *decoder, g *Gate, n *node) {
	g.TrustedProxies = nil
	list := d.names(n)
	for _, name := range list {
		p, err := readNetwork(name.Text)
		if err != nil {
			d.textProblem(name.Pos, name.Text, err).Path = n.path
			continue
		}
		g.TrustedProxies = append(g.TrustedProxies, p)
	}
	if n.kind == listNode && len(n.items) == 0 {
		d.add(n, "trusted_proxies is empty").Expect("at least one network, such as [10.0.0.0/8]; or leave it out")
	}
}

// readNetwork reads a network as CIDR (RFC 4632), or one address.
func readNetwork(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, mistake("is no network; expected an address and how many of its bits count, such as 10.0.0.0/8")
	case p.Bits() == 0:
		return p, mistake("is everybody, and then anybody could claim any address; expected the networks of your proxies alone")
	case p.Masked() != p:
		return p, mistake("has bits behind its network; expected " + p.Masked().String())
	}
	return p, nil
}

// The directories that have a name here.
const (
	letsEncrypt        = "https://acme-v02.api.letsencrypt.org/directory"
	letsEncryptStaging = "https://acme-staging-v02.api.letsencrypt.org/directory"
)

// The challenges of ACME.
func challengeNames() []string { return []string{"http-01", "tls-alpn-01", "dns-01"} }

func acmeKey() key {
	return block("acme", func(c *Config) *ACME { return &c.ACME },
		text("email", func(a *ACME) *string { return &a.Email }).eg("ops@example.com").
			takes("an e-mail address").each(matches(`^[^@\s<>,]+@[^@\s<>,]+\.[^@\s<>,]+$`, "is no e-mail address; expected such as ops@example.com")).
			says("Where the issuer writes about a certificate that is about to end."),
		texts("challenges", func(a *ACME) *[]string { return &a.Challenges }).eg("[http-01, tls-alpn-01]").
			takes("a list of http-01, tls-alpn-01 and dns-01").each(oneOf("is no challenge", challengeNames())).
			orElse("all that can be served").
			after(func(d *decoder, target any, n *node) {
				if len(n.items) == 0 {
					d.add(n, "challenges is empty: nothing could be proved").Expect("at least one of %s; or leave it out", list(challengeNames()))
				}
			}).
			says("How we prove that a name is ours: http-01 needs port 80, tls-alpn-01 port 443, dns-01 the zone of the name. Certificates of wildcard names need dns-01."),
		many("issuers", func(a *ACME) *[]Issuer { return &a.Issuers }, func(i *Issuer, pos roundtrip.Pos) { i.Pos = pos }, issuerKeys()...).
			eg("[{ directory: letsencrypt }]").orElse("Let's Encrypt").
			after(func(d *decoder, target any, n *node) {
				for i, issuer := range target.(*ACME).Issuers {
					if slices.ContainsFunc(target.(*ACME).Issuers[:i], func(o Issuer) bool { return o.Directory == issuer.Directory }) {
						d.add(n.items[i], "this issuer stands in the list already").Expect("each issuer once; they are tried in this order")
					}
				}
			}).
			says("Who is asked for certificates, in this order: the next one where the one before can't.")).
		after(func(_ *decoder, target any, n *node) { target.(*Config).ACME.Pos = n.pos }).
		says("How certificates of sites with `tls: auto` are got (RFC 8555). docs/certificates.md shows all of it.")
}

func issuerKeys() []key {
	secret := special("key", "{ env: NAME } or { file: path }", nil, func(d *decoder, i *Issuer, n *node) { i.Key = d.secret(n) })
	secret.typ.keys = secretKeys()
	return []key{
		special("directory", "letsencrypt, letsencrypt-staging, or the URL of a directory", map[string]any{"type": "string"}, decodeDirectory).must().
			eg("https://acme.example.net/directory").
			says("The issuer: letsencrypt, letsencrypt-staging (for trying things out: browsers don't trust it), or the URL of an ACME directory."),
		folder("roots", func(i *Issuer) *string { return &i.Roots }).eg("certs/issuer.pem").orElse("those of the system").
			says("Path of the certificates in PEM that vouch for the directory's own TLS."),
		block("eab", func(i *Issuer) *Issuer { return i },
			text("id", func(i *Issuer) *string { return &i.KeyID }).must().eg("kid-1").
				says("Name of the key, as the issuer gave it."),
			secret.must().eg("{ env: EAB_KEY }").
				says("The key itself in base64url, as the issuer gave it.")).
			orElse("none").
			says("External account binding: the key by which the issuer knows its customer."),
	}
}

func decodeDirectory(d *decoder, i *Issuer, n *node) {
	s, ok := d.text(n)
	if !ok {
		return
	}
	switch u, err := url.Parse(s); {
	case s == "letsencrypt":
		i.Directory = letsEncrypt
	case s == "letsencrypt-staging":
		i.Directory = letsEncryptStaging
	case err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil:
		i.Directory = s
	case strings.HasPrefix(s, "http://"):
		d.add(n, "%q is not behind TLS, and anybody on the way could hand out certificates", shorten(s)).Expect("https://; a directory of your own CA goes with roots: file")
	default:
		d.add(n, "%q is no issuer", shorten(s)).Expect("letsencrypt, letsencrypt-staging, or the URL of an ACME directory").
			Near(s, []string{"letsencrypt", "letsencrypt-staging"})
	}
}

// oneOf makes a check of texts from the list of what they may be; the nearest is named.
func oneOf(otherwise string, options []string) func(string) error {
	return func(s string) error {
		if slices.Contains(options, s) {
			return nil
		}
		return &notAmong{otherwise: otherwise, word: s, options: options}
	}
}

// notAmong is the mistake of a text that is none of a few.
type notAmong struct {
	otherwise, word string
	options         []string
}

func (e *notAmong) Error() string { return e.otherwise + "; expected " + list(e.options) }
