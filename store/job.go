package store

import (
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// The kinds of outbox jobs. What a payload holds stands at each.
const (
	// JobFilesRemove removes the bytes of files whose record is gone or holds another file now: a JSON array of file ids.
	JobFilesRemove = "files.remove"

	// JobPush and JobEmail tell an account of a notification outside of the application:
	// a [NoteJob].
	JobPush  = "push"
	JobEmail = "email"

	// JobWebhook, with the name of a webhook behind it, tells that webhook of a write. The payload is the body to send.
	JobWebhook = "webhook."
)

// NoteJob is the payload of [JobPush] and [JobEmail]. The entry may have grown since, or be gone.
type NoteJob struct {
	Account string `json:"account"` // ids as text
	Note    string `json:"note"`
	Bumped  int64  `json:"bumped"` // of the event that the job was made for
}

// Job is one row of the outbox: work that a committed write left behind.
type Job struct {
	ID      int64
	Kind    string // such as JobFilesRemove
	Key     string // jobs of one kind and key are done one after the other; "" where the order does not matter
	Payload string
	Tries   int       // how often it was claimed since it was made or replayed, this time included
	Created time.Time // when it was made or replayed
	Cause   trace.ID  // the journey of the request that left it; zero where there was none
}

// DeadJob is one that was given up.
type DeadJob struct {
	Job
	Died  time.Time
	Error string // why the last try failed
}

// JobCount is what the outbox holds of one kind.
type JobCount struct {
	Kind    string
	Waiting int
	Dead    int
	Oldest  time.Time // when the oldest one that waits was made; zero where none does
	Error   string    // of the last try that failed, "" where none did
}
