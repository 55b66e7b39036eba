// Package control is the way of a command to the server that runs: a socket in the data folder, on which orders go in as JSON and
// text comes out.
package control

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
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/config"
)

// The control socket lets commands of this machine's operator reach a running server, which alone may have the database
// open. It lies in the data folder and only its owner may use it.

// socketPathMax is how long the path of a Unix socket may be on every system that we run on.
const socketPathMax = 100

// Path is where the socket of a declaration lies.
func Path(c *config.Config) string { return filepath.Join(declare.DataFolder(c), "control.sock") }

// Listen opens the socket. The lock of the database says that no other server runs here, so a socket that is there
// is one of a server that was killed. Where the path is too long for a socket there is none, and commands say that the
// server must be stopped for them.
func Listen(ctx context.Context, c *config.Config) (net.Listener, error) {
	at := Path(c)
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

// Serve takes orders on the socket until ctx ends; nil for no socket. ending is called before it waits for the orders that are
// being done.
func Serve(ctx context.Context, l net.Listener, orders map[string]Order, ending func()) error {
	if l == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	s := &http.Server{Handler: answer(orders), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ending()
	err := s.Shutdown(context.WithoutCancel(ctx))
	if serve := <-ended; !errors.Is(serve, http.ErrServerClosed) {
		err = errors.Join(err, serve)
	}
	return err
}

// Order is one command of the control socket: its JSON in, its text out, or an error. What it writes leaves at its end, or
// where it says Flush.
type Order func(ctx context.Context, body *json.Decoder, out io.Writer) error

// Taking makes an order of a function that wants the command itself.
func Taking[T any](do func(ctx context.Context, command T, out io.Writer) error) Order {
	return func(ctx context.Context, body *json.Decoder, out io.Writer) error {
		var command T
		if err := body.Decode(&command); err != nil {
			return err
		}
		return do(ctx, command, out)
	}
}

// answer answers one command: its order in, its text or a problem out.
func answer(orders map[string]Order) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		do, ok := orders[path]
		if !ok {
			answerFailure(w, NoSuch(path))
			return
		}
		out := &reply{to: w}
		if err := do(r.Context(), json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)), out); err != nil && !out.begun {
			answerFailure(w, err)
			return
		}
		out.Flush()
	}
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

// Ask sends an order to the server that has the database open. reached is false where none does.
func Ask(ctx context.Context, c *config.Config, path string, order any, out io.Writer) (reached bool, err error) {
	at := Path(c)
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

// NoSuch is what an order that nobody knows gets, from a command of another version.
func NoSuch(path string) error {
	return roundtrip.E(roundtrip.Unprocessable, "command.invalid", "the server that runs does not know the command %q: it is of another version; restart it", path)
}

// LiveEvery is how often a command that goes on asks for news.
const LiveEvery = 300 * time.Millisecond
