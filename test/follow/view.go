// Package follow is a client of topics for tests: it listens by WebSocket, by server-sent events or by polling, keeps what
// the messages say, goes on with its cursor where it was cut, and notes every message that breaks the contract of
// docs/live.md. It shares no code with the server.
package follow

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Message is one message of the server about a topic.
type Message struct {
	ID          int               `json:"id"`
	Topic       string            `json:"topic"`
	Snapshot    []json.RawMessage `json:"snapshot"`
	List        []json.RawMessage `json:"notifications"` // of GET inbox without a cursor
	Changes     []Change          `json:"changes"`
	Reset       string            `json:"reset"`
	Cursor      string            `json:"cursor"`
	Head        string            `json:"head"`
	Error       json.RawMessage   `json:"error"`
	OK          bool              `json:"ok"`
	Unread      int               `json:"unread"`
	Unseen      int               `json:"unseen"`
	Seq         int64             `json:"seq"`
	ReadThrough int64             `json:"read_through"`
	SeenThrough int64             `json:"seen_through"`
}

// Change is one change of a topic.
type Change struct {
	Put     json.RawMessage `json:"put"`
	Removed string          `json:"removed"`
}

// head is what a record and a notification have in common.
type head struct {
	ID   string `json:"id"`
	Seq  int64  `json:"seq"`
	ETag string `json:"etag"`
}

// View is what one client holds of one topic.
type View struct {
	Once bool // what is removed never comes back: its ids are used once

	mu       sync.Mutex // guards all below
	items    map[string]json.RawMessage
	versions map[string]int64 // the greatest seq or etag seen of each item
	gone     map[string]bool
	seq      int64
	unread   int
	through  int64
	cursor   string
	faults   []string
	shown    int // puts that changed what is held
	again    int // puts that changed nothing
	resets   map[string]int
	messages int
	changed  chan struct{} // closed and replaced at each message
}

// NewView makes an empty view.
func NewView() *View {
	return &View{items: map[string]json.RawMessage{}, versions: map[string]int64{}, gone: map[string]bool{}, resets: map[string]int{}, changed: make(chan struct{})}
}

// Cursor returns where the client is, "" before the first message.
func (v *View) Cursor() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cursor
}

// Items returns what is held, by id.
func (v *View) Items() map[string]json.RawMessage {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.items)
}

// Unread returns the number on the badge.
func (v *View) Unread() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.unread
}

// Faults returns every breach of the contract so far.
func (v *View) Faults() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.faults)
}

// Counts returns how many messages came, how many puts changed something, how many did not, and the resets by reason.
func (v *View) Counts() (messages, shown, again int, resets map[string]int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.messages, v.shown, v.again, maps.Clone(v.resets)
}

// Changed returns a channel that is closed at the next message.
func (v *View) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

func (v *View) fault(format string, args ...any) {
	if len(v.faults) < 20 {
		v.faults = append(v.faults, fmt.Sprintf(format, args...))
	}
}

// Apply takes a message. resumed says that a cursor was given with the subscription that it answers.
func (v *View) Apply(m *Message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer func() { close(v.changed); v.changed = make(chan struct{}) }()
	v.messages++
	if m.Error != nil {
		v.fault("the topic was refused: %s", m.Error)
		return
	}
	if m.List != nil {
		m.Snapshot = m.List
	}
	if m.Snapshot != nil {
		v.snapshot(m)
	} else {
		v.changes(m)
	}
	v.numbers(m)
	v.move(m.Cursor)
}

func (v *View) snapshot(m *Message) {
	if v.cursor != "" && m.Reset == "" {
		v.fault("a snapshot came for cursor %s without a reason", v.cursor)
	}
	if m.Reset != "" {
		v.resets[m.Reset]++
	}
	clear(v.items)
	clear(v.gone)
	for _, item := range m.Snapshot {
		v.put(item)
	}
}

func (v *View) changes(m *Message) {
	if v.cursor == "" {
		v.fault("changes came before any snapshot")
	}
	for _, c := range m.Changes {
		switch {
		case c.Put != nil && c.Removed == "":
			v.put(c.Put)
		case c.Put == nil && c.Removed != "":
			delete(v.items, c.Removed)
			v.gone[c.Removed] = true
		default:
			v.fault("a change is neither put nor removed: %+v", c)
		}
	}
}

func (v *View) put(item json.RawMessage) {
	var h head
	if err := json.Unmarshal(item, &h); err != nil || h.ID == "" {
		v.fault("no item: %v: %s", err, item)
		return
	}
	version := h.Seq
	if version == 0 {
		version, _ = strconv.ParseInt(strings.Trim(h.ETag, `"W/`), 10, 64) // 0 where it is no number
	}
	if v.Once && v.gone[h.ID] {
		v.fault("%s came back after it was removed", h.ID)
	}
	if version < v.versions[h.ID] {
		v.fault("%s went back from version %d to %d", h.ID, v.versions[h.ID], version)
	}
	v.versions[h.ID] = version
	if string(v.items[h.ID]) == string(item) {
		v.again++
		return
	}
	v.items[h.ID] = item
	v.shown++
}

// numbers takes what an inbox says beside its changes.
func (v *View) numbers(m *Message) {
	if m.Seq == 0 {
		return
	}
	if m.Seq < v.seq {
		v.fault("the inbox went back from seq %d to %d", v.seq, m.Seq)
	}
	v.seq, v.unread, v.through = m.Seq, m.Unread, m.ReadThrough
}

func (v *View) move(cursor string) {
	if cursor == "" {
		v.fault("a message has no cursor")
		return
	}
	if v.cursor != "" && Position(cursor) < Position(v.cursor) {
		v.fault("the cursor went back from %s to %s", v.cursor, cursor)
	}
	v.cursor = cursor
}

// Position is the position within a cursor, -1 where it is none.
func Position(cursor string) int64 {
	_, after, ok := strings.Cut(cursor, "-")
	n, err := strconv.ParseInt(after, 10, 64)
	if !ok || err != nil {
		return -1
	}
	return n
}
