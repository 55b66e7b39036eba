package config

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

func siteKeys() []key {
	return []key{
		tlsKey(),
		many("routes", func(s *Site) *[]Route { return &s.Routes },
			func(r *Route, pos roundtrip.Pos) { r.Pos = pos }, routeKeys()...).must().after(checkRoutes).
			says("What is served below which path. The longest path that matches a request wins."),
		optional("cors", func(s *Site) **CORS { return &s.CORS },
			func(c *CORS, pos roundtrip.Pos) { c.Pos = pos }, corsKeys()...).after(checkCORS).
			orElse("none: pages of other origins may not call the site").
			says("Which pages of other origins may call the site (Cross-Origin Resource Sharing). Error answers carry these headers too."),
		block("limits", func(s *Site) *Limits { return &s.Limits },
			size("body", "1kB", "10GB", func(l *Limits) *int64 { return &l.Body }).or("32MB").eg("12MB").
				says("Largest body of a request with files. A body of JSON alone is bounded by 1 MiB."),
			later("requests", "body alone; sign-in has a limit of its own")).
			says("What the site takes at the most."),
		later("redirect", "leave it out; plain HTTP redirects to HTTPS by itself"),
	}
}

func tlsKey() key {
	cert := []key{
		folder("cert", func(t *TLS) *string { return &t.Cert }).must().eg("certs/site.pem").
			says("Path of the certificate chain in PEM."),
		special("key", "a path, { env: NAME } or { file: path }", map[string]any{"type": "string"}, decodeKey).must().eg("{ env: SITE_KEY }").
			says("The private key in PEM: the path of a file, or the name of an environment variable that holds it."),
	}
	cert[1].typ.keys = secretKeys()
	k := special("tls", "local, off or { cert: file, key: file }", map[string]any{"enum": []string{"local", "off"}},
		func(d *decoder, target *Site, n *node) { decodeTLS(d, target, n, cert) })
	k.typ.keys = cert
	return k.or("local").eg("{ cert: certs/site.pem, key: certs/site.key }").
		says("Where the certificate comes from. local: from Roundtrip's own authority, which `roundtrip trust` makes this machine trust. off: plain HTTP, for a site behind another proxy. Or the files of a certificate of yours.")
}

func decodeTLS(d *decoder, target *Site, n *node, cert []key) {
	t := TLS{Pos: n.pos}
	switch {
	case n.kind == mapNode:
		t.Mode = TLSFiles
		if !d.block(n, &t, cert) {
			return
		}
	case n.kind == scalarNode && n.text == "auto":
		d.add(n, `"tls: auto" is not in this version of Roundtrip`).
			Instead = "local (our own authority), off, or { cert: file, key: file } with a certificate that another program renews"
		return
	case n.kind == scalarNode && (n.text == string(TLSLocal) || n.text == string(TLSOff)):
		t.Mode = TLSMode(n.text)
	default:
		d.wrong(n, "local, off or { cert: file, key: file }")
		if n.kind == scalarNode {
			d.problems.List[len(d.problems.List)-1].Near(n.text, []string{string(TLSLocal), string(TLSOff)})
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

func decodeKey(d *decoder, target *TLS, n *node) {
	if n.kind == scalarNode && n.typ == StringScalar && strings.Contains(n.text, "PRIVATE KEY") {
		d.add(n, "a secret can't stand in the declaration").Expect("{ env: NAME } or { file: path }")
		return
	}
	if n.kind == scalarNode {
		if s, ok := d.text(n); ok {
			target.Key = Secret{Pos: n.pos, File: d.path(s)}
		}
		return
	}
	target.Key = d.secret(n)
}

// secret reads { env: NAME } or { file: path }.
func (d *decoder) secret(n *node) Secret {
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

func routeKeys() []key {
	return []key{
		text("path", func(r *Route) *string { return &r.Path }).must().takes("a path, such as / or /api/").eg("/api/").each(checkPath).
			says("Start of the paths that the route serves; it begins and ends with a slash."),
		choice("to", []string{"api"}, func(r *Route, _ string) { r.API = true }).eg("api").
			says("api serves the collections: REST, files and sign-in, below the path."),
		folder("static", func(r *Route) *string { return &r.Static }).eg("web/dist").
			says("Folder whose files are served. Hidden files and links out of the folder are not."),
		truth("spa", func(r *Route) *bool { return &r.SPA }).or("false").eg("true").
			says("For a single-page application: paths without a file answer with index.html."),
		later("proxy", "to: api or static: folder; a proxy in front can share the host with another program"),
		later("balance", "leave it out; there is no proxy yet"),
		later("health", "leave it out; there is no proxy yet"),
		later("sticky", "leave it out; there is no proxy yet"),
		later("retry", "leave it out; there is no proxy yet"),
	}
}

func corsKeys() []key {
	token := matches("^[A-Za-z0-9!#$%&'*+.^_|~-]+$", "is no header name; expected letters, digits and dashes")
	return []key{
		texts("origins", func(c *CORS) *[]string { return &c.Origins }).must().eg("[https://app.example.com]").each(checkOrigin).
			takes("a list of origins, such as [https://app.example.com, 'https://*.preview.example.com'], or ['*']").
			says("Origins whose pages may call: scheme, host and port. A * may stand for the leftmost label; ['*'] lets every page call, without credentials."),
		texts("methods", func(c *CORS) *[]string { return &c.Methods }).or("[GET, HEAD, POST, PATCH, DELETE]").eg("[GET, HEAD]").
			each(matches(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$`, "is no method; expected GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS in capitals")).
			says("Methods that such a page may use."),
		texts("headers", func(c *CORS) *[]string { return &c.Headers }).eg("[Authorization, Content-Type]").each(token).
			or("[Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID]").
			says("Request headers that such a page may set."),
		texts("expose", func(c *CORS) *[]string { return &c.Expose }).or("[Accept-Patch, Allow, Content-Range, ETag, Idempotency-Replayed, Location, Retry-After, X-Journey]").
			eg("[ETag, X-Journey]").each(token).
			says("Answer headers that such a page may read."),
		truth("credentials", func(c *CORS) *bool { return &c.Credentials }).or("false").eg("true").
			says("Whether such a page may send the visitor's cookie. Browsers send it only for pages of the same site, such as " +
				"app.example.com for api.example.com, because the cookie is SameSite=Lax. Pages of another site don't need this: " +
				"sign-in gives them a token, which they send as Authorization: Bearer."),
		duration("max_age", "0s", "1d", func(c *CORS) *time.Duration { return &c.MaxAge }).or("10m").eg("1h").
			says("How long a browser remembers the answer to a preflight."),
	}
}

// checkHost reports what is wrong with a host name: RFC 1123 section 2.1, in lower case.
func checkHost(host string) error {
	switch {
	case strings.Contains(host, "://"):
		return errors.New("is no host name: it has a scheme; expected the host alone, such as app.example.com")
	case strings.Contains(host, "*"):
		return errors.New("is no host name: it has a *; expected each name by itself, such as app.example.com")
	case strings.Contains(host, ".."), strings.HasPrefix(host, "."):
		return errors.New("is no host name: it has an empty label; expected labels joined by single dots")
	case strings.Contains(host, ":"):
		return errors.New("is no host name: it has a port; expected the host alone, the ports are chosen at the start")
	case strings.ToLower(host) != host:
		return fmt.Errorf("is no host name: it has capitals; expected %s", strings.ToLower(host))
	case strings.HasSuffix(host, "."), len(host) > 253, host == "":
		return errors.New("is no host name; expected labels joined by dots, without one at the end")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return errors.New("is an address, not a host name; expected a name, such as app.example.com")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
			strings.ContainsFunc(label, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
			return fmt.Errorf("is no host name: look at %q; expected labels of letters, digits and inner dashes", label)
		}
	}
	return nil
}

// checkPath reports what is wrong with the path of a route.
func checkPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"), !strings.HasSuffix(p, "/"):
		return errors.New("is no path of a route; expected a slash at its start and at its end, such as /api/")
	case strings.ContainsAny(p, "*{}?#%\\ "), strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r > '~' }):
		return errors.New("is no path of a route; expected plain letters, digits, dashes and slashes, without patterns")
	case strings.Contains(p, "//"), path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/":
		return errors.New("is no path of a route; expected no empty, . or .. parts")
	}
	return nil
}

// checkOrigin reports what is wrong with an origin: RFC 6454 section 6.2, and our * for the leftmost label.
func checkOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	scheme, rest, ok := strings.Cut(origin, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return errors.New("is no origin; expected scheme, host and perhaps port, such as https://app.example.com")
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if strings.ContainsAny(rest, "/?#@") {
		return errors.New("is no origin: it goes on after the host; expected scheme, host and perhaps port, without a slash at the end")
	}
	if hasPort && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return errors.New("is no origin: its port is no number; expected such as https://app.example.com:8443")
	}
	if inner, wild := strings.CutPrefix(host, "*."); wild {
		host = inner
	}
	if strings.Contains(host, "*") {
		return errors.New("is no origin; expected * only as the whole leftmost label, such as https://*.example.com")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if err := checkHost(host); err != nil {
		return fmt.Errorf("has a host that %w", err)
	}
	return nil
}

func checkSites(d *decoder, _ any, n *node) {
	for _, p := range n.pairs {
		if err := checkHost(p.key); err != nil {
			problem := d.problems.Add(p.pos, "%q %s", shorten(p.key), err)
			problem.Path = p.value.path
			problem.Message, problem.Expected, _ = strings.Cut(problem.Message, "; expected ")
		}
	}
}

// checkRoutes looks at the routes of one site together.
func checkRoutes(d *decoder, target any, n *node) {
	seen := map[string]roundtrip.Pos{}
	for i, r := range target.(*Site).Routes {
		item := n.items[i]
		if first, ok := seen[r.Path]; ok {
			d.add(item, "the path %s has a route already", r.Path).
				Expect("one route a path; the first one stands in line %d, column %d", first.Line, first.Column)
		}
		seen[r.Path] = r.Pos
		switch {
		case !r.API && r.Static == "":
			d.add(item, "the route %s serves nothing", r.Path).Expect("to: api or static: folder")
		case r.API && r.Static != "":
			d.add(item, "the route %s serves two things", r.Path).Expect("to: api or static: folder, not both")
		case r.API && r.SPA:
			d.add(item, "spa is for static routes; %s goes to the api", r.Path).Expect("spa beside static: folder")
		}
	}
	if len(n.items) == 0 {
		d.add(n, "the site serves nothing").Expect("at least one route, such as { path: /api/, to: api }")
	}
}

func checkCORS(d *decoder, target any, n *node) {
	c := target.(*Site).CORS
	wild := slices.Contains(c.Origins, "*")
	switch {
	case len(c.Origins) == 0:
		d.add(n, "cors has no origins").Expect("at least one; or leave cors out")
	case wild && c.Credentials:
		d.add(n, "origins: ['*'] can't go with credentials: true, browsers refuse that").
			Expect("the origins by name, or credentials: false")
	case wild && len(c.Origins) > 1:
		d.add(n, "'*' stands for every origin already").Expect("'*' alone, or the origins by name")
	}
}
