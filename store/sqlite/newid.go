package sqlite

import (
	"errors"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// idTries is how many ids are tried for one record.
const idTries = 8

// insertNew inserts a complete record. made says that its id is one of ours: then a record that has it already, whose id
// a client chose, is no reason to fail, and the record gets another id.
func (t *tx) insertNew(tb *table, record *roundtrip.Record, made bool) error {
	if !made {
		return t.insert(tb, record)
	}
	for try := 1; ; try++ {
		err := t.insert(tb, record)
		if try == idTries || !idTaken(err) {
			return err
		}
		t.s.opts.IDs.Skip()
		record.Put(roundtrip.FieldID, roundtrip.Ref(t.s.opts.IDs.Next()))
	}
}

// idTaken reports whether an insert failed because another record has the id.
func idTaken(err error) bool {
	e, ok := errors.AsType[*raw.Error](err)
	return ok && (e.Code == raw.CodePrimaryKey || e.Code == raw.CodeRowID)
}
