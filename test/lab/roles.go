package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Declaration is the one roundtrip.yaml of all machines.
//
//go:embed roundtrip.yaml
var Declaration string

// Site is the name of the declaration's site.
const Site = "www.lab.test"

// Declare writes a declaration into the machine's folder. It is whole at every moment, since a server may read it.
func (m *Machine) Declare(yaml string) error {
	at := filepath.Join(m.Folder, "roundtrip.yaml")
	if err := os.WriteFile(at+".new", []byte(yaml), 0o600); err != nil {
		return err
	}
	return os.Rename(at+".new", at)
}

// Serve runs `roundtrip serve` on the machine's folder and waits until it is ready.
func (m *Machine) Serve(ctx context.Context, program string, args ...string) (*Process, error) {
	p, err := m.Start(program, append([]string{"serve"}, append(args, m.Folder)...)...)
	if err != nil {
		return nil, err
	}
	if err := p.Await(ctx, `"msg":"ready"`, 1); err != nil {
		return nil, fmt.Errorf("roundtrip on %s: %w", m.Name, err)
	}
	return p, nil
}

// Reload gives a server that runs on the machine another declaration and waits until it is in force.
func (m *Machine) Reload(ctx context.Context, p *Process, yaml string) error {
	const done = `"msg":"reloaded"`
	before := p.count(done)
	if err := m.Declare(yaml); err != nil {
		return err
	}
	if err := p.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return p.Await(ctx, done, before+1)
}

// Up starts the whole site on the lab's declaration: applications, database, name server and edge, each behind its groups. It
// returns the servers, the innermost first.
func (l *Lab) Up(ctx context.Context, program string) (servers []*Process, err error) {
	for _, name := range []string{App1, App2} {
		if err := l.Machine(name).ServeApp(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.Machine(DB).Echo(ctx, ":5432"); err != nil {
		return nil, err
	}
	for _, name := range []string{App1, App2, DB, DNS, Edge} {
		m := l.Machine(name)
		if err := m.Declare(Declaration); err != nil {
			return nil, err
		}
		if text, status, err := m.Run(ctx, program, "firewall", "apply", "--yes", m.Folder); err != nil || status != 0 {
			return nil, fmt.Errorf("put the groups of %s in force: exit status %d, %w; it said:\n%s", name, status, cause(err), text)
		}
	}
	for _, name := range []string{DNS, Edge} {
		p, err := l.Machine(name).Serve(ctx, program)
		if err != nil {
			return nil, err
		}
		servers = append(servers, p)
	}
	return servers, nil
}

// Authority is where a server on the machine keeps the certificate of its own authority.
func (m *Machine) Authority() string { return filepath.Join(m.Folder, "data", "certs", "local-ca.crt") }

// ServeApp is the backend of an application machine: it says which machine answers, and to whom. It ends with ctx.
func (m *Machine) ServeApp(ctx context.Context) error {
	l, err := m.Listen(ctx, "tcp", ":8080")
	if err != nil {
		return err
	}
	s := &http.Server{ReadHeaderTimeout: Patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.URL.Path == "/slow" {
			m.drip(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, "%s answers %s\n", m.Name, r.Header.Get("X-Forwarded-For"))
	})}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a listener of our own
		}
	}()
	return nil
}

// drip sends a line ten times a second, until the one who asked is gone.
func (m *Machine) drip(w http.ResponseWriter, r *http.Request) {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		if _, err := fmt.Fprintln(w, m.Name); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// Echo is a server that sends back what it is sent, for machines whose program does not matter. It ends with ctx.
func (m *Machine) Echo(ctx context.Context, address string) error {
	l, err := m.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { _ = c.Close() })
			go func(c net.Conn) {
				defer stop()
				defer c.Close()
				_, _ = io.Copy(c, c)
			}(c)
		}
	}()
	return nil
}
