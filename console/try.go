package console

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

const (
	tryTimeout    = 10 * time.Second
	tryUploadTime = 2 * time.Minute // of a call that brings files
)

// TryOrder is one call of a site's API that is tried.
type TryOrder struct {
	Site    string            `json:"site"`
	Method  string            `json:"method"`
	Path    string            `json:"path"` // below the API, with its query
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	As      bool              `json:"as"`      // the account that the operator signed in at the site; else nobody
	Account string            `json:"account"` // login or id of an account in whose name it is asked, without its password
	Size    int64             `json:"size"`    // of the part that follows the order, in bytes

	Content io.Reader `json:"-"` // that part, in place of Body; read as it comes, and once; nil: there is none
	Token   string    `json:"-"` // of the account that was signed in
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

// try makes one call the way a stranger or an account would.
func (c *Console) try(r *http.Request) (any, error) {
	in, err := c.tryOrder(r)
	if err != nil {
		return nil, err
	}
	return c.tried(r.Context(), in)
}

// tryOrder reads an order, and refuses and notes it. Who may only look may try what changes nothing, as nobody.
func (c *Console) tryOrder(r *http.Request) (in TryOrder, err error) {
	if in, err = readTry(r); err != nil {
		return in, err
	}
	o, _ := OperatorFrom(r.Context())
	reads, somebody := in.Method == http.MethodGet, in.As || in.Account != ""
	if o.Role < operators.Operate && (!reads || somebody) {
		return in, roundtrip.E(roundtrip.Denied, "console.role", "%s may try GET as nobody; for more one has to be operator", o.Role)
	}
	who := in.Account
	if in.As {
		one, ok := c.sessions.as(c.cookieOf(r), in.Site)
		if !ok || who != "" {
			return in, roundtrip.E(roundtrip.Unprocessable, "console.not_there", "no account is signed in at %s: sign in first", in.Site)
		}
		in.Token, who = one.token, one.name
	}
	if !reads || somebody {
		e := Entry{What: "try", Note: as(who)}
		if in.Account != "" {
			e.Note += ", whose password was not asked for"
		}
		path, _, _ := strings.Cut(in.Path, "?")
		e.Target = in.Method + " " + in.Site + path
		return in, Note(r.Context(), e)
	}
	return in, nil
}

// readTry reads an order of JSON, or of a form: the part order is the JSON, and the part content behind it is what is sent,
// which is not held here but passed on as it comes.
func readTry(r *http.Request) (in TryOrder, err error) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "multipart/form-data" {
		r.Body = http.MaxBytesReader(nil, r.Body, bodyBytesMax)
		return in, readJSON(r, &in)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return in, badTry()
	}
	order, err := parts.NextPart()
	if err != nil || order.FormName() != "order" {
		return in, badTry()
	}
	text, err := io.ReadAll(io.LimitReader(order, bodyBytesMax+1))
	if err != nil || len(text) > bodyBytesMax {
		return in, badTry()
	}
	if err := decode(text, &in); err != nil {
		return in, err
	}
	content, err := parts.NextPart()
	switch {
	case err != nil || content.FormName() != "content" || in.Body != "" || in.Size <= 0:
		return in, badTry()
	case in.Size > tryContentMax:
		return in, roundtrip.E(roundtrip.TooLarge, "request.body_too_large", "a call that is tried sends at most %d MB, and this one would send %d: send it with curl", tryContentMax>>20, in.Size>>20)
	}
	in.Content = content
	return in, nil
}

func badTry() error {
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "a try is JSON, or a form of two parts: order, the JSON with size and without body, then content, what is sent")
}

// tried makes the call of an order.
func (c *Console) tried(ctx context.Context, in TryOrder) (*TryAnswer, error) {
	select {
	case c.whys <- struct{}{}:
		defer func() { <-c.whys }()
	default:
		return nil, roundtrip.E(roundtrip.Limited, "console.whys", "%d probes run already: wait until one has ended", whysMax)
	}
	limit := tryTimeout
	if in.Content != nil {
		limit = tryUploadTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
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
