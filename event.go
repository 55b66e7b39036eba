package roundtrip

// Change is one committed write, in commit order. Its position is the cursor of all streams.
type Change struct {
	Position   int64       // grows by one with each change of the database
	Collection *Collection // nil: the inbox of account ID
	ID         ID
	Action     Action // Create, Update or Delete

	// Counts says that only count fields of the record moved: its etag and update_time are as before, and the rest of it
	// too. One such change stands for all that a group of writes counted for the record. Its Action is Update.
	Counts bool
}

// Inbox reports whether the change is one of an account's inbox: it has no collection then, and ID is the account. One such
// change stands for all that a group of writes did to the inbox. Its Action is Update.
func (c Change) Inbox() bool { return c.Collection == nil }
