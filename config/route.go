package config

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

func routesKey() key {
	k := many("routes", func(s *Site) *[]Route { return &s.Routes },
		func(r *Route, pos roundtrip.Pos) {
			*r = Route{Pos: pos, Proxy: &Proxy{}, Redirect: &Redirect{}} // what is not declared is taken away again
		}, routeKeys()...)
	read := k.set
	k.set = func(d *decoder, target any, n *node) { // also where something is wrong in them: all mistakes are told at once
		read(d, target, n)
		checkRoutes(d, target.(*Site), n)
	}
	return k.must().takes("a list of blocks, each with a path and what it leads to, such as { path: /api/, to: api }").eg("[{ path: /api/, to: api }]").
		says("What is served at which path. The most specific route that fits a request wins, wherever it stands; docs/gate.md has the order.")
}

func routeKeys() []key {
	return append([]key{
		text("path", func(r *Route) *string { return &r.Path }).must().takes("a path, such as /, /api/ or /healthz").eg("/api/").each(checkPath).
			says("With a slash at its end, all paths below it; without one, exactly this path. A * as a whole segment stands for any one: /users/*/avatar."),
		texts("methods", func(r *Route) *[]string { return &r.Match.Methods }).eg("[GET, POST]").orElse("every method").
			takes("a list of methods, such as [GET, POST]").
			each(matches(`^[A-Z][A-Z-]{0,19}$`, "is no method; expected capitals, such as GET or POST")).
			says("Methods of requests that the route is for; HEAD goes with GET."),
		special("headers", "a block of header names with their values, such as { X-Canary: 'yes' }", linesJSON(), func(d *decoder, r *Route, n *node) {
			r.Match.Headers = d.headerLines(n, refuseConditionHeader)
		}).eg("{ X-Canary: 'yes' }").orElse("every request").
			says("Headers that a request must have for the route, each with exactly this value; '*' is any value."),
		choice("to", []string{"api"}, func(r *Route, _ string) { r.API = true }).eg("api").
			says("api serves the collections: REST, files and sign-in, below the path."),
		folder("static", func(r *Route) *string { return &r.Static }).eg("web/dist").
			says("Folder whose files are served. Hidden files and links out of the folder are not."),
		truth("spa", func(r *Route) *bool { return &r.SPA }).or("false").eg("true").
			says("For a single-page application: paths without a file answer with index.html."),
		truth("listing", func(r *Route) *bool { return &r.Listing }).or("false").eg("true").
			says("Whether folders without an index.html list their files."),
		text("redirect", func(r *Route) *string { return &r.Redirect.To }).eg("https://example.com/new/").
			takes("an address, such as https://example.com/new/ or /new/").each(checkRedirect).
			says("Where to go instead. Where both it and the route's path end with a slash, the rest of the path follows; the query does in any case, unless the address has one."),
		integerOf("status", []int{301, 302, 303, 307, 308}, func(r *Route) *int { return &r.Redirect.Status }).or("308").eg("301").
			says("Status of the redirect. 307 and 308 keep the method; 301 and 308 are remembered by browsers."),
		optional("respond", func(r *Route) **Respond { return &r.Respond }, func(a *Respond, pos roundtrip.Pos) { a.Pos = pos },
			integer("status", 200, 599, func(a *Respond) *int { return &a.Status }).or("200").eg("204").
				says("Status of the answer."),
			text("body", func(a *Respond) *string { return &a.Body }).eg("ok").
				says("Text of the answer."),
			text("type", func(a *Respond) *string { return &a.Type }).or("text/plain; charset=utf-8").eg("application/json").
				takes("a media type").each(matches(`^[a-z]+/[a-z0-9.+-]+(; ?[a-z]+=[A-Za-z0-9-]+)?$`, "is no media type; expected such as application/json")).
				says("What the text is.")).
			after(func(d *decoder, target any, n *node) {
				if a := target.(*Route).Respond; a.Body != "" && (a.Status == 204 || a.Status == 304) {
					d.add(n, "an answer with status %d has no body", a.Status).Expect("another status, or no body")
				}
			}).
			eg("{ status: 200, body: ok }").
			says("A fixed answer."),
		truth("compress", func(r *Route) *bool { return &r.Compress }).eg("false").orElse("true for static, false for api and proxy").
			says("Whether answers that get smaller by it are compressed (zstd, br or gzip, as the client takes it). What is secret and what a stranger can choose should not be compressed together: see docs/gate.md."),
		block("limits", func(r *Route) *Limits {
			if r.Limits == nil {
				r.Limits = &Limits{}
			}
			return r.Limits
		}, limitsKeys(size("body", "1kB", "10GB", func(l *Limits) *int64 { return &l.Body }).eg("100MB").orElse("that of the site").
			says("Largest body of a request, in place of the site's limit."))...).
			after(func(d *decoder, target any, n *node) { checkLimits(d, target.(*Route).Limits, n) }).
			says("What the route takes at the most, besides the limits of the site."),
	}, proxyKeys()...)
}

// kinds says which keys of a route go with what it leads to. The keys of conditions and limits go with all.
func kinds() map[string][]string {
	return map[string][]string{
		"to":       {"compress"},
		"static":   {"spa", "listing", "compress"},
		"redirect": {"status"},
		"respond":  {},
		"proxy": {
			"rewrite", "balance", "sticky", "health", "eject", "slow_start", "concurrency", "retry", "timeouts", "buffer", "host", "tls", "set",
			"compress", "pass_headers",
		},
	}
}

// checkRoutes looks at the routes of one site: each by itself, then all together.
func checkRoutes(d *decoder, s *Site, n *node) {
	if n.kind != listNode {
		return
	}
	if len(n.items) == 0 {
		d.add(n, "the site serves nothing").Expect("at least one route, such as { path: /api/, to: api }")
	}
	for i := range s.Routes {
		r := &s.Routes[i]
		j := slices.IndexFunc(n.items, func(item *node) bool { return item.pos == r.Pos })
		checkRoute(d, r, n.items[j])
		for _, other := range s.Routes[:i] {
			if samePath(r.Path, other.Path) && r.Match.Weight() == other.Match.Weight() && r.Match.Overlaps(other.Match) {
				problem := d.add(n.items[j], "a request can fit this route and the one of line %d, column %d, and neither is more specific", other.Pos.Line, other.Pos.Column).
					Expect("other paths, methods or headers that tell them apart")
				if len(r.Match.Methods)+len(r.Match.Headers)+len(other.Match.Methods)+len(other.Match.Headers) == 0 {
					problem.Message = "the path " + r.Path + " has a route already"
					problem.Expect("one route a path, unless methods or headers tell them apart; the first one stands in line %d, column %d", other.Pos.Line, other.Pos.Column)
				}
				break
			}
		}
	}
}

// samePath reports whether two routes are at the same place. "" is a path that was not understood.
func samePath(a, b string) bool { return a != "" && a == b }

// checkRoute looks at the keys of one route together, and takes away what was not declared.
func checkRoute(d *decoder, r *Route, n *node) {
	given := map[string]*node{}
	for _, p := range n.pairs {
		given[p.key] = p.value
	}
	targets := make([]string, 0, 1)
	for _, name := range []string{"to", "static", "proxy", "redirect", "respond"} {
		if given[name] != nil {
			targets = append(targets, name)
		}
	}
	switch {
	case len(targets) == 0 && !n.loose && !misspelt(n):
		d.add(n, "the route %s serves nothing", r.Path).Expect("to: api, static: folder, proxy: address, redirect: address or respond: { … }")
	case len(targets) > 1:
		d.add(n, "the route %s leads to %d things: %s", r.Path, len(targets), strings.Join(targets, ", ")).Expect("one of them")
	case len(targets) == 1:
		checkKeys(d, r, n, targets[0])
		checkKind(d, r, targets[0], given)
	}
	if given["compress"] == nil {
		r.Compress = r.Static != ""
	}
	if given["redirect"] == nil {
		r.Redirect = nil
	} else {
		r.Redirect.Pos = given["redirect"].pos
	}
	if given["proxy"] == nil {
		r.Proxy = nil
	} else {
		r.Proxy.Pos = given["proxy"].pos
	}
	if given["limits"] == nil {
		r.Limits = nil
	}
}

// misspelt reports whether a key of the route is none: perhaps it was to say what the route leads to.
func misspelt(n *node) bool {
	keys := liveNames(routeKeys())
	return slices.ContainsFunc(n.pairs, func(p pair) bool { return !slices.Contains(keys, p.key) })
}

// leads says what a route of each kind does, and how it is written.
func leads(target string) (does, written string) {
	switch target {
	case "to":
		return "goes to the api", "to: api"
	case "static":
		return "serves files", "static: folder"
	case "redirect":
		return "redirects", "redirect: address"
	case "respond":
		return "has a fixed answer", "respond: { … }"
	}
	return "hands requests on", "proxy: address"
}

// checkKeys refuses keys that mean nothing for what the route leads to.
func checkKeys(d *decoder, r *Route, n *node, target string) {
	for _, p := range n.pairs {
		var written []string
		for _, other := range []string{"to", "static", "redirect", "proxy"} {
			if slices.Contains(kinds()[other], p.key) {
				_, words := leads(other)
				written = append(written, words)
			}
		}
		if len(written) == 0 || slices.Contains(kinds()[target], p.key) {
			continue
		}
		does, _ := leads(target)
		d.add(p.value, "%s means nothing here: the route %s %s", p.key, r.Path, does).Expect("no %s; it goes with %s", p.key, list(written))
	}
}

// checkKind looks at what belongs together in a route of one kind.
func checkKind(d *decoder, r *Route, target string, given map[string]*node) {
	if checkPath(r.Path) != nil {
		return // it is said
	}
	starred, below := strings.Contains(r.Path, "*"), strings.HasSuffix(r.Path, "/")
	switch at := given[target]; {
	case target == "to" && (starred || !below):
		d.add(at, "the api has many paths, and %s is no start of them", r.Path).Expect("a path with a slash at its end and without *, such as /api/")
	case target == "static" && r.SPA && (starred || !below):
		d.add(given["spa"], "spa answers for all paths below, and %s has none", r.Path).Expect("a path with a slash at its end and without *")
	case target == "redirect" && r.Redirect.To != "" && r.Path == r.Redirect.To:
		d.add(at, "%s redirects to itself", r.Path).Expect("another address")
	case target == "proxy":
		checkProxy(d, r, given)
	}
}

// pathText is what a path of a route is made of: unreserved characters of RFC 3986 and those that paths often have.
var pathText = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()+,;=:@/*-]*$`)

// checkPath reports what is wrong with the path of a route.
func checkPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return errors.New("is no path of a route; expected a slash at its start, such as /api/")
	case !pathText.MatchString(p):
		return errors.New("is no path of a route; expected plain letters, digits, dashes and slashes, and * for a whole segment; there are no other patterns")
	case strings.Contains(p, "//"), path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/":
		return errors.New("is no path of a route; expected no empty, . or .. parts")
	}
	for segment := range strings.SplitSeq(p, "/") {
		if strings.Contains(segment, "*") && segment != "*" {
			return errors.New("has a * inside of a segment; expected * as a whole segment, such as /users/*/avatar")
		}
		if name, _, _ := strings.Cut(segment, ";"); name == "." || name == ".." {
			return errors.New("is no path of a route; expected no . or .. parts: the gate refuses them with a parameter too")
		}
	}
	return nil
}

// checkRedirect reports what is wrong with the address of a redirect.
func checkRedirect(to string) error {
	u, err := url.Parse(to)
	switch {
	case err != nil || strings.ContainsAny(to, "\\ \t\n") || strings.ContainsFunc(to, func(r rune) bool { return r > '~' }):
		return errors.New("is no address; expected https://host/path or /path, with anything unusual percent-encoded")
	case strings.HasPrefix(to, "//"):
		return errors.New("has no scheme; expected https: before it, or one slash for a path of this site")
	case u.Scheme == "" && strings.HasPrefix(to, "/"):
		return nil
	case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil:
		return nil
	case u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "":
		return errors.New("goes to a scheme that nobody should be sent to; expected https://host/path or /path")
	}
	return errors.New("is no address; expected https://host/path or /path")
}
