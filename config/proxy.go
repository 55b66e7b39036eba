package config

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const upstreamWords = "an address such as http://127.0.0.1:3000, https://10.0.0.2, h2c://127.0.0.1:50051 or unix:/run/app.sock; or a list of them"

// proxyKeys are the keys of a route that hands requests on. They stand beside its path.
func proxyKeys() []key {
	proxy := func(r *Route) *Proxy { return r.Proxy }
	upstreams := map[string]any{"anyOf": []any{map[string]any{"type": "string"}, textsJSON()}}
	return []key{
		special("proxy", upstreamWords, upstreams, decodeUpstreams).eg("[http://127.0.0.1:3000, http://127.0.0.1:3001]").
			says("Servers that requests are handed to. https speaks HTTP/2 where the server offers it, h2c does without TLS (gRPC). WebSocket, event streams and gRPC pass."),
		text("rewrite", func(r *Route) *string { return &r.Rewrite }).takes("a path, such as /").eg("/").orElse("the path stays").each(checkRewrite).
			says("Takes the place of the route's path on the way to the server; with a * in it, of what stands before the *."),
		special("balance", balanceWords, map[string]any{"type": "string"}, decodeBalance).or("two-choices").eg("hash cookie sid").
			says("Which server gets the next request: the less busy of two drawn by chance, the one with the fewest requests under way, each in turn, or the same one for the same client, header or cookie."),
		truth("sticky", func(r *Route) *bool { return &r.Proxy.Sticky }).or("false").eg("true").
			says("Whether a cookie keeps a visitor with the server that answered first."),
		optional("health", func(r *Route) **Health { return &r.Proxy.Health }, func(h *Health, pos roundtrip.Pos) { h.Pos = pos }, healthKeys()...).
			after(func(d *decoder, target any, n *node) {
				h := target.(*Route).Proxy.Health
				if !slices.ContainsFunc(n.pairs, func(p pair) bool { return p.key == "timeout" }) {
					h.Timeout = min(h.Timeout, h.Every)
				}
				if h.Timeout > h.Every {
					d.add(n, "the next question would be asked before the last one timed out").Expect("a timeout of at most every")
				}
			}).
			orElse("none: a server is well until it fails").eg("{ path: /healthz }").
			says("How servers are asked whether they are well. One that is not gets no requests."),
		ejectKey(),
		duration("slow_start", "0s", "1h", func(r *Route) *time.Duration { return &r.Proxy.SlowStart }).or("0s").eg("10s").
			says("A server that came back gets its full share only after this time."),
		integer("concurrency", 0, 1_000_000, func(r *Route) *int { return &r.Proxy.Concurrency }).or("0").eg("200").
			says("How many requests one server has at once; 0 is no limit. One too many is answered with 503."),
		retryKey(),
		block("timeouts", proxy,
			duration("connect", "10ms", "1m", func(p *Proxy) *time.Duration { return &p.Connect }).or("3s").eg("1s").
				says("For a connection to a server, TLS included."),
			duration("first_byte", "10ms", "1h", func(p *Proxy) *time.Duration { return &p.FirstByte }).or("60s").eg("10s").
				says("From the end of a request to the head of its answer."),
			duration("idle", "1s", "1d", func(p *Proxy) *time.Duration { return &p.IdleStream }).or("5m").eg("1h").
				says("For an answer or a WebSocket without one byte either way.")).
			says("How long a server may take."),
		truth("buffer", func(r *Route) *bool { return &r.Proxy.Buffer }).or("false").eg("true").
			says("Whether the whole body of a request is read before a server is bothered with it."),
		special("host", "client, upstream, or a host name", map[string]any{"type": "string"}, decodeHost).or("client").eg("app.internal").
			says("What the Host header says to the server: what the client said, the server's own address, or a name."),
		upstreamTLSKey(),
		special("set", "a block of header names with their values", linesJSON(), func(d *decoder, r *Route, n *node) {
			r.Proxy.Set = d.headerLines(n, refuseUpstreamHeader)
		}).eg("{ X-From: edge }").
			says("Headers that each request gets on its way to the server, in place of the client's."),
		special("pass_headers", "a list of header names, such as [X_Old_Header]", textsJSON(), decodePassHeaders).eg("[X_Old_Header]").
			says("Headers with _ or . in their names that are not taken off. Others are, since many servers read X_A as if it were X-A."),
	}
}

func healthKeys() []key {
	return []key{
		text("path", func(h *Health) *string { return &h.Path }).must().takes("a path, such as /healthz").eg("/healthz").each(checkProbe).
			says("What is asked for, with GET."),
		duration("every", "100ms", "1h", func(h *Health) *time.Duration { return &h.Every }).or("5s").eg("10s").
			says("How often."),
		duration("timeout", "10ms", "5m", func(h *Health) *time.Duration { return &h.Timeout }).or("2s").eg("500ms").
			says("How long the answer may take."),
		integer("fails", 1, 100, func(h *Health) *int { return &h.Fails }).or("2").eg("3").
			says("So many wrong answers in a row make it unwell."),
		integer("passes", 1, 100, func(h *Health) *int { return &h.Passes }).or("1").eg("2").
			says("So many right answers in a row make it well again."),
		special("status", "a list of statuses, such as [200, 204]", map[string]any{"type": "array", "items": map[string]any{"type": "integer"}}, decodeStatuses).
			eg("[200, 204]").orElse("200 to 299").
			says("The right answers."),
	}
}

func decodeStatuses(d *decoder, h *Health, n *node) {
	if n.kind != listNode || len(n.items) == 0 {
		d.wrong(n, "a list of statuses, such as [200, 204]")
		return
	}
	for _, item := range n.items {
		if v, ok := d.integer(item, 100, 599); ok {
			h.Status = append(h.Status, v)
		}
	}
}

func ejectKey() key {
	k := block("eject", func(r *Route) *Proxy { return r.Proxy },
		integer("fails", 1, 1000, func(p *Proxy) *int { return &p.EjectAfter }).or("5").eg("3").
			says("So many faults of a server in a row take it out. Faults of clients don't count."),
		duration("for", "100ms", "1h", func(p *Proxy) *time.Duration { return &p.EjectFor }).or("10s").eg("30s").
			says("For how long; each time in a row doubles it, up to 10 times as long.")).
		eg("{ fails: 3, for: 30s }").
		says("When a server that fails gets no more requests for a while. false: never.")
	return orFalse(k, func(p *Proxy) { p.EjectAfter = 0 })
}

func retryKey() key {
	percent := special("budget", "a share of requests from 0% to 100%", map[string]any{"type": "string", "pattern": "^[0-9]{1,3}%$"}, func(d *decoder, p *Proxy, n *node) {
		number, ok := strings.CutSuffix(n.text, "%")
		v, err := strconv.Atoi(number)
		if n.kind != scalarNode || !ok || err != nil || v < 0 || v > 100 {
			d.wrong(n, "a share of requests from 0% to 100%, such as 20%")
			return
		}
		p.Budget = v
	})
	k := block("retry", func(r *Route) *Proxy { return r.Proxy },
		integer("tries", 1, 10, func(p *Proxy) *int { return &p.Tries }).or("3").eg("2").
			says("How often in all, each time with another server where there is one."),
		percent.or("20%").eg("10%").
			says("How many requests may be tried again, so that servers in need are not given more to do.")).
		eg("{ tries: 2, budget: 10% }").
		says("When a request is tried again that no server has seen (any method), or that was sent and got no byte of an answer (GET, HEAD, OPTIONS). false: never.")
	return orFalse(k, func(p *Proxy) { p.Tries = 1 })
}

// orFalse lets a block be turned off by false.
func orFalse(k key, off func(*Proxy)) key {
	read, words := k.set, "false, or "+k.typ.words
	k.set = func(d *decoder, target any, n *node) {
		if n.kind == scalarNode && n.text == "false" {
			off(target.(*Route).Proxy)
			return
		}
		if n.kind != mapNode {
			d.wrong(n, words)
			return
		}
		read(d, target, n)
	}
	k.typ.words = words
	k.typ.json = map[string]any{"enum": []bool{false}}
	return k
}

func upstreamTLSKey() key {
	secret := special("key", "a path, { env: NAME } or { file: path }", map[string]any{"type": "string"}, func(d *decoder, p *Proxy, n *node) {
		p.ClientKey = d.privateKey(n)
	})
	secret.typ.keys = secretKeys()
	return block("tls", func(r *Route) *Proxy { return r.Proxy },
		folder("roots", func(p *Proxy) *string { return &p.Roots }).eg("certs/upstream-ca.pem").orElse("those of the system").
			says("Path of the certificates in PEM that vouch for the servers."),
		text("name", func(p *Proxy) *string { return &p.ServerName }).eg("app.internal").orElse("the server's host").each(checkHost).takes("a host name").
			says("The name that must stand on their certificate."),
		folder("cert", func(p *Proxy) *string { return &p.ClientCert }).eg("certs/edge.pem").
			says("Path of the certificate in PEM that they are shown."),
		secret.eg("{ file: certs/edge.key }").
			says("Its private key in PEM: the path of a file, or the name of an environment variable that holds it.")).
		after(func(d *decoder, target any, n *node) {
			if p := target.(*Route).Proxy; (p.ClientCert == "") != p.ClientKey.IsZero() {
				d.add(n, "a certificate and its key go together").Expect("cert: and key:, or neither")
			}
		}).
		says("TLS to servers with https. Their certificate is always checked.")
}

func decodeUpstreams(d *decoder, r *Route, n *node) {
	items := []*node{n}
	if n.kind == listNode {
		if items = n.items; len(items) == 0 {
			d.add(n, "proxy has no servers").Expect("at least one, such as http://127.0.0.1:3000")
		}
	}
	for _, item := range items {
		if item.kind != scalarNode {
			d.wrong(item, upstreamWords)
			continue
		}
		s, ok := d.text(item)
		if !ok {
			continue
		}
		u, err := readUpstream(s, d.path)
		if err != nil {
			d.textProblem(item.at, s, err).Path = item.path
			continue
		}
		if u.Pos = item.at; slices.ContainsFunc(r.Proxy.Upstreams, func(o Upstream) bool { return o.Network == u.Network && o.Address == u.Address }) {
			d.add(item, "%s stands in the list already", shorten(s)).Expect("each server once")
			continue
		}
		r.Proxy.Upstreams = append(r.Proxy.Upstreams, u)
	}
}

// readUpstream reads the address of a server. absolute makes a path absolute.
func readUpstream(s string, absolute func(string) string) (Upstream, error) {
	if socket, ok := strings.CutPrefix(s, "unix:"); ok {
		if strings.HasPrefix(socket, "//") { // unix:///run/app.sock is written too
			socket = "/" + strings.TrimLeft(socket, "/")
		}
		if socket == "" || strings.HasSuffix(socket, "/") || len(absolute(socket)) > 100 {
			return Upstream{}, errors.New("names no socket; expected unix: and a path of at most 100 characters, such as unix:/run/app.sock")
		}
		return Upstream{URL: s, Scheme: HTTP, Network: "unix", Address: absolute(socket), Host: "localhost"}, nil
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return Upstream{}, errors.New("is no address of a server; expected a scheme before it, such as http://127.0.0.1:3000")
	}
	port, known := map[string]string{"http": "80", "https": "443", "h2c": "80"}[scheme]
	if !known {
		return Upstream{}, &notAmong{otherwise: "has a scheme that is not spoken here", word: scheme, options: []string{"http", "https", "h2c", "unix"}}
	}
	u, err := url.Parse("http://" + strings.TrimSuffix(rest, "/"))
	switch {
	case err != nil || u.Host == "":
		return Upstream{}, errors.New("is no address of a server; expected scheme, host and perhaps port, such as http://127.0.0.1:3000")
	case u.User != nil:
		return Upstream{}, errors.New("has a password in it; expected it in set: { Authorization: … } of the route")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(rest, "?#"):
		return Upstream{}, errors.New("goes on after the port; expected the address alone; rewrite: changes the path")
	}
	if p := u.Port(); p != "" {
		port = p
	} else if strings.HasSuffix(u.Host, ":") {
		return Upstream{}, errors.New("has no port behind the colon; expected such as http://127.0.0.1:3000")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return Upstream{}, errors.New("has no good port; expected a number from 1 to 65,535")
	}
	if err := checkServer(u.Hostname()); err != nil {
		return Upstream{}, err
	}
	return Upstream{URL: s, Scheme: Scheme(scheme), Network: "tcp", Address: net.JoinHostPort(u.Hostname(), port), Host: u.Host}, nil
}

// checkServer is checkHost, and addresses.
func checkServer(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsMulticast() || addr.IsUnspecified() {
			return errors.New("is nobody's address; expected the address of one server, such as http://127.0.0.1:3000")
		}
		return nil
	}
	if err := checkHost(strings.ReplaceAll(host, "_", "-")); err != nil { // names of containers have "_"
		return errors.New("has a host that is neither a name nor an address; expected such as http://127.0.0.1:3000")
	}
	return nil
}

const balanceWords = "two-choices, least-requests, round-robin, hash client, hash header NAME or hash cookie NAME"

func decodeBalance(d *decoder, r *Route, n *node) {
	if n.kind != scalarNode {
		d.wrong(n, balanceWords)
		return
	}
	words := strings.Fields(n.text)
	if len(words) == 3 && words[0] == "hash" && (words[1] == "header" || words[1] == "cookie") && headerName.MatchString(strings.ReplaceAll(words[2], "_", "-")) {
		if r.Proxy.Balance, r.Proxy.Key = Balance("hash "+words[1]), words[2]; words[1] == "header" {
			r.Proxy.Key = http.CanonicalHeaderKey(words[2])
		}
		return
	}
	options := []string{string(TwoChoices), string(LeastRequests), string(RoundRobin), string(HashClient)}
	if slices.Contains(options, strings.Join(words, " ")) {
		r.Proxy.Balance, r.Proxy.Key = Balance(strings.Join(words, " ")), ""
		return
	}
	problem := d.add(n, "%s can't be %s", n.name, n.words()).Expect("%s", balanceWords)
	if ours := foreignBalance(n.text); ours != "" {
		problem.Nearest = ours
	} else {
		problem.Near(n.text, options)
	}
}

// foreignBalance returns our name for what other proxies call otherwise, or "".
func foreignBalance(s string) string {
	switch strings.ReplaceAll(s, "_", "-") {
	case "p2c", "random", "random-choose", "power-of-two":
		return string(TwoChoices)
	case "least-conn", "leastconn", "least-connections", "least-request":
		return string(LeastRequests)
	case "rr", "wrr", "roundrobin":
		return string(RoundRobin)
	case "ip-hash", "ip", "source", "client-ip", "client":
		return string(HashClient)
	}
	return ""
}

func decodeHost(d *decoder, r *Route, n *node) {
	s, ok := d.text(n)
	if !ok {
		return
	}
	switch s {
	case "client":
		r.Proxy.Host = ""
		return
	case "upstream":
		r.Proxy.Host = s
		return
	}
	name, port, hasPort := strings.Cut(s, ":")
	if number, err := strconv.Atoi(port); checkHost(name) != nil || hasPort && (err != nil || number < 1 || number > 65535) {
		d.add(n, "host can't be %s", n.words()).Expect("client, upstream, or a host name such as app.internal").Near(s, []string{"client", "upstream"})
		return
	}
	r.Proxy.Host = s
}

func decodePassHeaders(d *decoder, r *Route, n *node) {
	check := matches(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`, "is no header name; expected letters, digits, dashes, _ and .")
	for _, name := range d.names(n) {
		err := check(name.Text)
		if err == nil && !strings.ContainsAny(name.Text, "_.") {
			err = mistake("has neither _ nor ., so it passes anyway; expected the names that do not, such as X_Old_Header")
		}
		if err != nil {
			d.textProblem(name.Pos, name.Text, err).Path = n.path
			continue
		}
		r.PassHeaders = append(r.PassHeaders, http.CanonicalHeaderKey(name.Text))
	}
}

// checkProxy looks at the keys of a proxy route together.
func checkProxy(d *decoder, r *Route, given map[string]*node) {
	p := r.Proxy
	if at := given["rewrite"]; at != nil && r.Rewrite != "" && r.Path != "" {
		starred, below := strings.Contains(r.Path, "*"), strings.HasSuffix(r.Path, "/")
		if want := starred || below; want != strings.HasSuffix(r.Rewrite, "/") {
			how := "without a slash at its end, as the route's path"
			if want {
				how = "with a slash at its end: the rest of the path follows it"
			}
			d.add(at, "%s can't take the place of %s", r.Rewrite, r.Path).Expect("a path %s", how)
		}
	}
	if at := given["sticky"]; at != nil && p.Sticky && strings.HasPrefix(string(p.Balance), "hash") {
		d.add(at, "sticky and balance: %s both say where a visitor goes", strings.TrimSpace(string(p.Balance)+" "+p.Key)).Expect("one of the two")
	}
	if at := given["tls"]; at != nil && len(p.Upstreams) > 0 && !slices.ContainsFunc(p.Upstreams, func(u Upstream) bool { return u.Scheme == HTTPS }) {
		d.add(at, "no server of this route speaks TLS").Expect("https:// before its address, or no tls")
	}
}

// checkRewrite reports what is wrong with a rewrite.
func checkRewrite(p string) error {
	if strings.Contains(p, "*") {
		return errors.New("has a *; expected a plain path, such as /")
	}
	if checkPath(p) != nil {
		return errors.New("is no path; expected a slash at its start and plain letters, digits, dashes and slashes")
	}
	return nil
}

// checkProbe reports what is wrong with the path of a health check. It may have a query.
func checkProbe(p string) error {
	u, err := url.ParseRequestURI(p)
	if err != nil || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || u.Fragment != "" || strings.ContainsAny(p, "# \t\n") {
		return errors.New("is no path to ask for; expected such as /healthz")
	}
	return nil
}
