package dns

import (
	"net/netip"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// crowd counts the TCP connections that are open.
type crowd struct {
	mu      sync.Mutex // guards all below
	total   int
	clients map[netip.Addr]int
}

// enter counts a connection, or reports that there are too many already. Loopback and those that zones are transferred to
// are bounded only by the total.
func (c *crowd) enter(client netip.Addr, t *settings) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total >= t.clients.Connections {
		return false
	}
	if c.clients[client] >= t.clients.PerClient && !client.IsLoopback() && !t.peers[client] {
		return false
	}
	c.total++
	c.clients[client]++
	return true
}

func (c *crowd) leave(client netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.clients[client]--; c.clients[client] == 0 {
		delete(c.clients, client)
	}
}

func (c *crowd) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// idle returns how long a client may be silent: less while more than half of the places are taken (RFC 7766 section 6.2.3).
func (c *crowd) idle(t config.DNSClients) time.Duration {
	if c.len() > t.Connections/2 {
		return t.Idle / 4
	}
	return t.Idle
}
