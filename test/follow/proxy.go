package follow

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy passes TCP connections on to a server that may come and go, and cuts them when it is told to.
type Proxy struct {
	listener net.Listener
	to       func() string

	mu    sync.Mutex // guards all below
	conns map[net.Conn]bool
	dark  bool // takes no connection
	group sync.WaitGroup
}

// NewProxy listens on a port of its own until the test ends.
func NewProxy(t testing.TB, to func() string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, to: to, conns: map[net.Conn]bool{}}
	p.group.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		p.group.Wait()
	})
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut ends every connection, both sides at once.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// Dark makes the proxy refuse connections, or take them again.
func (p *Proxy) Dark(dark bool) {
	p.mu.Lock()
	p.dark = dark
	p.mu.Unlock()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		dark := p.dark
		p.mu.Unlock()
		if dark {
			_ = c.Close()
			continue
		}
		p.group.Go(func() { p.pass(c) })
	}
}

func (p *Proxy) pass(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.to())
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.keep(client, server, true)
	defer p.keep(client, server, false)
	var one sync.WaitGroup
	one.Go(func() { _, _ = io.Copy(server, client); _ = server.Close(); _ = client.Close() })
	_, _ = io.Copy(client, server)
	_ = server.Close()
	_ = client.Close()
	one.Wait()
}

func (p *Proxy) keep(client, server net.Conn, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.conns[client], p.conns[server] = true, true
		return
	}
	delete(p.conns, client)
	delete(p.conns, server)
}
