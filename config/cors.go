package config

import (
	"slices"
	"time"
)

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
			or("[Authorization, Connect-Protocol-Version, Connect-Timeout-Ms, Content-Type, Grpc-Timeout, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Grpc-Web, X-User-Agent]").
			says("Request headers that such a page may set. Those of Connect and gRPC-Web are among them unless you list others."),
		texts("expose", func(c *CORS) *[]string { return &c.Expose }).or("[Accept-Patch, Allow, Content-Range, ETag, Grpc-Message, Grpc-Status, Grpc-Status-Details-Bin, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Journey]").
			eg("[ETag, X-Journey]").each(token).
			says("Answer headers that such a page may read. X-Journey is always one of them, so that a script can say which request failed."),
		truth("credentials", func(c *CORS) *bool { return &c.Credentials }).or("false").eg("true").
			says("Whether such a page may send the visitor's cookie. Browsers send it only for pages of the same site, such as " +
				"app.example.com for api.example.com, because the cookie is SameSite=Lax. Pages of another site don't need this: " +
				"sign-in gives them a token, which they send as Authorization: Bearer."),
		duration("max_age", "0s", "1d", func(c *CORS) *time.Duration { return &c.MaxAge }).or("10m").eg("1h").
			says("How long a browser remembers the answer to a preflight."),
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
	case c.Credentials && (slices.Contains(c.Headers, "*") || slices.Contains(c.Expose, "*")):
		d.add(n, "with credentials: true, browsers take '*' for a header of that name").
			Expect("the headers by name, or credentials: false")
	case wild && len(c.Origins) > 1:
		d.add(n, "'*' stands for every origin already").Expect("'*' alone, or the origins by name")
	}
}
