package roundtrip

import (
	"net/netip"
	"time"
)

// Action is what a call does. Rules are declared for Get (as read), Create, Update and Delete.
type Action uint8

// The actions.
const (
	Get Action = iota + 1
	List
	Aggregate
	Create
	Update
	Delete
	Batch // several writes in one transaction
)

// String returns the action's name.
func (a Action) String() string {
	switch a {
	case Get:
		return "get"
	case List:
		return "list"
	case Aggregate:
		return "aggregate"
	case Create:
		return "create"
	case Update:
		return "update"
	case Delete:
		return "delete"
	case Batch:
		return "batch"
	}
	return "unknown"
}

// Event returns what has happened when the action is done: created, updated or deleted, "" where it changes nothing.
func (a Action) Event() string {
	switch a {
	case Create:
		return "created"
	case Update:
		return "updated"
	case Delete:
		return "deleted"
	case Get, List, Aggregate, Batch:
	}
	return ""
}

// Writes reports whether the action changes anything.
func (a Action) Writes() bool { return a >= Create }

// Call is a request after its bytes were read, the same whatever door it came through. Policy turns it into a Permit.
type Call struct {
	Action     Action
	Collection *Collection // nil for Batch
	ID         ID          // Get, Update, Delete
	Query      Query       // Get (fields, expand), List, Aggregate
	Input      *Record     // Create, Update: what the caller gave, Input.Set says which
	Adds       []Add       // Update: {"views": {"$add": 1}}
	Same       []Same      // Update: what the caller gave as it is, and may not change
	IfMatch    int64       // Update, Delete: the version that the caller read; 0 for any
	Key        string      // Create, Update, Delete, Batch: idempotency key, "" for none
	KeyHash    [32]byte    // SHA-256 of the request that came with the key
	Wrong      []Detail    // Create, Update: what the door found wrong with the input already; package schema adds its own
	Ops        []Call      // Batch: its writes, in order
	Time       time.Time   // when the call arrived: `now` in rules, defaults and times
	Addr       netip.Addr  // of the client: `request.ip` in rules
}

// Add is an atomic addition to a number field of a stored record.
type Add struct {
	Field int
	By    Value // IntValue or FloatValue
}

// Same is a field of a stored record that has to have this value already: one that is set at creation only, or a file that is
// named and not sent. A record that was read can so be written back whole. Who may not read the record has no value right.
type Same struct {
	Field int
	Value Value // of a file: its JSON with the id, and the name where one was given
}

// Query is what a caller asks of a Get, List or Aggregate, still as text.
type Query struct {
	Filter    string
	Equal     []Equal  // ?author=ID, short for equality
	OrderBy   string   // "create_time desc, caption"
	PageSize  int      // 0 means the default, 20
	PageToken string   //
	Fields    []string // which fields to answer with; empty means all
	Expand    []string // dotted paths of refs
	Count     bool     // count=exact: total_size
	GroupBy   []string // Aggregate
	Select    []string // Aggregate: count, sum(f), avg(f), min(f), max(f)
}

// Equal is one short condition of a query string.
type Equal struct{ Field, Value string }
