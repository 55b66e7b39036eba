package witness

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/why"
)

// WhyOptions is a command line of roundtrip why.
type WhyOptions struct {
	File, Data string // of the server that is asked for its side
	URL        string
	Method     string
	Headers    []string // Name: value
	Body       string   // "@FILE" reads it from there
	Origin, As string
	Cookies    *bool
	Anyway     bool
	Call       bool     // of gRPC
	Resolve    []string // HOST:ADDRESS
	CA         string   // a file of certificates that are trusted besides the system's
	Timeout    time.Duration
	JSON       bool
	Live       bool // tell each step as soon as it is known
	Colour     bool
}

// Why probes a URL from this machine, and prints what stops it. The answer is returned for the exit status.
func Why(ctx context.Context, o WhyOptions, s process.Surroundings) (*why.Answer, error) {
	order, err := o.order(s)
	if err != nil {
		return nil, err
	}
	page := &why.Page{Out: s.Out, Colour: o.Colour}
	if order.Server, order.Alone, err = o.server(ctx, s); err != nil {
		return nil, err
	}
	if o.Live && !o.JSON {
		order.Step = page.Step
	}
	answer, err := why.Run(ctx, order)
	if err != nil {
		return nil, err
	}
	if o.JSON {
		e := json.NewEncoder(s.Out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return answer, e.Encode(answer)
	}
	page.Answer(answer)
	return answer, nil
}

// order reads the words of the command line.
func (o *WhyOptions) order(s process.Surroundings) (why.Options, error) {
	order := why.Options{
		URL: o.URL, Method: o.Method, Origin: o.Origin, As: o.As, Cookies: o.Cookies, Call: o.Call, Anyway: o.Anyway, Timeout: o.Timeout,
		Header: http.Header{}, Resolve: map[string]netip.Addr{}, Dial: why.DialFrom, Now: s.Now, Rand: s.Rand,
	}
	for _, line := range o.Headers {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t\r\n") {
			return order, badWhy("-H %q is no header; expected Name: value", line)
		}
		if strings.ContainsAny(value, "\r\n") {
			return order, badWhy("-H %s has a line end in its value", name)
		}
		order.Header.Add(name, strings.TrimSpace(value))
	}
	for _, pair := range o.Resolve {
		host, text, ok := strings.Cut(pair, ":")
		addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if !ok || err != nil {
			return order, badWhy("--resolve %s: expected HOST:ADDRESS, such as shop.example:203.0.113.9", pair)
		}
		order.Resolve[strings.ToLower(host)] = addr
	}
	order.Body = []byte(o.Body)
	if file, ok := strings.CutPrefix(o.Body, "@"); ok {
		var err error
		if order.Body, err = os.ReadFile(file); err != nil {
			return order, badWhy("-d @%s: %v", file, err)
		}
	}
	if len(order.Body) > 0 && order.Header.Get("Content-Type") == "" && json.Valid(order.Body) {
		order.Header.Set("Content-Type", "application/json")
	}
	if o.CA == "" {
		return order, nil
	}
	pem, err := os.ReadFile(o.CA)
	if err != nil {
		return order, badWhy("--ca %s: %v", o.CA, err)
	}
	if order.Roots, err = x509.SystemCertPool(); err != nil {
		order.Roots = x509.NewCertPool()
	}
	if !order.Roots.AppendCertsFromPEM(pem) {
		return order, badWhy("--ca %s holds no certificate in PEM", o.CA)
	}
	return order, nil
}

// server finds the server whose side can be asked: nil where no declaration is named and none lies here, or nobody runs it;
// alone says so then.
func (o *WhyOptions) server(ctx context.Context, s process.Surroundings) (server why.Server, alone string, err error) {
	file := o.File
	if file == "" {
		file = "."
	}
	c := declare.Located(file, o.Data, s)
	if c == nil {
		if o.File != "" {
			_, err = declare.Read(file, o.Data, s.WithoutSecrets())
		}
		return nil, "", err
	}
	runs, err := control.Ask(ctx, c, "names", names.Command{JSON: true}, &bytes.Buffer{})
	switch {
	case runs:
		return &whyServer{c}, "", nil // whether it has names to tell of is no matter here
	case err != nil:
		return nil, "", err
	case o.File != "" || o.Data != "":
		return nil, "", roundtrip.E(roundtrip.Unavailable, "app.stopping", "no server runs with %s (nobody answers at %s): start it, or leave --file out to see this side alone", c.File, control.Path(c))
	}
	return nil, "no server runs with the " + c.File + " of this folder.", nil
}

// whyServer is a server that is asked over its control socket.
type whyServer struct{ config *config.Config }

// ask sends an order and reads its answer.
func (w *whyServer) ask(ctx context.Context, path string, order, answer any) error {
	var out bytes.Buffer
	reached, err := control.Ask(ctx, w.config, path, order, &out)
	switch {
	case err != nil:
		return err
	case !reached:
		return roundtrip.E(roundtrip.Unavailable, "app.stopping", "the server stopped while it was asked")
	case answer == nil:
		return nil
	}
	return json.Unmarshal(out.Bytes(), answer)
}

// Begin is a [why.Server]'s.
func (w *whyServer) Begin(ctx context.Context, wanted why.Wanted) (*why.Begun, error) {
	b := &why.Begun{}
	return b, w.ask(ctx, "why-begin", wanted, b)
}

// Saw is a [why.Server]'s.
func (w *whyServer) Saw(ctx context.Context, asked why.Asked) (*why.Saw, error) {
	saw := &why.Saw{}
	return saw, w.ask(ctx, "why-saw", asked, saw)
}

// End is a [why.Server]'s.
func (w *whyServer) End(ctx context.Context, b *why.Begun) error {
	return w.ask(ctx, "why-end", b, nil)
}

func badWhy(format string, args ...any) error {
	return roundtrip.E(roundtrip.Invalid, "command.invalid", format, args...)
}
