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

// control answers one command: its order in, its text or a problem out.
func (a *App) control(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	err := a.order(r, &out)
	if err != nil {
		e := roundtrip.AsError(err)
		w.WriteHeader(e.HTTPStatus())
		_ = json.NewEncoder(w).Encode(failure{Kind: e.Kind, Reason: e.Reason, Public: e.Public, Details: e.Details})
		return
	}
	_, _ = w.Write(out.Bytes())
}

// order does the command that a request holds.
func (a *App) order(r *http.Request, out io.Writer) error {
	body := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	switch path := strings.TrimPrefix(r.URL.Path, "/"); path {
	case "user":
		var order userCommand
		if err := body.Decode(&order); err != nil {
			return err
		}
		return a.house.Load().run(r.Context(), order, a.around.Now(), out)
	case "webhooks":
		var order webhookCommand
		if err := body.Decode(&order); err != nil {
			return err
		}
		return a.doWebhooks(r.Context(), order, out)
	case "drops":
		var order dropsCommand
		if err := body.Decode(&order); err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(a.seen.drops(r.Context(), order))
	case "flows":
		var order flowsCommand
		if err := body.Decode(&order); err != nil {
			return err
		}
		return a.seen.doFlows(order, out)
	case "firewall":
		var order wallCommand
		if err := body.Decode(&order); err != nil {
			return err
		}
		return a.doWall(r.Context(), order, out)
	case "certs":
		return a.listCerts(out)
	case "zone", "explain", "names":
		var order nameCommand
		if err := body.Decode(&order); err != nil {
			return err
		}
		return a.names.order(path, order, out)
	case "upstreams":
		return writeJSON(out, a.base.ups.list())
	default:
		return noSuch(path)
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
