package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// edge is one server that ends TLS, with all its processes.
type edge struct {
	name     string
	settings string
	binary   string
	args     []string
	env      []string
	addr     string
	log      string

	cmd  *exec.Cmd
	rest int64 // resident bytes a second after the start
}

// start runs the program and waits until it takes connections.
func (e *edge) start(ctx context.Context) error {
	out, err := os.OpenFile(e.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	e.cmd = exec.CommandContext(ctx, e.binary, e.args...)
	e.cmd.Env = append(append(os.Environ(), "NO_COLOR=1"), e.env...)
	e.cmd.Stdout, e.cmd.Stderr = out, out
	if err := e.cmd.Start(); err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", e.addr); err == nil {
			return c.Close()
		}
	}
	text, _ := os.ReadFile(e.log)
	return errors.Join(fmt.Errorf("%s takes no connections; it wrote:\n%s", e.name, tail(text, 2000)), e.stop())
}

// stop ends the processes that start began.
func (e *edge) stop() error {
	if e.cmd == nil {
		return nil
	}
	return (&server{cmd: e.cmd}).stop()
}

// processes returns the process and its children, which NGINX works with, and theirs, which NSD works with.
func (e *edge) processes() []*server {
	all := []*server{{cmd: e.cmd}}
	for i := 0; i < len(all); i++ {
		pid := all[i].cmd.Process.Pid
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		for child := range strings.FieldsSeq(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				all = append(all, &server{cmd: &exec.Cmd{Process: &os.Process{Pid: id}}})
			}
		}
	}
	return all
}

func (e *edge) cpu() (sum time.Duration, err error) {
	for _, p := range e.processes() {
		one, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

func (e *edge) resident() (sum int64, err error) {
	for _, p := range e.processes() {
		one, err := p.resident()
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

func (e *edge) url(path string) string {
	_, port, _ := net.SplitHostPort(e.addr)
	return "https://localhost:" + port + path
}

// try asks once, so that nobody is measured while answering wrongly.
func (e *edge) try(ctx context.Context, roots *x509.CertPool, m gateMeasure) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!m.h2)
	protocols.SetHTTP2(m.h2)
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: protocols, DisableCompression: true}
	defer t.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url(m.path), nil)
	if err != nil {
		return err
	}
	res, err := t.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || len(body) != m.size || (res.ProtoMajor == 2) != m.h2 {
		return fmt.Errorf("%s: GET %s: %s %s, %d bytes, %w", e.name, m.path, res.Proto, res.Status, len(body), err)
	}
	return nil
}

// load lets wrk or h2load ask, and counts the server's CPU time with it. A request that failed ends it.
func (e *edge) load(ctx context.Context, m gateMeasure, length time.Duration) (*result, error) {
	before, err := e.cpu()
	if err != nil {
		return nil, err
	}
	seconds := strconv.Itoa(max(1, int(length.Seconds())))
	cmd := exec.CommandContext(ctx, "wrk", "-t1", "-c32", "-d"+seconds+"s", e.url(m.path))
	if m.h2 {
		cmd = exec.CommandContext(ctx, "h2load", "-t1", "-c4", "-m8", "-D"+seconds, e.url(m.path))
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w\n%s", e.name, cmd.Path, err, text)
	}
	after, err := e.cpu()
	if err != nil {
		return nil, err
	}
	r, err := readLoad(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w:\n%s", e.name, err, text)
	}
	r.cpu = after - before
	return r, nil
}

// readLoad reads what wrk or h2load says at its end.
func readLoad(text string) (*result, error) {
	if m := regexp.MustCompile(`(\d+) requests in ([0-9.]+)s,`).FindStringSubmatch(text); m != nil { // wrk
		if strings.Contains(text, "Non-2xx") || strings.Contains(text, "Socket errors") {
			return nil, errors.New("requests failed")
		}
		return loaded(m[1], m[2])
	}
	m := regexp.MustCompile(`(?s)finished in ([0-9.]+)s.* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`).FindStringSubmatch(text)
	if m == nil {
		return nil, errors.New("the load generator's words are not understood")
	}
	if m[3] != "0" || m[4] != "0" || m[5] != "0" {
		return nil, errors.New("requests failed")
	}
	return loaded(m[2], m[1])
}

func loaded(requests, seconds string) (*result, error) {
	n, err := strconv.Atoi(requests)
	s, err2 := strconv.ParseFloat(seconds, 64)
	if err = errors.Join(err, err2); err == nil && n == 0 {
		err = errors.New("nothing was answered")
	}
	return &result{requests: n, elapsed: time.Duration(s * float64(time.Second))}, err
}

// newEdge gives a server its folder and its port.
func (w *ground) newEdge(ctx context.Context, name, binary string) (*edge, error) {
	home := filepath.Join(w.dir, name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	return &edge{name: name, binary: binary, addr: addr, log: filepath.Join(home, "log")}, err
}

func (e *edge) home() string { return filepath.Dir(e.log) }

// write puts a file into the server's folder and returns its path.
func (e *edge) write(name, text string) (string, error) {
	path := filepath.Join(e.home(), name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
