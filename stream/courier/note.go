package courier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// Note is a notification as it is now, for those who tell of it outside of the application.
type Note struct {
	ID         roundtrip.ID
	Kind       string
	Text       string // the sentence that it shows
	Group      string // what it gathers, "" where nothing
	Collection string // of the newest record that caused it
	Record     roundtrip.ID
	Settled    bool                // read, or seen: nobody has to be told
	Position   int64               // of its last change
	Changed    time.Time           // when that was
	Off        []roundtrip.Channel // on which it is not to be told: not declared any more, or not wanted
}

// Notes knows notifications.
type Notes interface {
	// Note returns an account's notification, or nil where it is gone.
	Note(ctx context.Context, account, note roundtrip.ID) (*Note, error)
}

// NothingToTell is why a job is done without a message.
const NothingToTell = "nobody has to be told any more: it was read, it is gone, or it is not wanted"

// noteJob is the payload of the jobs that tell of a notification, see store.JobPush.
type noteJob struct{ Account, Note string }

// LoadNote finds the notification that a job is about. ok is false where there is nothing to tell any more: also where the
// account has turned the channel off meanwhile, or nothing has happened to the notification since a time.
func LoadNote(ctx context.Context, notes Notes, job store.Job, way roundtrip.Channel, since time.Time) (account roundtrip.ID, note *Note, ok bool, err error) {
	var about noteJob
	if err := json.Unmarshal([]byte(job.Payload), &about); err != nil {
		return 0, nil, false, fmt.Errorf("the payload of job %d: %w", job.ID, err)
	}
	account, goodAccount := roundtrip.ParseID(about.Account)
	id, goodNote := roundtrip.ParseID(about.Note)
	if !goodAccount || !goodNote {
		return 0, nil, false, fmt.Errorf("the payload of job %d names no notification", job.ID)
	}
	note, err = notes.Note(ctx, account, id)
	if err != nil || note == nil || note.Settled || slices.Contains(note.Off, way) || note.Changed.Before(since) {
		return account, nil, false, err
	}
	return account, note, true, nil
}
