package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

const tryTimeout = 10 * time.Second

// TryOrder is one call of a site's API that is tried.
type TryOrder struct {
	Site    string            `json:"site"`
	Method  string            `json:"method"`
	Path    string            `json:"path"` // below the API, with its query
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	As      bool              `json:"as"` // the account that the operator signed in at the site; else nobody

	Token string `json:"-"` // of that account
}

// TryAnswer is what came back.
type TryAnswer struct {
	Status  int         `json:"status"`
	Proto   string      `json:"proto"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
	Binary  bool        `json:"binary,omitempty"` // the body is no text, and not shown
	Cut     bool        `json:"cut,omitempty"`    // there was more of it
	MS      float64     `json:"ms"`
	Journey string      `json:"journey"`
}

// try makes one call the way a stranger or an account would. Who may only look may try what changes nothing, as nobody.
func (c *Console) try(r *http.Request) (any, error) {
	var in TryOrder
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	o, _ := OperatorFrom(r.Context())
	reads := in.Method == http.MethodGet
	if o.Role < operators.Operate && (!reads || in.As) {
		return nil, roundtrip.E(roundtrip.Denied, "console.role", "%s may try GET as nobody; for more one has to be operator", o.Role)
	}
	who := ""
	if in.As {
		one, ok := c.sessions.as(c.cookieOf(r), in.Site)
		if !ok {
			return nil, roundtrip.E(roundtrip.Unprocessable, "console.not_there", "no account is signed in at %s: sign in first", in.Site)
		}
		in.Token, who = one.token, one.name
	}
	if !reads || in.As {
		path, _, _ := strings.Cut(in.Path, "?")
		if err := Note(r.Context(), Entry{What: "try", Target: in.Method + " " + in.Site + path, Note: as(who)}); err != nil {
			return nil, err
		}
	}
	return c.tried(r.Context(), in)
}

func (c *Console) tried(ctx context.Context, in TryOrder) (*TryAnswer, error) {
	select {
	case c.whys <- struct{}{}:
		defer func() { <-c.whys }()
	default:
		return nil, roundtrip.E(roundtrip.Limited, "console.whys", "%d probes run already: wait until one has ended", whysMax)
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	return c.options.Try(ctx, in)
}

// trySignIn signs an account in at a site, by its own name and password. The token stays here, in memory.
func (c *Console) trySignIn(r *http.Request) (any, error) {
	var in struct {
		Site     string `json:"site"`
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	e := Entry{What: "try.sign-in", Target: in.Site, Note: as(in.Login)}
	if err := Note(r.Context(), e); err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{"login": in.Login, "password": in.Password})
	if err != nil {
		return nil, roundtrip.Wrap("console.try", err)
	}
	answer, err := c.tried(r.Context(), TryOrder{
		Site: in.Site, Method: http.MethodPost, Path: "/auth/sign-in", Body: string(body), Headers: map[string]string{"Content-Type": "application/json"},
	})
	if err != nil {
		return nil, err
	}
	var said struct{ Token, Detail, Reason string }
	if json.Unmarshal([]byte(answer.Body), &said) != nil || said.Token == "" {
		e.Refused = said.Reason
		if err := Note(r.Context(), e); err != nil {
			return nil, err
		}
		return nil, roundtrip.E(roundtrip.Unprocessable, "auth.invalid", "%s did not sign %s in: %d %s", in.Site, in.Login, answer.Status, said.Detail)
	}
	if old, ok := c.sessions.setAs(c.cookieOf(r), in.Site, account{in.Login, said.Token}); ok {
		c.leave(r.Context(), in.Site, old)
	}
	return c.tryAccounts(r)
}

// tryAccounts says who is signed in where.
func (c *Console) tryAccounts(r *http.Request) (any, error) {
	names := map[string]string{}
	for site, one := range c.sessions.allAs(c.cookieOf(r)) {
		names[site] = one.name
	}
	return struct {
		Accounts map[string]string `json:"accounts"`
	}{names}, nil
}

func (c *Console) cookieOf(r *http.Request) string {
	if cookie, err := r.Cookie(c.cookieName()); err == nil {
		return cookie.Value
	}
	return ""
}

// TryPath reads the path of an order: one below the API, of this server and no other.
func TryPath(text string) (*url.URL, error) {
	u, err := url.ParseRequestURI(text)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.ContainsAny(text, "\\#") {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "path is one below the API, such as /photos?page_size=3")
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == ".." || part == "." {
			return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "path has no . and .. in it")
		}
	}
	return u, nil
}
