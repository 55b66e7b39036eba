package live

import (
	"context"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

const (
	channelPrefix = "channel/"
	keyMax        = 128      // characters of a free key
	dataMax       = 16 << 10 // bytes of what is sent at once
)

// channel is one channel that somebody is on. What is sent there is kept nowhere: who is not there misses it.
type channel struct {
	hub   *Hub
	topic string
	name  string
	id    roundtrip.ID // of the record, 0 for a free key

	mu       sync.Mutex // guards all below
	gone     bool
	presence bool
	members  map[*Conn]*member
	here     map[roundtrip.ID]int // connections of each account
}

// member is a connection on a channel.
type member struct {
	in      *channel
	conn    *Conn
	account roundtrip.ID // 0: a stranger, who is not shown
	face    []byte       // how others see them
}

// readChannel reads channel/NAME/KEY.
func (h *Hub) readChannel(topic string) (name, key string, err error) {
	name, key, ok := strings.Cut(strings.TrimPrefix(topic, channelPrefix), "/")
	if !ok || name == "" || key == "" || utf8.RuneCountInString(key) > keyMax || strings.IndexFunc(key, func(r rune) bool { return !unicode.IsGraphic(r) }) >= 0 {
		return "", "", roundtrip.E(roundtrip.Invalid, "request.invalid", "a channel is channel/NAME/KEY, with a key of at most %d characters", keyMax)
	}
	return name, key, nil
}

// may asks whether a client may join a channel, or send on it.
func (h *Hub) may(ctx context.Context, c *Conn, name string, id roundtrip.ID, send bool) (*roundtrip.Broadcast, error) {
	b, p, err := h.house.Load().Policy.Channel(name, id, send, c.Who(), h.now(), c.addr)
	if err != nil || p == nil {
		return b, err
	}
	return b, h.store.View(ctx, func(v store.View) error {
		return v.Get(p, func(roundtrip.Row) error { return nil })
	})
}

// keyID is the record that a key names, where the channel has one.
func keyID(e *policy.Engine, name, key string) (roundtrip.ID, error) {
	b := e.Broadcast(name)
	if b == nil || b.Of == nil {
		return 0, nil
	}
	id, ok := roundtrip.ParseID(key)
	if !ok {
		return 0, roundtrip.E(roundtrip.Missing, "store.missing", "%s has no record with this id; the key of the channel %s is one", b.Of.Name, name)
	}
	return id, nil
}

// joinChannel puts a connection on a channel: it is told who is there, and those who are there of it.
func (h *Hub) joinChannel(ctx context.Context, c *Conn, id, topic string) (subscription, error) {
	name, key, err := h.readChannel(topic)
	if err != nil {
		return nil, err
	}
	record, err := keyID(h.house.Load().Policy, name, key)
	if err != nil {
		return nil, err
	}
	b, err := h.may(ctx, c, name, record, false)
	if err != nil {
		return nil, err
	}
	who := c.Who()
	m := &member{conn: c, face: h.face(who)}
	if !who.Stranger() {
		m.account = who.ID
	}
	for {
		ch := h.channel(topic, name, record)
		if ch.take(m, id, b.Presence) {
			return m, nil
		}
	}
}

func (h *Hub) channel(topic, name string, id roundtrip.ID) *channel {
	h.mu.Lock()
	defer h.mu.Unlock()
	ch := h.channels[topic]
	if ch == nil {
		ch = &channel{hub: h, topic: topic, name: name, id: id, members: map[*Conn]*member{}, here: map[roundtrip.ID]int{}}
		h.channels[topic] = ch
	}
	return ch
}

// take lets a member in; false where the channel has just ended.
func (ch *channel) take(m *member, id string, presence bool) bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.gone {
		return false
	}
	m.in, ch.presence = ch, presence
	ch.members[m.conn] = m
	b := message(id, ch.topic, 256)
	if presence {
		b = ch.appendPresence(b)
	}
	m.conn.Send(newFrame(append(b, '}'), 0))
	if m.account == 0 {
		return true
	}
	if ch.here[m.account]++; presence && ch.here[m.account] == 1 {
		ch.tell(m.conn, ch.notice(`,"joined":`, m.face))
	}
	return true
}

// named makes a member who joined as a stranger the account that it has become.
func (m *member) named(who *roundtrip.Principal) {
	ch := m.in
	face := ch.hub.face(who)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.members[m.conn] != m || m.account != 0 {
		return
	}
	m.account, m.face = who.ID, face
	if ch.here[m.account]++; ch.presence && ch.here[m.account] == 1 {
		ch.tell(m.conn, ch.notice(`,"joined":`, face))
	}
}

// appendPresence lists the accounts that are there.
func (ch *channel) appendPresence(b []byte) []byte {
	b = append(b, `,"presence":[`...)
	seen := map[roundtrip.ID]bool{0: true}
	n := 0
	for _, other := range ch.members {
		if seen[other.account] {
			continue
		}
		seen[other.account] = true
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = append(b, other.face...)
	}
	return append(b, ']')
}

func (ch *channel) notice(what string, face []byte) *Frame {
	b := append(message("", ch.topic, len(face)+32), what...)
	return newFrame(append(append(b, face...), '}'), 0)
}

// tell sends to everybody but one. The caller holds mu.
func (ch *channel) tell(but *Conn, f *Frame) {
	for c := range ch.members {
		if c != but {
			c.Send(f)
		}
	}
}

// leave takes a member off.
func (m *member) leave(*Conn) {
	ch := m.in
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.members[m.conn] != m {
		return
	}
	delete(ch.members, m.conn)
	if m.account != 0 {
		if ch.here[m.account]--; ch.here[m.account] == 0 {
			delete(ch.here, m.account)
			if ch.presence {
				ch.tell(nil, ch.notice(`,"left":`, m.face))
			}
		}
	}
	if len(ch.members) > 0 {
		return
	}
	ch.gone = true
	ch.hub.mu.Lock()
	defer ch.hub.mu.Unlock()
	if ch.hub.channels[ch.topic] == ch {
		delete(ch.hub.channels, ch.topic)
	}
}

// Broadcast sends data, a JSON value, to all others on a channel that the connection is on. Errors: Missing
// stream.not_subscribed, TooLarge request.body_too_large, and those of the channel's rule.
func (c *Conn) Broadcast(ctx context.Context, topic string, data []byte) error {
	c.mu.Lock()
	m, _ := c.topics[topic].(*member)
	c.mu.Unlock()
	if m == nil {
		return roundtrip.E(roundtrip.Missing, "stream.not_subscribed", "subscribe to the channel before you send on it")
	}
	if len(data) > dataMax {
		return roundtrip.E(roundtrip.TooLarge, "request.body_too_large", "what is sent on a channel may have %d bytes", dataMax)
	}
	ch := m.in
	if _, err := c.hub.may(ctx, c, ch.name, ch.id, true); err != nil {
		return err
	}
	b := append(message("", ch.topic, len(data)+len(m.face)+32), `,"from":`...)
	b = append(append(append(b, m.face...), `,"data":`...), data...)
	f := newFrame(append(b, '}'), 0)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.tell(c, f)
	return nil
}

// stillThere asks again whether a connection may be on its channels, and takes it off where it may not.
func (h *Hub) stillThere(ctx context.Context, c *Conn) {
	for topic, m := range c.channels() {
		_, err := h.may(ctx, c, m.in.name, m.in.id, false)
		if e := roundtrip.AsError(err); err != nil && (e.Kind == roundtrip.Denied || e.Kind == roundtrip.Missing || e.Kind == roundtrip.Unauthenticated) {
			_ = c.Unsubscribe(topic) // it may have done so itself
			c.Refuse("", topic, err)
		}
	}
}

// channels lists the channels that the connection is on.
func (c *Conn) channels() map[string]*member {
	c.mu.Lock()
	defer c.mu.Unlock()
	var on map[string]*member
	for topic, s := range c.topics {
		if m, ok := s.(*member); ok {
			if on == nil {
				on = map[string]*member{}
			}
			on[topic] = m
		}
	}
	return on
}

// face is how others see somebody: id, and the texts that name an account at sign-in; an address is told to nobody. A
// stranger is null.
func (h *Hub) face(who *roundtrip.Principal) []byte {
	if who.Stranger() {
		return []byte("null")
	}
	b := append(who.ID.AppendTo([]byte(`{"id":"`)), '"')
	house := h.house.Load()
	for _, name := range house.Login {
		i, ok := house.Accounts.Lookup(name)
		if !ok || who.Account == nil || i >= len(who.Account.Values) || house.Accounts.Fields[i].Type != roundtrip.TypeText {
			continue
		}
		if v := who.Account.Values[i]; !v.IsNull() {
			b = append(append(append(b, `,"`...), name...), `":`...)
			b = appendText(b, v.Text())
		}
	}
	return append(b, '}')
}
