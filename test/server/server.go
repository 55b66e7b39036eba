// Package server runs the real program for tests from outside: it starts the binary on free ports with a declaration of the
// test's own, waits until it says that it is ready, and gives a client that trusts its authority.
package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience bounds every wait of a test; it is long because machines of tests are slow, and only reached by a defect.
const Patience = 60 * time.Second

// Server is one running process.
type Server struct {
	Folder string // holds roundtrip.yaml and data/
	HTTPS  string // host:port
	HTTP   string // host:port
	DNS    string // host:port, over UDP and TCP; "" where no zone is declared

	t       testing.TB
	program string
	env     []string
	cmd     *exec.Cmd
	args    []string
	done    chan struct{} // closed when the process has ended
	err     error

	mu  sync.Mutex // guards log
	log bytes.Buffer
}

// Binary returns the program under test: ROUNDTRIP_BIN, or bin/roundtrip of this tree.
func Binary(t testing.TB) string {
	t.Helper()
	if at := os.Getenv("ROUNDTRIP_BIN"); at != "" {
		return at
	}
	at, err := filepath.Abs("../../bin/roundtrip")
	if err == nil {
		_, err = os.Stat(at)
	}
	if err != nil {
		t.Fatalf("no program to test (%v): run make build, or set ROUNDTRIP_BIN", err)
	}
	return at
}

// Gallery copies the gallery example into a folder of the test's own: its declaration and demo, without the page, which
// test/browser tests.
func Gallery(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"roundtrip.yaml", "demo.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../examples/gallery", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// Declare writes a declaration into a folder of the test's own.
func Declare(t testing.TB, yaml string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Start runs `roundtrip serve` on the folder and waits until it is ready. The test's end stops it.
func Start(t testing.TB, folder string, args ...string) *Server {
	t.Helper()
	return StartProgram(t, Binary(t), nil, folder, args...)
}

// StartProgram is Start for another program that is called in the same way, with more in its environment.
func StartProgram(t testing.TB, program string, env []string, folder string, args ...string) *Server {
	t.Helper()
	quiet := []string{"serve", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--enforce", "process"}
	s := &Server{t: t, program: program, env: env, Folder: folder, args: append(quiet, append(args, folder)...)}
	s.start()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("log of the server:\n%s", s.Log())
		}
	})
	return s
}

func (s *Server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.program, s.args...)
	s.cmd.Env = append(os.Environ(), s.env...)
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan struct{})
	ready := make(chan [3]string, 1)
	go s.read(bufio.NewScanner(pipe), ready)
	select {
	case at := <-ready:
		s.HTTPS, s.HTTP, s.DNS = at[0], at[1], at[2]
	case <-s.done:
		s.t.Fatalf("the server ended before it was ready: %v\n%s", s.err, s.Log())
	case <-time.After(Patience):
		s.t.Fatalf("the server is not ready after %v:\n%s", Patience, s.Log())
	}
}

// read keeps the log and finds the line that says where the server listens.
func (s *Server) read(lines *bufio.Scanner, ready chan<- [3]string) {
	for lines.Scan() {
		s.mu.Lock()
		s.log.Write(lines.Bytes())
		s.log.WriteByte('\n')
		s.mu.Unlock()
		var line struct{ Msg, HTTPS, HTTP, DNS string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			ready <- [3]string{line.HTTPS, line.HTTP, line.DNS}
		}
	}
	s.err = s.cmd.Wait()
	close(s.done)
}

// Log returns what the process has written so far.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// PID returns the process's id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Signal sends a signal.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Stop asks the process to end and waits until it has; an exit status other than 0 fails the test.
func (s *Server) Stop() {
	s.t.Helper()
	select {
	case <-s.done:
		return
	default:
	}
	s.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		if s.err != nil {
			s.t.Errorf("the server did not stop cleanly: %v", s.err)
		}
	case <-time.After(Patience):
		s.t.Errorf("the server still runs %v after it was asked to stop", Patience)
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// Kill ends the process at once (SIGKILL), as a power cut would.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	<-s.done
}

// Restart starts the process anew on the same folder, after a Stop or Kill.
func (s *Server) Restart() {
	s.t.Helper()
	s.start()
}

// Client returns an HTTP client that resolves every name to the server and trusts its authority.
func (s *Server) Client() *http.Client {
	s.t.Helper()
	pem, err := os.ReadFile(s.Authority())
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		to := s.HTTPS
		if strings.HasSuffix(address, ":80") {
			to = s.HTTP
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 128}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Authority returns the path of the local authority's certificate.
func (s *Server) Authority() string { return filepath.Join(s.Folder, "data", "certs", "local-ca.crt") }
