package app

import (
	"encoding/hex"
	"io"
	"log/slog"
	"syscall"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

// upstreams is the servers behind proxy routes. It outlives a declaration: what a reload does not touch keeps its connections.
type upstreams struct {
	*pool.Keeper
	node  string      // names this process, so that a request that comes back to it is known
	leave proxy.Leave // the firewall's word on connections to them; nil in a command, which makes none
}

func newUpstreams(s Surroundings, log *slog.Logger) (*upstreams, error) {
	var node [8]byte
	if _, err := io.ReadFull(s.Rand, node[:]); err != nil {
		return nil, err
	}
	u := &upstreams{node: hex.EncodeToString(node[:])}
	leave := func(network, address string, c syscall.RawConn) error {
		if u.leave == nil {
			return nil
		}
		return u.leave(network, address, c)
	}
	var err error
	u.Keeper, err = pool.NewKeeper(pool.KeeperOptions{Connect: proxy.Connect(s.Now, leave), Now: s.Now, Rand: s.Rand, Log: log})
	return u, err
}

// proxyTarget makes the targets of proxy routes, each with its pool of the next declaration.
func (a *App) proxyTarget(u *upstreams, next *pool.Next) func(*config.Site, *config.Route) (route.Target, error) {
	return func(s *config.Site, r *config.Route) (route.Target, error) {
		mount := route.Mount(r.Path)
		p, err := next.Pool(routeName(s, r), mount, r.Proxy)
		if err != nil {
			return nil, err
		}
		return proxy.New(proxy.Options{
			Mount: mount, Rewrite: r.Rewrite, Declared: r.Proxy, Pool: p, Node: u.node, OwnCORS: s.CORS != nil, Now: a.around.Now,
		})
	}
}

// routeName is what the pool of a route is called.
func routeName(s *config.Site, r *config.Route) string { return s.Name + " " + r.Path }
