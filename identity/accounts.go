package identity

import (
	"context"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// KeepAll as the session to keep in Accounts.SetCredential ends none: new roles, or the same password hashed anew.
const KeepAll roundtrip.ID = -1

// Accounts is what identity needs of the store. Errors are *roundtrip.Error; a thing that is not there is Missing
// store.missing. Each method that writes returns when the write is durable.
type Accounts interface {
	// CreateAccount writes a new account record, its credential and its first session in one transaction. The record is
	// complete (schema checked it) except for id and times. session may be nil.
	CreateAccount(ctx context.Context, record *roundtrip.Record, credential roundtrip.Credential, session *roundtrip.Session) (*roundtrip.Record, error)

	// FindCredential finds an account by the value of one of its unique fields.
	FindCredential(ctx context.Context, field, value string) (roundtrip.Credential, error)

	// LoadAccount returns an account's record and credential.
	LoadAccount(ctx context.Context, id roundtrip.ID) (*roundtrip.Record, roundtrip.Credential, error)

	// ListAccounts returns up to limit accounts in the order of their ids, those after the given one.
	ListAccounts(ctx context.Context, after roundtrip.ID, limit int) ([]*roundtrip.Record, []roundtrip.Credential, error)

	// SetCredential replaces an account's credential and, in the same transaction, ends its sessions except keep (0: all end,
	// KeepAll: none).
	SetCredential(ctx context.Context, credential roundtrip.Credential, keep roundtrip.ID) error

	// AddSession writes a new session.
	AddSession(ctx context.Context, session roundtrip.Session) error

	// FindSession finds a session by the hash of its token, ended ones not.
	FindSession(ctx context.Context, hash [32]byte) (roundtrip.Session, error)

	// TouchSession writes when a session was last used and until when it is good.
	TouchSession(ctx context.Context, id roundtrip.ID, used, expires time.Time) error

	// ListSessions returns an account's sessions, newest first.
	ListSessions(ctx context.Context, account roundtrip.ID) ([]roundtrip.Session, error)

	// EndSession deletes one session of an account; id 0 means all of them.
	EndSession(ctx context.Context, account, id roundtrip.ID) error
}
