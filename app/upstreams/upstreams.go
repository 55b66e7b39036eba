// Package upstreams is the servers behind proxy routes: how requests get to them, and how they are.
package upstreams

import (
	"encoding/hex"
	"io"
	"log/slog"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

// Servers is the servers behind proxy routes. It outlives a declaration: what a reload does not touch keeps its connections.
type Servers struct {
	*pool.Keeper
	now   func() time.Time
	node  string      // names this process, so that a request that comes back to it is known
	Leave proxy.Leave // the firewall's word on connections to them; nil in a command, which makes none
}

// New makes them; none is connected to yet.
func New(s process.Surroundings, log *slog.Logger) (*Servers, error) {
	var node [8]byte
	if _, err := io.ReadFull(s.Rand, node[:]); err != nil {
		return nil, err
	}
	u := &Servers{now: s.Now, node: hex.EncodeToString(node[:])}
	leave := func(network, address string, c syscall.RawConn) error {
		if u.Leave == nil {
			return nil
		}
		return u.Leave(network, address, c)
	}
	var err error
	u.Keeper, err = pool.NewKeeper(pool.KeeperOptions{Connect: proxy.Connect(s.Now, leave), Now: s.Now, Rand: s.Rand, Log: log})
	return u, err
}

// Target makes the targets of proxy routes, each with its pool of the next declaration.
func (u *Servers) Target(next *pool.Next) func(*config.Site, *config.Route) (route.Target, error) {
	return func(s *config.Site, r *config.Route) (route.Target, error) {
		mount := route.Mount(r.Path)
		p, err := next.Pool(RouteName(s, r), mount, r.Proxy)
		if err != nil {
			return nil, err
		}
		return proxy.New(proxy.Options{
			Mount: mount, Rewrite: r.Rewrite, Declared: r.Proxy, Pool: p, Node: u.node, OwnCORS: s.CORS != nil, Now: u.now,
		})
	}
}

// RouteName is what the pool of a route is called.
func RouteName(s *config.Site, r *config.Route) string { return s.Name + " " + r.Path }
