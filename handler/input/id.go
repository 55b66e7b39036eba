package input

import "github.com/roundtrip-dev/roundtrip"

// KeyForm says what an idempotency key is.
const KeyForm = "one key of 1 to 255 printable ASCII characters without spaces is expected"

// GoodKey reports whether a text can be an idempotency key.
func GoodKey(key string) bool {
	good := key != "" && len(key) <= 255
	for i := range len(key) {
		good = good && key[i] > ' ' && key[i] < 0x7f
	}
	return good
}

// RecordID reads the id of a record that a request is about. What can't be an id names no record.
func RecordID(c *roundtrip.Collection, text string) (roundtrip.ID, error) {
	id, ok := roundtrip.ParseID(text)
	if !ok {
		return 0, roundtrip.E(roundtrip.Missing, "store.missing", "%s has no record %q: an id is %s", c.Name, Cut(text, 64), roundtrip.IDForm)
	}
	return id, nil
}
