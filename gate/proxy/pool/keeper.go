package pool

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// provingMax is how long a reload waits until new upstreams answer their health checks.
const provingMax = 5 * time.Second

// KeeperOptions is what all pools are made with.
type KeeperOptions struct {
	Connect Connect
	Now     func() time.Time
	Rand    io.Reader
	Log     *slog.Logger
}

// Keeper keeps pools over reloads: one whose declaration did not change stays as it is, with its connections, its health and
// the requests that run. What is new is asked how it is before it gets the first request, and what is gone may finish.
type Keeper struct {
	options KeeperOptions

	mu      sync.Mutex          // guards what follows
	pools   map[string]*running // in force, by route
	group   sync.WaitGroup      // of those who wait for upstreams that leave
	stopped chan struct{}
	closed  bool
}

// running is a pool with its health checks.
type running struct {
	*Pool
	cancel context.CancelFunc
	done   chan struct{}
}

// NewKeeper makes a keeper without pools. It opens nothing; see [Keeper.Next].
func NewKeeper(o KeeperOptions) (*Keeper, error) {
	if o.Connect == nil || o.Now == nil || o.Rand == nil || o.Log == nil {
		return nil, errors.New("pool.NewKeeper: Connect, Now, Rand and Log are needed")
	}
	return &Keeper{options: o, pools: map[string]*running{}, stopped: make(chan struct{})}, nil
}

// Next is the pools of a declaration that is not in force yet. It is used in this order: Pool for each route, Prove, the
// swap of the route tables, Enter; or Drop.
type Next struct {
	keeper *Keeper
	key    []byte
	pools  map[string]*Pool // all of them, by route
	began  map[string]*running
	ended  bool // entered or dropped
}

// Next begins the pools of another declaration. key is the secret that sticky cookies are made with.
func (k *Keeper) Next(key []byte) *Next {
	return &Next{keeper: k, key: key, pools: map[string]*Pool{}, began: map[string]*running{}}
}

// Pool makes the pool of a route, or finds that of the declaration in force. route is its name, such as its site and path; of
// several with the same name each keeps its own. It opens nothing.
func (n *Next) Pool(route, path string, declared *config.Proxy) (*Pool, error) {
	name := route
	for i := 2; n.pools[name] != nil; i++ {
		name = route + " (" + strconv.Itoa(i) + ")"
	}
	k := n.keeper
	k.mu.Lock()
	have := k.pools[name]
	k.mu.Unlock()
	var before *Pool
	if have != nil {
		if before = have.Pool; before.isAs(path, declared) {
			n.pools[name] = before
			return before, nil
		}
	}
	p, err := New(Options{
		Route: name, Path: path, Declared: declared, Connect: k.options.Connect, Now: k.options.Now, Rand: k.options.Rand,
		Key: n.key, Log: k.options.Log, Before: before,
	})
	if err != nil {
		return nil, err
	}
	n.pools[name] = p
	return p, nil
}

// Prove starts to ask the upstreams of new pools how they are. In a reload it waits until each of these pools has an upstream
// that is well, for five seconds at the most; then it goes on with a warning, since the old ones may be gone too.
func (n *Next) Prove(ctx context.Context) {
	k := n.keeper
	k.mu.Lock()
	first := len(k.pools) == 0
	for name, p := range n.pools {
		if have := k.pools[name]; have == nil || have.Pool != p {
			n.began[name] = start(ctx, p)
		}
	}
	k.mu.Unlock()
	if first {
		return
	}
	limited, cancel := context.WithTimeout(ctx, provingMax)
	defer cancel()
	for name, r := range n.began {
		select {
		case <-r.Proven():
			continue
		default:
		}
		select {
		case <-r.Proven():
		case <-ctx.Done():
			return
		case <-limited.Done():
			k.options.Log.Warn("no upstream of a new route is well yet; the reload goes on", slog.String("route", name))
		}
	}
}

func start(ctx context.Context, p *Pool) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{Pool: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		_ = p.Run(ctx) // it ends when it is told to
	}()
	return r
}

func (r *running) stop() {
	r.cancel()
	<-r.done
}

// Enter puts the pools in force, when new requests meet them already. Upstreams that are declared no more get no more
// requests; those that run have the time of drain.
func (n *Next) Enter(drain time.Duration) {
	n.ended = true
	k := n.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.pools
	k.pools = make(map[string]*running, len(n.pools))
	stays := map[*Upstream]bool{}
	for name, p := range n.pools {
		if r := n.began[name]; r != nil {
			k.pools[name] = r
			p.Enter()
		} else {
			k.pools[name] = old[name]
			delete(old, name)
		}
		for i := range p.members {
			stays[p.members[i].Upstream] = true
		}
	}
	for _, r := range old {
		k.group.Go(r.stop)
		for i := range r.members {
			if u := r.members[i].Upstream; !stays[u] {
				r.farewell(u)
				k.group.Go(func() { k.dismiss(u, drain) })
			}
		}
	}
}

// farewell tells the streams of an upstream to go.
func (p *Pool) farewell(u *Upstream) {
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	u.leave()
}

// dismiss closes an upstream's connections when its last request has ended, or its time is over.
func (k *Keeper) dismiss(u *Upstream, drain time.Duration) {
	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case <-u.quiet:
	case <-timer.C:
	case <-k.stopped:
	}
	u.transport.Close()
}

// Drop gives the pools up: the declaration did not come into force. After Enter it does nothing.
func (n *Next) Drop() {
	if n.ended {
		return
	}
	n.ended = true
	k := n.keeper
	for _, r := range n.began {
		r.stop()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, p := range n.pools {
		if have := k.pools[name]; have != nil && have.Pool == p {
			continue
		}
		for i := range p.members {
			if !p.members[i].shared {
				p.members[i].transport.Close()
			}
		}
	}
}

// Farewell tells the streams of all upstreams to go: the server stops. Other requests go on.
func (k *Keeper) Farewell() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.pools {
		for i := range r.members {
			r.farewell(r.members[i].Upstream)
		}
	}
}

// Close ends all health checks and connections, and waits for that. It is called when no request runs any more.
func (k *Keeper) Close() {
	k.Farewell()
	k.mu.Lock()
	pools := k.pools
	k.pools = map[string]*running{}
	if !k.closed {
		k.closed = true
		close(k.stopped)
	}
	k.mu.Unlock()
	for _, r := range pools {
		r.stop()
		for i := range r.members {
			r.members[i].transport.Close()
		}
	}
	k.group.Wait()
}

// State returns how the upstreams of all routes are, by route.
func (k *Keeper) State() map[string][]State {
	k.mu.Lock()
	defer k.mu.Unlock()
	states := make(map[string][]State, len(k.pools))
	for name, r := range k.pools {
		states[name] = r.State()
	}
	return states
}
