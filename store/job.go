package store

// JobFilesRemove is the kind of outbox job that removes the bytes of files whose record is gone or holds another file
// now. Its payload is a JSON array of file ids.
const JobFilesRemove = "files.remove"

// Job is one row of the outbox: work that a committed write left behind.
type Job struct {
	ID      int64
	Kind    string // such as JobFilesRemove
	Payload string
	Tries   int // how often it was claimed, this time included
}
