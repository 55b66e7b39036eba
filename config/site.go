package config

import (
	"net"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

func siteKeys() []key {
	return []key{
		tlsKey(),
		optional("client_certificates", func(s *Site) **ClientCertificates { return &s.Client },
			func(c *ClientCertificates, pos roundtrip.Pos) { c.Pos = pos },
			folder("ca", func(c *ClientCertificates) *string { return &c.CA }).must().eg("certs/clients.pem").
				says("Path of the certificates in PEM whose signature is accepted."),
			truth("optional", func(c *ClientCertificates) *bool { return &c.Optional }).or("false").eg("true").
				says("Whether clients without a certificate are served too. One with a certificate of somebody else never is.")).
			orElse("none: clients show no certificate").
			says("Clients must show a certificate (mutual TLS)."),
		routesKey(),
		optional("cors", func(s *Site) **CORS { return &s.CORS },
			func(c *CORS, pos roundtrip.Pos) { c.Pos = pos }, corsKeys()...).after(checkCORS).
			orElse("none: pages of other origins may not call the site").
			says("Which pages of other origins may call the site (Cross-Origin Resource Sharing). Error answers carry these headers too."),
		headersKey(),
		block("limits", func(s *Site) *Limits { return &s.Limits },
			limitsKeys(size("body", "1kB", "10GB", func(l *Limits) *int64 { return &l.Body }).or("32MB").eg("12MB").
				says("Largest body of a request with files. A body of JSON alone is bounded by 1 MiB."))...).
			after(func(d *decoder, target any, n *node) { checkLimits(d, &target.(*Site).Limits, n) }).
			says("What the site takes at the most."),
		truth("reports", func(s *Site) *bool { return &s.Reports }).or("false").eg("true").
			says("Whether browsers are asked to report what they saw of the site and the server could not: connections that failed, answers that broke off, pages that went against their policy (Network Error Logging and Reporting API). docs/reports.md tells what becomes of them."),
		later("redirect", "leave it out; plain HTTP redirects to HTTPS by itself"),
	}
}

const tlsWords = "auto, local, off or { cert: file, key: file }"

func tlsKey() key {
	cert := []key{
		folder("cert", func(t *TLS) *string { return &t.Cert }).must().eg("certs/site.pem").
			says("Path of the certificate chain in PEM."),
		special("key", "a path, { env: NAME } or { file: path }", map[string]any{"type": "string"}, func(d *decoder, t *TLS, n *node) { t.Key = d.privateKey(n) }).must().eg("{ env: SITE_KEY }").
			says("The private key in PEM: the path of a file, or the name of an environment variable that holds it."),
	}
	cert[1].typ.keys = secretKeys()
	k := special("tls", tlsWords, map[string]any{"enum": []string{"auto", "local", "off"}},
		func(d *decoder, target *Site, n *node) { decodeTLS(d, target, n, cert) })
	k.typ.keys = cert
	return k.or("local").eg("auto").
		says("Where the certificate comes from. auto: from the issuers of acme, renewed by itself; browsers trust it. local: from Roundtrip's own authority, which `roundtrip trust` makes this machine trust. off: plain HTTP, for a site behind another proxy. Or the files of a certificate of yours.")
}

func decodeTLS(d *decoder, target *Site, n *node, cert []key) {
	t := TLS{Pos: n.pos}
	modes := []string{string(TLSAuto), string(TLSLocal), string(TLSOff)}
	switch {
	case n.kind == mapNode:
		t.Mode = TLSFiles
		if !d.block(n, &t, cert) {
			return
		}
	case n.kind == scalarNode && slices.Contains(modes, n.text):
		t.Mode = TLSMode(n.text)
	default:
		d.wrong(n, tlsWords)
		if n.kind == scalarNode {
			d.problems.List[len(d.problems.List)-1].Near(n.text, modes)
		}
		return
	}
	target.TLS = t
}

func secretKeys() []key {
	return []key{
		text("env", func(s *Secret) *string { return &s.Env }).eg("SITE_KEY").
			says("Name of the environment variable that holds the value."),
		folder("file", func(s *Secret) *string { return &s.File }).eg("certs/site.key").
			says("Path of the file that holds the value."),
	}
}

// privateKey reads the path of a key, or where else it stands.
func (d *decoder) privateKey(n *node) Secret {
	if n.kind == scalarNode && n.typ == StringScalar && strings.Contains(n.text, "PRIVATE KEY") {
		d.add(n, "a secret can't stand in the declaration").Expect("{ env: NAME } or { file: path }")
		return Secret{}
	}
	if n.kind == scalarNode {
		s, ok := d.text(n)
		if !ok {
			return Secret{}
		}
		return Secret{Pos: n.pos, File: d.path(s)}
	}
	return d.secret(n)
}

// secret reads { env: NAME } or { file: path }.
func (d *decoder) secret(n *node) Secret {
	if n.kind == scalarNode {
		d.add(n, "a secret can't stand in the declaration").Expect("{ env: NAME } or { file: path }")
		return Secret{}
	}
	s := Secret{Pos: n.pos}
	if !d.block(n, &s, secretKeys()) {
		return Secret{}
	}
	switch {
	case (s.Env == "") == (s.File == ""):
		d.add(n, "%s needs one place that holds it", n.name).Expect("{ env: NAME } or { file: path }")
	case s.Env != "":
		value, ok := d.getenv(s.Env)
		if !ok || value == "" {
			d.add(n, "the environment variable %s is not set", s.Env).Expect("it to hold the value of %s", n.path)
		}
		s.value = value
	}
	return s
}

// checkSites looks at the sites with what holds for all of them.
func checkSites(d *decoder, c *Config, n *node) {
	for _, p := range n.pairs {
		if err := checkSiteName(p.key); err != nil {
			d.textProblem(p.pos, p.key, err).Path = p.value.path
		}
	}
	for i := range c.Sites {
		s := &c.Sites[i]
		if s.TLS.Mode == TLSAuto && strings.HasPrefix(s.Name, "*.") && len(c.ACME.Challenges) > 0 && !slices.Contains(c.ACME.Challenges, "dns-01") {
			d.problems.Add(s.TLS.Pos, "a certificate for %s needs the challenge dns-01, which acme.challenges leaves out", s.Name).
				Expect("dns-01 among the challenges, or each name as a site of its own")
		}
		if s.Client != nil && s.TLS.Mode == TLSOff {
			d.problems.Add(s.Client.Pos, "%s has no TLS, so clients can't show a certificate", s.Name).Expect("another tls, or no client_certificates")
		}
		for _, r := range s.Routes {
			if r.Proxy != nil {
				checkLoops(d, c, r.Proxy)
			}
		}
	}
}

// checkLoops refuses servers that are this gate: a request would come back for ever.
func checkLoops(d *decoder, c *Config, p *Proxy) {
	for _, u := range p.Upstreams {
		host, port, err := net.SplitHostPort(u.Address)
		if err != nil || port != "80" && port != "443" {
			continue // on another port, another program may have the name
		}
		if slices.ContainsFunc(c.Sites, func(s Site) bool { return s.Name == host }) {
			d.problems.Add(u.Pos, "%s is a site of this gate, so the request would come back", host).Expect("the address of the server itself, such as http://127.0.0.1:3000")
		}
	}
}

// Warnings says what is right and seldom meant.
func (c *Config) Warnings() []*Problem {
	p := &Problems{}
	for _, s := range c.Sites {
		if s.TLS.Mode == TLSLocal && s.TLS.Pos.Line == 0 && IsPublic(s.Name) {
			p.Add(s.Pos, "browsers of others will not trust the local certificate of %s: `tls: auto` gets one that they do", s.Name)
		}
		if s.TLS.Mode == TLSAuto && !IsPublic(s.Name) && len(c.ACME.Issuers) == 0 {
			p.Add(s.TLS.Pos, "no public issuer gives a certificate for %s, which the internet can't reach: `tls: local` makes one here", s.Name)
		}
	}
	return p.List
}
