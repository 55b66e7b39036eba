// Package proxy hands requests to other servers: it chooses one through a [pool.Pool], sends it the request, and passes the
// answer on as it comes. Read [Proxy.Serve], then forward.run: that is a request's whole way.
//
// The engine is our own because the side of the upstream is where a proxy's time goes. Over HTTP/1 a request is one write
// of one buffer, its answer is handed on from where it was read, and no goroutine is started unless a body is sent while
// the answer may already come. Upstreams that speak HTTP/2 are reached through net/http.
//
// A fault is blamed on the hop that made it: only those of the upstream count against it, and each has a reason of its own.
package proxy

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// Options says what a proxy route does.
type Options struct {
	Mount    string // the beginning of the paths that Rewrite takes the place of; ends in "/"
	Rewrite  string // "" leaves the path
	Declared *config.Proxy
	Pool     *pool.Pool
	Node     string           // names this process to others of its kind, so that a loop is seen: letters and digits, the same for all routes
	OwnCORS  bool             // the site has a cors block: what an upstream says of that is taken off
	Now      func() time.Time // the real clock: deadlines are made from it
}

// Proxy is the target of one proxy route.
type Proxy struct {
	mount, rewrite string
	declared       *config.Proxy
	pool           *pool.Pool
	node           string
	ownCORS        bool
	now            func() time.Time
	forwards       sync.Pool // of *forward
}

// New makes the target of a route. It checks and opens nothing.
func New(o Options) (*Proxy, error) {
	if o.Declared == nil || o.Pool == nil || o.Now == nil || o.Node == "" {
		return nil, errors.New("proxy.New: Declared, Pool, Node and Now are needed")
	}
	if o.Rewrite != "" && (!strings.HasSuffix(o.Mount, "/") || !strings.HasPrefix(o.Rewrite, "/")) {
		return nil, errors.New("proxy.New: Mount must end in a slash, and Rewrite begin with one")
	}
	p := &Proxy{
		mount: o.Mount, rewrite: o.Rewrite, declared: o.Declared, pool: o.Pool, node: "roundtrip-" + o.Node,
		ownCORS: o.OwnCORS, now: o.Now,
	}
	if p.rewrite != "" && !strings.HasSuffix(p.rewrite, "/") {
		p.rewrite += "/"
	}
	p.forwards.New = func() any { return &forward{p: p} }
	return p, nil
}

// Serve hands the request to an upstream. path is clean, and the one that the route was found by. What comes to no answer
// it returns as a *roundtrip.Error with nothing written, unless the client is better told in its own form: a page for a
// browser, a status for gRPC. An answer that breaks off is cut: Serve panics with [http.ErrAbortHandler] then.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	f := p.forwards.Get().(*forward)
	f.begin(w, r, path)
	err := f.run()
	cut := f.cut
	f.end()
	p.forwards.Put(f)
	if cut {
		panic(http.ErrAbortHandler)
	}
	return err
}
