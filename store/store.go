// Package store keeps records: one transaction for a write with all that belongs to it (counters, change rows, outbox),
// one snapshot for a read. It takes nothing but a [policy.Permit], so nothing is read or written that no rule allowed.
// The engines are its subfolders; storetest is the suite that each of them passes.
package store

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// Store is what an engine offers. All of its methods may be called by many goroutines.
//
// Errors are *roundtrip.Error: Missing store.missing, Stale store.stale, Denied access.rule_denied (Unauthenticated
// auth.missing for a stranger), Conflict store.unique, Unprocessable store.restricted, Invalid store.no_such_record,
// Unprocessable store.key_reused, Unavailable store.pool_exhausted, Deadline store.deadline, Internal store.failed.
type Store interface {
	// View runs fn over one snapshot of the database. It waits for a free reader at most the declared pool.wait. The View
	// and the rows it gives end with fn.
	View(ctx context.Context, fn func(View) error) error

	// Write does a Create, Update, Delete or Batch and returns when it is durable. It waits for its turn at most pool.wait;
	// what is refused as store.pool_exhausted was not written.
	Write(ctx context.Context, p *policy.Permit) (*Result, error)
}

// View is one snapshot.
type View interface {
	// Get gives the record of the permit to fn, or fails with store.missing.
	Get(p *policy.Permit, fn func(roundtrip.Row) error) error

	// Load gives those of the records for which the permit's condition holds, in no order. It serves expand.
	Load(p *policy.Permit, ids []roundtrip.ID, fn func(roundtrip.Row) error) error

	// List gives one page in order.
	List(p *policy.Permit, fn func(roundtrip.Row) error) (Page, error)

	// Aggregate gives the groups: a row has first the fields of Query.Groups, then the values of Query.Aggregates, each by
	// its position in that sequence.
	Aggregate(p *policy.Permit, fn func(roundtrip.Row) error) error

	// Position returns the position of the last change that this snapshot has: what is read in it and all changes after
	// that position are the whole.
	Position() (int64, error)

	// Changes returns up to limit changes after a position and up to that of the snapshot, in commit order. Changes of
	// collections that are no longer declared are left out. None are returned only where there are no more.
	Changes(after int64, limit int) ([]roundtrip.Change, error)
}

// Page is what a list says beside its records.
type Page struct {
	Next  []roundtrip.Value // the sort values of the last record if there are more, else nil
	Total int64             // with Query.Count: how many records match; else -1
}

// Result is what a write did.
type Result struct {
	Records  []*roundtrip.Record // one for each write in order, as stored; nil for a delete
	Replayed bool                // the idempotency key was seen before: these are the records of that time
}

// Inboxes is what an engine offers of the inboxes of accounts. It fills them itself, in the transaction of the write that
// causes a notification: if one can't be written, neither is what causes it.
type Inboxes interface {
	// ReadInbox reads an inbox in one snapshot.
	ReadInbox(ctx context.Context, account roundtrip.ID, q InboxQuery) (*InboxPage, error)

	// MarkInbox marks entries, and returns the numbers of the inbox once it is durable.
	MarkInbox(ctx context.Context, account roundtrip.ID, m InboxMark) (roundtrip.Inbox, error)

	// Preferences returns what an account wants, by the name of the notification. What is not in it is wanted.
	Preferences(ctx context.Context, account roundtrip.ID) (map[string]roundtrip.Preference, error)

	// SetPreferences changes the channels that are given, and returns all preferences.
	SetPreferences(ctx context.Context, account roundtrip.ID, change map[string]roundtrip.Preference) (map[string]roundtrip.Preference, error)
}

// InboxQuery says what to read of an inbox: its entries, the newest first, or those that changed after a position.
type InboxQuery struct {
	Size    int          // how many entries at most
	Before  int64        // only entries whose Bumped is below it; 0 for all
	Changed bool         // instead: entries that changed after Since, in the order of their changes
	Since   int64        // a position, see View.Position
	Note    roundtrip.ID // instead: this entry alone, if it is there
	Names   []string     // fields of the accounts that are read of each actor
}

// InboxPage is a part of an inbox.
type InboxPage struct {
	roundtrip.Inbox
	Notes    []roundtrip.Notification // with Changed, those that are gone too: their Count is 0
	More     bool                     // there are more than Size
	Position int64                    // of the snapshot
	Floor    int64                    // of the inbox: what is gone since a position below it may be left out of Changed
	Actors   map[roundtrip.ID][]string
}

// InboxMark is one of: entries are read, all are read, or all up to a number are seen.
type InboxMark struct {
	Read    []roundtrip.ID // those that are not there are passed over
	All     bool
	Seen    bool
	Through int64 // with Seen: up to this number; 0 for all there is, less for nothing
}
