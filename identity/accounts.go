package identity

import (
	"context"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// KeepAll as the session to keep in Accounts.SetPassword ends none: the same password was hashed anew.
const KeepAll roundtrip.ID = -1

// Accounts is what identity needs of the store. Errors are *roundtrip.Error; a thing that is not there is Missing
// store.missing. Each method that writes returns when the write is durable.
//
// users is the collection of the caller's accounts. Around a reload it may be of an older or newer schema than the one
// that the store has in force; the records that come back are of users all the same, with null where the store has no
// such field.
type Accounts interface {
	// CreateAccount writes a new account record, its credential and its first session in one transaction. The record is
	// complete (schema checked it) except for times, and for the id where it is 0. session may be nil.
	CreateAccount(ctx context.Context, record *roundtrip.Record, credential roundtrip.Credential, session *roundtrip.Session) (*roundtrip.Record, error)

	// FindCredential finds an account by the value of one of its unique fields.
	FindCredential(ctx context.Context, users *roundtrip.Collection, field, value string) (roundtrip.Credential, error)

	// LoadAccount returns an account's record and credential.
	LoadAccount(ctx context.Context, users *roundtrip.Collection, id roundtrip.ID) (*roundtrip.Record, roundtrip.Credential, error)

	// ListAccounts returns up to limit accounts in the order of their ids, those after the given one.
	ListAccounts(ctx context.Context, users *roundtrip.Collection, after roundtrip.ID, limit int) ([]*roundtrip.Record, []roundtrip.Credential, error)

	// SetRoles replaces an account's roles, and nothing else of it.
	SetRoles(ctx context.Context, account roundtrip.ID, roles []string) error

	// SetPassword replaces the hash of an account's password and, in the same transaction, ends its sessions except keep (0:
	// all end, KeepAll: none). It does so only while the stored hash is still proved, else it is Stale store.stale; proved
	// "" replaces whatever is there.
	SetPassword(ctx context.Context, account roundtrip.ID, proved, hash string, keep roundtrip.ID) error

	// AddSession writes a new session for who proved the password with the given hash. If the account has another one by
	// now, it is Stale store.stale: the change has ended all sessions, and this one would outlive it.
	AddSession(ctx context.Context, session roundtrip.Session, proved string) error

	// FindSession finds a session by the hash of its token, ended ones not.
	FindSession(ctx context.Context, hash [32]byte) (roundtrip.Session, error)

	// TouchSession writes when a session was last used and until when it is good.
	TouchSession(ctx context.Context, id roundtrip.ID, used, expires time.Time) error

	// ListSessions returns an account's sessions, newest first.
	ListSessions(ctx context.Context, account roundtrip.ID) ([]roundtrip.Session, error)

	// EndSession deletes one session of an account; id 0 means all of them.
	EndSession(ctx context.Context, account, id roundtrip.ID) error
}
