package roundtrip

// Change is one committed write, in commit order. Its position is the cursor of all streams.
type Change struct {
	Position   int64 // grows by one with each change of the database
	Collection *Collection
	ID         ID
	Action     Action // Create, Update or Delete
}
