package config

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// checkDNS looks at what is only seen together: names of zones and keys, and keys that zones name.
func checkDNS(d *decoder, t *DNS, n *node) {
	t.Pos = n.pos
	for _, p := range n.pairs {
		if p.value.kind != mapNode {
			continue
		}
		for _, inner := range p.value.pairs {
			var err error
			switch p.key {
			case "zones":
				err = checkZone(inner.key)
			case "keys":
				err = checkKeyName(inner.key)
			}
			if err != nil {
				d.textProblem(inner.pos, inner.key, err).Path = inner.value.path
			}
		}
	}
	var keys []string
	for _, k := range t.Keys {
		keys = append(keys, k.Name)
	}
	for _, z := range t.Zones {
		if z.Transfer == nil || z.Transfer.Key.Text == "" || slices.Contains(keys, z.Transfer.Key.Text) {
			continue
		}
		problem := d.problems.Add(z.Transfer.Key.Pos, "there is no key %q in dns.keys", shorten(z.Transfer.Key.Text)).Near(z.Transfer.Key.Text, keys)
		if problem.Expected = list(keys); len(keys) == 0 {
			problem.Expected = "dns: { keys: { " + z.Transfer.Key.Text + ": { secret: { env: NAME } } } }"
		}
	}
}

// checkZone reports what is wrong with the name of a zone: a host name whose labels may begin with _, as the zones that
// hold challenges do.
func checkZone(name string) error {
	switch {
	case name == "." || name == "":
		return mistake("is the root of all names; expected the name of a zone of yours, such as gallery.test")
	case strings.HasSuffix(name, "."):
		return mistake("has a dot at its end; expected " + strings.TrimRight(name, "."))
	case strings.HasPrefix(name, "*."):
		return mistake("is no zone; expected the zone " + strings.TrimPrefix(name, "*.") + " with a record of that name")
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		labels[i] = strings.TrimPrefix(label, "_")
	}
	if err := checkHost(strings.Join(labels, ".")); err != nil {
		what, expected, _ := strings.Cut(err.Error(), "; expected ")
		what = strings.Replace(what, "is no host name", "is no name for a zone", 1)
		if strings.Contains(what, "has capitals") {
			expected = strings.ToLower(name)
		}
		return mistake(what + "; expected " + expected)
	}
	return nil
}

// checkKeyName reports what is wrong with the name of a key: it is a domain name on the wire.
func checkKeyName(name string) error {
	if checkZone(name) != nil {
		return mistake("is no name for a key; expected small letters, digits and dashes, perhaps in labels joined by dots, such as secondary")
	}
	return nil
}

// wholeSeconds refuses times that a record can't say.
func wholeSeconds(d *decoder, _ any, n *node) {
	if v, ok := ParseDuration(n.text); ok && v%time.Second != 0 {
		d.add(n, "%s can't be %s: records count in seconds", n.name, n.text).Expect("a whole number of seconds")
	}
}

// checkServerIdentity bounds what is sent with each answer that asks for it.
func checkServerIdentity(s string) error {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return mistake("can't be sent as an identity; expected at most 64 letters, digits and signs of ASCII")
	}
	return nil
}

// addresses reads a list of addresses.
func (d *decoder) addresses(n *node) []Address {
	if n.kind == listNode && len(n.items) == 0 {
		d.add(n, "%s is empty", n.name).Expect("at least one address; or leave it out")
		return nil
	}
	var out []Address
	for _, name := range d.names(n) {
		addr, err := readAddress(name.Text)
		if err == nil && slices.ContainsFunc(out, func(o Address) bool { return o.Addr == addr }) {
			err = mistake("stands in the list already, written otherwise; expected it once")
		}
		if err != nil {
			d.textProblem(name.Pos, name.Text, err).Path = n.path
			continue
		}
		out = append(out, Address{Pos: name.Pos, Addr: addr})
	}
	return out
}

// readAddress reads one address that a record can hold.
func readAddress(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		if p, err := netip.ParsePrefix(s); err == nil {
			return addr, mistake("is a network; expected one address of it, such as " + p.Addr().String())
		}
		return addr, mistake("is no address; expected such as 203.0.113.10 or 2001:db8::10")
	case addr.Zone() != "":
		return addr, mistake("has an interface behind its %, which means nothing elsewhere; expected the address alone")
	case addr.IsUnspecified(), addr.IsMulticast():
		return addr, mistake("is no address of one machine; expected such as 203.0.113.10 or 2001:db8::10")
	}
	return addr.Unmap(), nil
}

func whenDownJSON() map[string]any {
	return map[string]any{"anyOf": []any{map[string]any{"enum": []string{string(KeepDown), string(DropDown)}}, textsJSON()}}
}

func decodeWhenDown(d *decoder, z *Zone, n *node) {
	if n.kind == listNode {
		z.WhenDown = WhenDown{Pos: n.pos, Policy: FallbackDown, Fallback: d.addresses(n)}
		return
	}
	words := "keep, drop, or a list of addresses that stand in, such as [203.0.113.99]"
	if _, err := readAddress(n.text); n.kind == scalarNode && err == nil {
		d.wrong(n, "a list, also of one: ["+n.text+"]")
		return
	}
	if s, ok := d.option(n, words, []string{string(KeepDown), string(DropDown)}); ok {
		z.WhenDown = WhenDown{Pos: n.pos, Policy: DownPolicy(s)}
	}
}

// dnsPort is where name servers listen.
const dnsPort = 53

func decodeTransferTo(d *decoder, t *Transfer, n *node) {
	if n.kind == listNode && len(n.items) == 0 {
		d.add(n, "to is empty").Expect("at least one address; or leave it out, and whoever has the key may copy")
		return
	}
	for _, name := range d.names(n) {
		peer, err := netip.ParseAddrPort(name.Text)
		if err != nil {
			var addr netip.Addr
			addr, err = readAddress(name.Text)
			peer = netip.AddrPortFrom(addr, dnsPort)
		} else {
			var addr netip.Addr
			addr, err = readAddress(peer.Addr().String())
			peer = netip.AddrPortFrom(addr, peer.Port())
		}
		switch {
		case err != nil:
		case peer.Port() == 0:
			err = mistake("has no port that can be reached; expected 1 to 65535")
		case slices.ContainsFunc(t.To, func(o TransferPeer) bool { return o.Addr == peer }):
			err = mistake("stands in the list already, written otherwise; expected it once")
		}
		if err != nil {
			d.textProblem(name.Pos, name.Text, err).Path = n.path
			continue
		}
		t.To = append(t.To, TransferPeer{Pos: name.Pos, Addr: peer})
	}
}

// tsigMinBytes is half of the shortest digest: what RFC 8945 section 8 asks of a secret at least.
const tsigMinBytes = 16

// decodeTSIGSecret looks at a secret of the environment now; one in a file is looked at when it is read.
func decodeTSIGSecret(d *decoder, k *TSIGKey, n *node) {
	k.Secret = d.secret(n)
	if k.Secret.Env == "" || k.Secret.value == "" {
		return
	}
	if _, err := TSIGSecret([]byte(k.Secret.value)); err != nil {
		d.add(n, "the secret in %s %s", k.Secret.Env, err).Expect("base64 of at least %d bytes: `openssl rand -base64 32` makes it", tsigMinBytes)
	}
}

// TSIGSecret returns the bytes that a secret stands for. The error completes "the secret …" and does not show it.
func TSIGSecret(secret []byte) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(secret)))
	switch {
	case err != nil:
		return nil, mistake("is no base64")
	case len(raw) < tsigMinBytes:
		return nil, mistake("is too short to sign with")
	}
	return raw, nil
}
