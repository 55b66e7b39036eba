package config

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

func dnsKey() key {
	zones := named("zones", "zone", func(n *DNS) *[]Zone { return &n.Zones },
		func(z *Zone, name string, pos roundtrip.Pos) { z.Name, z.Pos = name, pos }, zoneKeys()...).
		says("The zones that we answer for, as their primary server. One may lie inside another: names below it are then answered from the inner one.")
	keys := named("keys", "key", func(n *DNS) *[]TSIGKey { return &n.Keys },
		func(k *TSIGKey, name string, pos roundtrip.Pos) { k.Name, k.Pos = name, pos }, tsigKeys()...).
		says("Secrets shared with other name servers (TSIG, RFC 8945). Both sides call a key by the same name.")
	k := block("dns", func(c *Config) *DNS { return &c.DNS },
		zones, keys,
		special("addresses", "a list of addresses, such as [203.0.113.10, 2001:db8::10]", textsJSON(), func(d *decoder, t *DNS, n *node) {
			t.Addresses = d.addresses(n)
		}).eg("[203.0.113.10, 2001:db8::10]").orElse("the public addresses of this machine").
			says("What the address records say that are made for sites and for the name server. Behind a router that translates addresses, this is the router's."),
		text("identity", func(n *DNS) *string { return &n.Identity }).eg("ams-1").orElse("none").each(checkServerIdentity).
			says("What this server calls itself to whoever asks for its identity (NSID, RFC 5001), so that one of several can be told from the others."),
		rateLimitKey(),
		block("clients", func(n *DNS) *DNSClients { return &n.Clients },
			integer("connections", 1, 1_000_000, func(c *DNSClients) *int { return &c.Connections }).or("1000").eg("5000").
				says("How many there may be at once."),
			integer("per_client", 1, 1_000_000, func(c *DNSClients) *int { return &c.PerClient }).or("20").eg("50").
				says("How many of one address there may be at once. Loopback and the servers of transfer have no such limit."),
			duration("idle", "1s", "1h", func(c *DNSClients) *time.Duration { return &c.Idle }).or("10s").eg("30s").
				says("How long one stays open without a query.")).
			says("Connections over TCP."))
	read := k.set
	k.set = func(d *decoder, target any, n *node) {
		read(d, target, n)
		checkDNS(d, &target.(*Config).DNS, n)
	}
	return k.orElse("none: no name server runs").
		says("The name server: it answers for the zones below with authority, and for no other name. docs/dns.md shows all of it.")
}

func zoneKeys() []key {
	return []key{
		folder("file", func(z *Zone) *string { return &z.File }).eg("zones/gallery.test.zone").orElse("none").
			says("Path of a zone file (RFC 1035 section 5). $INCLUDE reaches files in its folder and below."),
		duration("ttl", "0s", "365d", func(z *Zone) *time.Duration { return &z.TTL }).or("1h").eg("5m").after(wholeSeconds).
			says("How long others may keep a record that names no time of its own."),
		duration("negative", "0s", "1d", func(z *Zone) *time.Duration { return &z.Negative }).or("5m").eg("1m").after(wholeSeconds).
			says("How long others may keep the answer that there is no such name (RFC 2308)."),
		text("contact", func(z *Zone) *string { return &z.Contact }).takes("an e-mail address").eg("ops@example.com").orElse("hostmaster@ the zone").
			each(matches(`^[^@\s<>,"\\]+@[^@\s<>,."\\]+(\.[^@\s<>,."\\]+)*$`, "is no e-mail address; expected such as ops@example.com")).
			says("Who answers for the zone: an e-mail address that everybody can read in its SOA record."),
		names("nameservers", func(z *Zone) *[]Name { return &z.Nameservers }).takes("a list of host names, such as [ns1.gallery.test, ns2.example.net]").
			eg("[ns1.gallery.test, ns2.example.net]").orElse("ns1 in the zone").each(checkHost).
			after(func(d *decoder, _ any, n *node) {
				if len(n.items) == 0 {
					d.add(n, "nameservers is empty: nobody could find the zone").Expect("at least one host name; or leave it out")
				}
			}).
			says("The name servers of the zone, the primary first. The registrar is told the same ones."),
		names("records", func(z *Zone) *[]Name { return &z.Records }).takes("a list of lines of a zone file, such as ['@ 300 MX 10 mail.example.net.']").
			eg("['@ 300 MX 10 mail.example.net.', 'mail A 203.0.113.25']").
			says("Records, each as in a zone file: name, perhaps a TTL, type and data. A name without a dot at its end lies below the zone, and @ is the zone itself. What is declared here or in the file wins over what is derived."),
		truth("derive", func(z *Zone) *bool { return &z.Derive }).or("true").eg("false").
			says("Whether records are made from what runs: addresses and HTTPS records of the sites, the name server, CAA of the issuers of certificates."),
		special("when_down", "keep, drop, or a list of addresses that stand in", whenDownJSON(), decodeWhenDown).or("keep").eg("[203.0.113.99]").
			says("What becomes of a site's derived addresses while no server behind any of its routes is well. keep: they stay, and the gate tells visitors what is wrong. drop: none is given. A list: these are given instead."),
		optional("transfer", func(z *Zone) **Transfer { return &z.Transfer }, func(t *Transfer, pos roundtrip.Pos) { t.Pos = pos }, transferKeys()...).
			after(func(d *decoder, target any, n *node) {
				if t := target.(*Zone).Transfer; t != nil && len(t.To) == 0 && t.Key.Text == "" {
					d.add(n, "this lets everybody copy the zone").Expect("to: with the addresses of the secondary servers, or key: with a secret that they share, or both")
				}
			}).
			orElse("none: nobody may copy the zone").
			says("Which secondary servers may copy the zone (AXFR), and are told when it changes (NOTIFY)."),
	}
}

func transferKeys() []key {
	return []key{
		special("to", "a list of addresses, each perhaps with a port, such as [198.51.100.7, '[2001:db8::7]:5353']", textsJSON(), decodeTransferTo).
			eg("[198.51.100.7]").orElse("whoever has the key").
			says("The secondary servers. Only they may copy the zone, and each is told of changes, at port 53 where no other is written."),
		name("key", func(t *Transfer) *Name { return &t.Key }).takes("a name of dns.keys").eg("secondary").orElse("none: the address is enough").
			says("The key of dns.keys that copies must be asked for with."),
		truth("notify", func(t *Transfer) *bool { return &t.Notify }).or("true").eg("false").
			says("Whether the servers in to are told of changes."),
	}
}

func tsigKeys() []key {
	secret := special("secret", "{ env: NAME } or { file: path }", nil, decodeTSIGSecret)
	secret.typ.keys = secretKeys()
	return []key{
		choice("algorithm", []string{"hmac-sha256", "hmac-sha384", "hmac-sha512"}, func(k *TSIGKey, s string) { k.Algorithm = s }).or("hmac-sha256").eg("hmac-sha512").
			says("How messages are signed with it."),
		secret.must().eg("{ env: DNS_TSIG_SECONDARY }").
			says("The key in base64, of at least 16 bytes: `openssl rand -base64 32` makes one."),
	}
}

func rateLimitKey() key {
	keys := []key{
		integer("responses", 1, 1_000_000, func(l *DNSLimit) *int { return &l.Responses }).or("200").eg("500").
			says("How many alike answers one network (/24, of IPv6 /56) gets in a second."),
		integer("slip", 0, 10, func(l *DNSLimit) *int { return &l.Slip }).or("2").eg("1").
			says("Each so manieth answer over the limit is sent empty and marked as cut off, so that a real resolver asks again over TCP. 0: none, all are dropped."),
		truth("dry_run", func(l *DNSLimit) *bool { return &l.DryRun }).or("false").eg("true").
			says("Whether answers over the limit are only counted and shown."),
	}
	k := block("rate_limit", func(n *DNS) *DNSLimit { return &n.RateLimit }, keys...).
		after(func(_ *decoder, target any, n *node) { target.(*DNS).RateLimit.Pos = n.pos })
	read, words := k.set, "off, or "+k.typ.words
	k.set = func(d *decoder, target any, n *node) {
		switch {
		case n.kind == scalarNode && n.text == "off":
			target.(*DNS).RateLimit.Off = true
		case n.kind == mapNode:
			read(d, target, n)
		default:
			d.wrong(n, words)
		}
	}
	k.typ.words, k.typ.json = words, map[string]any{"enum": []string{"off"}}
	return k.eg("{ responses: 500 }").
		says("How often the same answer goes to the same network over UDP, so that nobody can aim our answers at others by forging their address. Loopback and TCP have no limit.")
}
