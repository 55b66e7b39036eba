package roundtrip

import (
	"slices"
	"time"
)

// Channel is a way on which a notification reaches its recipient.
type Channel string

// The channels. The inbox is always kept, the others tell of what is in it.
const (
	ChannelInbox Channel = "inbox"
	ChannelPush  Channel = "push"
	ChannelEmail Channel = "email"
)

// Channels lists them in the order of the documentation.
func Channels() []Channel { return []Channel{ChannelInbox, ChannelPush, ChannelEmail} }

// Notice is one declared kind of notification: what causes it, who gets it, and what it says. Its expressions speak of the
// record that caused it; package policy compiles them.
type Notice struct {
	Name     string
	Pos      Pos
	When     []Trigger
	To       Rule          // a ref to the accounts: who gets it; null means nobody
	By       Rule          // a ref to the accounts: who did it; "caller", or Source "": who created it, else the caller
	Unless   Rule          // a condition under which nobody is told; Source "" means never
	Group    Rule          // what is gathered in one entry; Source "" means that each record has an entry of its own
	Text     Rule          // with {actors} and {record.path} in it
	Within   time.Duration // how long one entry gathers
	Keep     time.Duration // how long an entry is kept
	Channels []Channel     // the inbox is always among them
}

// Trigger is one kind of write that causes a notification.
type Trigger struct {
	Collection *Collection
	Action     Action // Create, Update or Delete
	Pos        Pos
}

// On reports whether a write causes the notification.
func (n *Notice) On(c *Collection, action Action) bool {
	return slices.ContainsFunc(n.When, func(t Trigger) bool { return t.Collection == c && t.Action == action })
}

// Has reports whether the notification goes out on a channel.
func (n *Notice) Has(c Channel) bool { return slices.Contains(n.Channels, c) }

// Inbox is the numbers of one account's inbox. All of them change in the transaction of what they count.
type Inbox struct {
	Unread      int64 // entries that are not read
	Unseen      int64 // entries that came, or grew, since the bell was opened
	Seq         int64 // of the last thing that happened in the inbox; it grows by one with each, without a gap
	ReadThrough int64 // entries whose Bumped is not above it are read
	SeenThrough int64 // entries whose Bumped is not above it are seen
}

// Notification is one entry of an account's inbox: all events of one kind that are gathered in it.
type Notification struct {
	ID       ID
	Kind     string // the name of its [Notice]
	Position int64  // of its last change
	Seq      int64  // of the last thing that happened to it
	Bumped   int64  // of the newest event in it
	Read     bool
	Count    int64  // how many different actors; 0: it is gone
	Actors   []ID   // the last three of them, newest first; 0 for one who is not known
	Group    string // what it gathers, as text; "" where each event has an entry of its own
	Created  time.Time
	Updated  time.Time

	// The newest record that caused it, and what the paths in the text came to when it did.
	Collection *Collection // nil where it is no longer declared
	Record     ID
	Data       []string
}

// Preference says on which channels an account wants one kind of notification. A channel that is not in the map is wanted.
type Preference map[Channel]bool

// Wants reports whether a channel is wanted.
func (p Preference) Wants(c Channel) bool {
	on, said := p[c]
	return on || !said
}
