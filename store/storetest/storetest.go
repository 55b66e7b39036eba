// Package storetest is what every engine of the store must do, as tests. An engine's own test calls [Exercise]; the
// decisions come from a real policy engine, so what is tested is the pair that serves requests.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// Engine is what an engine offers beside the [store.Store] itself. The account methods are those of identity.Accounts.
type Engine interface {
	store.Store
	store.Inboxes

	CheckInboxes(ctx context.Context) (drift int, err error)

	Changes(ctx context.Context, after int64, limit int) ([]roundtrip.Change, error)
	Epoch(ctx context.Context) (string, error)
	Floor(ctx context.Context) (int64, error)
	OnCommit(fn func([]roundtrip.Change))
	ClaimJobs(ctx context.Context, kind string, limit int) ([]store.Job, error)
	FinishJob(ctx context.Context, id int64) error
	Secret(ctx context.Context, name string) ([]byte, error)

	CreateAccount(ctx context.Context, record *roundtrip.Record, credential roundtrip.Credential, session *roundtrip.Session) (*roundtrip.Record, error)
	FindCredential(ctx context.Context, users *roundtrip.Collection, field, value string) (roundtrip.Credential, error)
	LoadAccount(ctx context.Context, users *roundtrip.Collection, id roundtrip.ID) (*roundtrip.Record, roundtrip.Credential, error)
	ListAccounts(ctx context.Context, users *roundtrip.Collection, after roundtrip.ID, limit int) ([]*roundtrip.Record, []roundtrip.Credential, error)
	SetRoles(ctx context.Context, account roundtrip.ID, roles []string) error
	SetPassword(ctx context.Context, account roundtrip.ID, proved, hash string, keep roundtrip.ID) error
	AddSession(ctx context.Context, session roundtrip.Session, proved string) error
	FindSession(ctx context.Context, hash [32]byte) (roundtrip.Session, error)
	TouchSession(ctx context.Context, id roundtrip.ID, used, expires time.Time) error
	ListSessions(ctx context.Context, account roundtrip.ID) ([]roundtrip.Session, error)
	EndSession(ctx context.Context, account, id roundtrip.ID) error
}

// Env is an open, empty database with a schema in force. open makes one for each test and closes it when the test ends.
type Env struct {
	Engine
	IDs     *roundtrip.IDs
	Own     *roundtrip.IDs      // those that the engine was given
	Now     func() time.Time    // the clock that the engine was given
	Advance func(time.Duration) // moves that clock
	PoolMax int                 // how many reads may run at once; a read beyond them must fail within some seconds
}

// Exercise runs the whole suite.
func Exercise(t *testing.T, open func(t *testing.T, schema *roundtrip.Schema) Env) {
	t.Helper()
	for _, part := range []struct {
		name  string
		tests map[string]func(*world)
	}{
		{"Create", createTests()},
		{"Read", readTests()},
		{"List", listTests()},
		{"Aggregate", aggregateTests()},
		{"Update", updateTests()},
		{"Delete", deleteTests()},
		{"Batch", batchTests()},
		{"Key", keyTests()},
		{"Change", changeTests()},
		{"Account", accountTests()},
		{"Concurrent", concurrentTests()},
		{"Bound", boundTests()},
		{"Inbox", inboxTests()},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			for name, test := range part.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					schema := Gallery()
					if part.name == "Inbox" {
						Notify(schema)
					}
					test(newWorldOf(t, open, schema))
				})
			}
		})
	}
}
