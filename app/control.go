package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// The control socket lets commands of this machine's operator reach a running server, which alone may have the database
// open. It lies in the data folder and only its owner may use it.

// socketPathMax is how long the path of a Unix socket may be on every system that we run on.
const socketPathMax = 100

func controlPath(c *config.Config) string { return filepath.Join(dataFolder(c), "control.sock") }

// listenControl opens the socket. The lock of the database says that no other server runs here, so a socket that is there
// is one of a server that was killed. Where the path is too long for a socket there is none, and commands say that the
// server must be stopped for them.
func listenControl(ctx context.Context, c *config.Config) (net.Listener, error) {
	at := controlPath(c)
	if len(at) > socketPathMax {
		return nil, nil //nolint:nilnil // no listener is a good answer here
	}
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", at)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(at, 0o600)
}

// runControl serves the socket until ctx ends.
func (d *doors) runControl(a *App) func(context.Context) error {
	return func(ctx context.Context) error {
		if d.control == nil {
			<-ctx.Done()
			return ctx.Err()
		}
		s := &http.Server{Handler: http.HandlerFunc(a.control), ReadHeaderTimeout: 5 * time.Second}
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(d.control) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
		}
		close(a.closing) // who waits for its turn would wait forever: what it waits for has ended
		err := s.Shutdown(context.WithoutCancel(ctx))
		if serve := <-ended; !errors.Is(serve, http.ErrServerClosed) {
			err = errors.Join(err, serve)
		}
		return err
	}
}

// order is one command of the control socket: its JSON in, its text out, or an error. What it writes leaves at its end, or
// where it says Flush.
type order func(ctx context.Context, body *json.Decoder, out io.Writer) error

// orders are the commands that a running server takes, by their path on the control socket.
func (a *App) orders() map[string]order {
	return map[string]order{
		"user": taking(func(ctx context.Context, o userCommand, out io.Writer) error {
			return a.house.Load().run(ctx, o, a.around.Now(), out)
		}),
		"webhooks": taking(a.doWebhooks),
		"drops": taking(func(ctx context.Context, o dropsCommand, out io.Writer) error {
			return json.NewEncoder(out).Encode(a.seen.drops(ctx, o))
		}),
		"flows":    taking(func(_ context.Context, o flowsCommand, out io.Writer) error { return a.seen.doFlows(o, out) }),
		"firewall": taking(a.doWall),
		"certs":    func(_ context.Context, _ *json.Decoder, out io.Writer) error { return a.listCerts(out) },
		"upstreams": func(_ context.Context, _ *json.Decoder, out io.Writer) error {
			return writeJSON(out, a.base.ups.list())
		},
		"journeys": taking(a.listJourneys),
		"journey":  taking(a.showJourney),
		"diff":     taking(a.showDiff),
		"pin":      taking(a.pinJourney),
		"status": func(ctx context.Context, _ *json.Decoder, out io.Writer) error {
			return json.NewEncoder(out).Encode(a.overview(ctx))
		},
		"why-begin": taking(a.doWhyBegin),
		"why-saw":   taking(a.doWhySaw),
		"why-end":   taking(a.doWhyEnd),

		"operator": taking(a.doOperator),
		"zone":     a.nameOrder("zone"),
		"explain":  a.nameOrder("explain"),
		"names":    a.nameOrder("names"),
	}
}

func (a *App) nameOrder(path string) order {
	return taking(func(_ context.Context, o nameCommand, out io.Writer) error { return a.names.order(path, o, out) })
}

// taking makes an order of a function that wants the command itself.
func taking[T any](do func(ctx context.Context, command T, out io.Writer) error) order {
	return func(ctx context.Context, body *json.Decoder, out io.Writer) error {
		var command T
		if err := body.Decode(&command); err != nil {
			return err
		}
		return do(ctx, command, out)
	}
}

// control answers one command: its order in, its text or a problem out.
func (a *App) control(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	do, ok := a.orders()[path]
	if !ok {
		answerFailure(w, noSuch(path))
		return
	}
	out := &reply{to: w}
	if err := do(r.Context(), json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)), out); err != nil && !out.begun {
		answerFailure(w, err)
		return
	}
	out.Flush()
}

func answerFailure(w http.ResponseWriter, err error) {
	e := roundtrip.AsError(err)
	w.WriteHeader(e.HTTPStatus())
	_ = json.NewEncoder(w).Encode(failure{Kind: e.Kind, Reason: e.Reason, Public: e.Public, Details: e.Details})
}

// reply keeps what an order writes until its end, so that an error can still take its place; an order that goes on for long
// flushes what is complete.
type reply struct {
	bytes.Buffer

	to    http.ResponseWriter
	begun bool
}

// Flush sends what was written so far.
func (r *reply) Flush() {
	if r.Len() == 0 {
		return
	}
	r.begun = true
	_, _ = r.WriteTo(r.to)
	if f, ok := r.to.(http.Flusher); ok {
		f.Flush()
	}
}

// failure is an error on its way over the control socket.
type failure struct {
	Kind    roundtrip.Kind
	Reason  string
	Public  string
	Details []roundtrip.Detail
}

// askServer sends an order to the server that has the database open. reached is false where none does.
func askServer(ctx context.Context, c *config.Config, path string, order any, out io.Writer) (reached bool, err error) {
	at := controlPath(c)
	if _, err := os.Stat(at); err != nil {
		return false, nil
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", at)
		},
	}}
	body, err := json.Marshal(order) // may hold a password, on its way to the owner's own process, over a socket of theirs alone
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/"+path, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return false, nil // the socket of a server that was killed: nobody is there
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusOK {
		_, err = io.Copy(out, resp.Body)
		return true, err
	}
	var f failure
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil {
		return true, err
	}
	return true, &roundtrip.Error{Kind: f.Kind, Reason: f.Reason, Public: f.Public, Details: f.Details}
}
