package live

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// The codes with which a connection is closed (RFC 6455 section 7.4.2); docs/live.md says what a client does then.
const (
	CloseRestart  = 1012 // the server stops or starts again
	CloseTooBig   = 1009
	CloseSlow     = 4100 // too much waits for the client
	CloseChanged  = 4101 // the declaration changed what the connection uses
	CloseBad      = 4400 // a message was not understood
	CloseSession  = 4401 // the session has ended
	CloseRefused  = 4403 // this origin or caller may not connect
	CloseTooMany  = 4429
	CloseNoAnswer = 1001 // the client is there no more
)

const (
	waitMax     = 1 << 20 // bytes that may wait for a client
	topicsMax   = 100     // of one connection
	topicMax    = 8 << 10 // bytes of a topic's text, which each of its messages repeats
	accountMax  = 20      // connections of one account
	strangerMax = 50      // connections of strangers from one address
)

// Sink is where a door writes what the hub has for a client.
type Sink interface {
	// Wake says that there is something to take. It is called once, until Take has returned nothing; it must not wait.
	Wake()
	// Ping asks the client for a sign of life, where the door has a way to. It must not wait.
	Ping()
	// Cut ends the connection without another word. It must not wait.
	Cut()
}

// Conn is one client. The door that has it calls Take after each Wake, and Leave when it has gone.
type Conn struct {
	hub    *Hub
	sink   Sink
	addr   netip.Addr
	slot   int
	single bool         // it has one topic and no other: each message's cursor is good for the connection
	Heard  atomic.Int64 // Unix seconds at which the client was last heard; kept by the door

	Journey trace.ID // of the request that opened it, set by the door before Start: what is refused on it names that one

	room    chan struct{} // a value when the queue has become short
	mu      sync.Mutex    // guards all below
	queue   []Item
	waits   int   // bytes in the queue that nobody asked for
	asked   int   // bytes in the queue of first messages of topics: WaitRoom bounds them
	reached int64 // what the messages up to now have brought the client to, where it has one topic
	busy    bool
	closing Closing
	left    bool
	whole   bool // all of its first topics have their first message
	token   string
	who     *roundtrip.Principal
	owner   owner
	topics  map[string]subscription
}

// owner is whom a connection counts for: an account, or the address of a stranger.
type owner struct {
	account roundtrip.ID
	addr    netip.Addr
}

// subscription is a topic of a connection.
type subscription interface{ leave(c *Conn) }

// Item is one thing to write: a message, or bytes of the door's own.
type Item struct {
	*Frame

	Raw []byte // of the door: a control frame
	own bool   // the client asked for it: it is not by reading too slowly that it waits
	at  int64  // what is up to here has come for all topics of the connection, once this is read; 0: not known
}

// Cursor returns the cursor that is good for all topics of the connection once the item has been read, "" for none.
func (c *Conn) Cursor(i *Item) string {
	if i.at == 0 {
		return ""
	}
	return c.hub.cursor(i.at)
}

func (i *Item) size() int {
	if i.Frame == nil {
		return len(i.Raw)
	}
	return len(i.bytes)
}

// Closing is how a connection ends. Code 0: it does not.
type Closing struct {
	Code   int
	Reason string // of the catalogue in package trace
	Why    string // a sentence for whoever reads the log of the client
}

// Text is what stands in a close frame: the reason first, since only 123 bytes have room there (RFC 6455 section 5.5).
func (c Closing) Text() string {
	if c.Reason == "" || c.Why == "" {
		return c.Reason + c.Why
	}
	return c.Reason + ": " + c.Why
}

// Join takes a connection in, which [Conn.Start] then begins to serve. single says that it will have one topic only. Errors:
// Limited stream.connections, Unavailable app.stopping.
func (h *Hub) Join(sink Sink, addr netip.Addr, token string, who *roundtrip.Principal, single bool) (*Conn, error) {
	c := &Conn{hub: h, sink: sink, addr: addr, token: token, who: who, single: single, busy: true, room: make(chan struct{}, 1)}
	c.Heard.Store(h.now().Unix())
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return nil, roundtrip.E(roundtrip.Unavailable, "app.stopping", "the server is stopping; connect again in a moment")
	}
	if err := h.admit(c, ownerOf(c)); err != nil {
		return nil, err
	}
	h.comings.Add(1)
	return c, nil
}

// Start lets the hub use the sink; what came before it has waited. The door calls it once, when it is ready to write.
func (c *Conn) Start() {
	h := c.hub
	h.mu.Lock()
	h.turn++
	c.slot = h.turn % wheelSlots
	if h.wheel[c.slot] == nil {
		h.wheel[c.slot] = map[*Conn]struct{}{}
	}
	h.wheel[c.slot][c] = struct{}{}
	stopped := h.stopped
	h.mu.Unlock()
	c.mu.Lock()
	c.busy = false
	if len(c.queue) > 0 || c.closing.Code != 0 {
		c.wake()
	}
	c.mu.Unlock()
	if stopped { // since it has joined, and those who closed all did not see it
		c.Close(Closing{CloseRestart, "app.stopping", "the server stops; come back in a moment"})
	}
}

func ownerOf(c *Conn) owner {
	if c.who.Stranger() {
		return owner{addr: network(c.addr)}
	}
	return owner{account: c.who.ID}
}

// network is what one subscriber of a provider has: an address of IPv4, and of IPv6 the /64 in which any address is as good.
func network(addr netip.Addr) netip.Addr {
	if !addr.Is6() || addr.Is4In6() {
		return addr.Unmap()
	}
	p, _ := addr.Prefix(64) // 64 is no wrong length for it
	return p.Addr()
}

// admit counts a connection for an owner. The caller holds h.mu.
func (h *Hub) admit(c *Conn, o owner) error {
	limit := accountMax
	if o.account == 0 {
		limit = strangerMax
	}
	if h.count[o] >= limit {
		return roundtrip.E(roundtrip.Limited, "stream.connections", "there are %d connections of yours already; close some, or share one", limit)
	}
	h.count[o]++
	c.owner = o
	if o.account != 0 {
		if h.conns[o.account] == nil {
			h.conns[o.account] = map[*Conn]struct{}{}
		}
		h.conns[o.account][c] = struct{}{}
	}
	return nil
}

// dismiss takes a connection off its owner's count. The caller holds h.mu.
func (h *Hub) dismiss(c *Conn) {
	o := c.owner
	if h.count[o]--; h.count[o] <= 0 {
		delete(h.count, o)
	}
	if set := h.conns[o.account]; set != nil {
		delete(set, c)
		if len(set) == 0 {
			delete(h.conns, o.account)
		}
	}
}

// Leave takes the connection out; the door calls it once, when the client has gone.
func (c *Conn) Leave() {
	c.mu.Lock()
	if c.left {
		c.mu.Unlock()
		return
	}
	c.left = true
	topics := c.topics
	c.topics, c.queue, c.waits, c.asked = nil, nil, 0, 0
	c.mu.Unlock()
	for _, s := range topics {
		s.leave(c)
	}
	h := c.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	h.comings.Add(1)
	delete(h.wheel[c.slot], c)
	h.dismiss(c)
}

// Send queues a message for the client.
func (c *Conn) Send(f *Frame) { _ = c.put(Item{Frame: f}) } // what became of it is seen by its closing

// answer queues the first message of a topic, of whatever size.
func (c *Conn) answer(f *Frame) { _ = c.put(Item{Frame: f, own: true}) }

// SendRaw queues bytes of the door's own.
func (c *Conn) SendRaw(b []byte) { _ = c.put(Item{Raw: b}) }

// put queues one thing. A client for whom too much waits is told to come back, which takes less of us than its queue.
func (c *Conn) put(i Item) fate {
	if i.Frame != nil && i.position > 0 {
		i.at = i.position
		if !c.single {
			i.at = c.hub.done()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left || c.closing.Code != 0 {
		return left
	}
	if !i.own && c.waits > 0 && c.waits+i.size() > waitMax {
		c.closeLocked(Closing{CloseSlow, "stream.slow_consumer", "you read too slowly; come back with your cursors"})
		return tooSlow
	}
	if !c.whole && (!c.single || i.Frame != nil && i.beat) {
		i.at = 0
	}
	if c.single && i.at > 0 {
		// A snapshot is read from the store, which may be ahead of what the hub has delivered: a heartbeat after it must not
		// send the client back.
		if c.reached = max(c.reached, i.at); i.beat {
			i.at = c.reached
		}
	}
	c.queue = append(c.queue, i)
	if i.own {
		c.asked += i.size()
	} else {
		c.waits += i.size()
	}
	c.wake()
	return queued
}

// wake tells the sink. The caller holds mu.
func (c *Conn) wake() {
	if !c.busy {
		c.busy = true
		c.sink.Wake()
	}
}

// Close ends the connection: what waits for a slow client is dropped, else it is sent first.
func (c *Conn) Close(with Closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left && c.closing.Code == 0 {
		c.closeLocked(with)
	}
}

func (c *Conn) closeLocked(with Closing) {
	c.closing = with
	if with.Code == CloseSlow {
		c.queue, c.waits, c.asked = nil, 0, 0
	}
	c.wake()
}

// Take gives what waits. Nothing and no closing: there will be another Wake. What came with a closing is the last.
func (c *Conn) Take() ([]Item, Closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	items := c.queue
	c.queue, c.waits, c.asked = nil, 0, 0
	if len(items) == 0 && c.closing.Code == 0 {
		c.busy = false
	}
	select {
	case c.room <- struct{}{}:
	default:
	}
	return items, c.closing
}

// Whole says that all of the topics with which the connection was opened have their first message, so that from here on
// messages may have a cursor for the whole connection. It sends the first one that is.
func (c *Conn) Whole() {
	c.mu.Lock()
	c.whole = true
	c.mu.Unlock()
	c.Send(c.hub.heartbeat(c.hub.done()))
}

// WaitRoom waits until the client has taken what waits for it: who asks for much must read it.
func (c *Conn) WaitRoom(ctx context.Context) error {
	for {
		c.mu.Lock()
		free := c.waits+c.asked < waitMax/4 || c.left || c.closing.Code != 0
		c.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.room:
		}
	}
}

// Who returns who the client is now.
func (c *Conn) Who() *roundtrip.Principal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.who
}

// Idle reports whether the connection has no topic.
func (c *Conn) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.topics) == 0
}
