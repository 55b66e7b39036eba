package http1

import (
	"context"
	"net"
	"sync"
	"time"
)

const (
	bufferBytes  = 32 << 10         // of a connection in use
	idleDefault  = 512              // connections kept
	restDefault  = 55 * time.Second // below what servers and the boxes between keep them: 60 and 75 s
	recentlyUsed = 2 * time.Second  // below the shortest of servers: Node's 5 s, with a margin
)

// Options says how to reach an upstream.
type Options struct {
	Dial func(ctx context.Context) (net.Conn, error) // connects, and shakes hands
	Now  func() time.Time                            // the real clock: deadlines are made from it
	Idle int                                         // connections kept for the next request; default 512
	Rest time.Duration                               // and for how long; default 55 s
}

// Client keeps connections to one upstream.
type Client struct {
	dial    func(ctx context.Context) (net.Conn, error)
	now     func() time.Time
	idle    int
	rest    time.Duration
	buffers sync.Pool

	mu     sync.Mutex // guards all below
	conns  []*Conn    // resting, the one that rested least last
	all    map[*Conn]struct{}
	sweep  *time.Timer
	closed bool
}

// New makes a client. It opens nothing.
func New(o Options) *Client {
	c := &Client{dial: o.Dial, now: o.Now, idle: o.Idle, rest: o.Rest}
	if c.idle <= 0 {
		c.idle = idleDefault
	}
	if c.rest <= 0 {
		c.rest = restDefault
	}
	c.all = map[*Conn]struct{}{}
	c.buffers.New = func() any { return new([bufferBytes]byte) }
	return c
}

// Take returns a connection that rests and is still open, or nil. With recent it is one that rested shortly, so that the
// upstream has hardly begun to close it: for requests that can't be sent twice.
func (c *Client) Take(recent bool) *Conn {
	for {
		c.mu.Lock()
		n := len(c.conns)
		if n == 0 {
			c.mu.Unlock()
			return nil
		}
		next := c.conns[n-1]
		rested := c.now().Sub(next.rested)
		if recent && rested > recentlyUsed && rested < c.rest {
			c.mu.Unlock()
			return nil // the others have rested for longer
		}
		c.conns[n-1] = nil
		c.conns = c.conns[:n-1]
		c.mu.Unlock()
		if rested < c.rest && next.alive() {
			return next
		}
		next.Close()
	}
}

// Dial makes a new connection.
func (c *Client) Dial(ctx context.Context) (*Conn, error) {
	n, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.Adopt(n), nil
}

// Adopt makes a Conn of a connection that was made elsewhere.
func (c *Client) Adopt(n net.Conn) *Conn {
	made := &Conn{net: n, client: c}
	made.look()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.all[made] = struct{}{}
	}
	return made
}

// forget takes a connection out that is closed, or somebody else's now.
func (c *Client) forget(gone *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, gone)
}

// Close cuts all connections. One that is made later is not kept.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	all := c.all
	c.all, c.conns = nil, nil
	if c.sweep != nil {
		c.sweep.Stop()
	}
	c.mu.Unlock()
	for next := range all {
		next.Cut() // whoever uses it sees it end, and closes it
	}
}

// put keeps a connection for the next request.
func (c *Client) put(next *Conn) {
	c.mu.Lock()
	if c.closed || len(c.conns) >= c.idle {
		c.mu.Unlock()
		next.Close()
		return
	}
	c.conns = append(c.conns, next)
	if len(c.conns) == 1 {
		if c.sweep == nil {
			c.sweep = time.AfterFunc(c.rest, c.old)
		} else {
			c.sweep.Reset(c.rest)
		}
	}
	c.mu.Unlock()
}

// old closes what has rested for too long, so that an upstream that nobody asks for keeps no connections of ours.
func (c *Client) old() {
	now := c.now()
	c.mu.Lock()
	n := 0
	for n < len(c.conns) && now.Sub(c.conns[n].rested) >= c.rest {
		n++
	}
	past := append([]*Conn(nil), c.conns[:n]...)
	c.conns = append(c.conns[:0], c.conns[n:]...)
	if len(c.conns) > 0 && !c.closed {
		c.sweep.Reset(max(time.Second, c.rest-now.Sub(c.conns[0].rested)))
	}
	c.mu.Unlock()
	for _, next := range past {
		next.Close()
	}
}

func (c *Client) takeBuffer() []byte { return c.buffers.Get().(*[bufferBytes]byte)[:] }

func (c *Client) giveBuffer(b []byte) {
	if len(b) == bufferBytes { // one that grew for a large head is not kept
		c.buffers.Put((*[bufferBytes]byte)(b))
	}
}
