// Package staging holds the files that come with a write: on the disk, but belonging to nothing, before the write begins;
// in their places just before it; deleted if it does not happen.
package staging

import (
	"context"
	"encoding/json"
	"io"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/store/files"
)

// Files are the files of one create or update. Core must be set.
type Files struct {
	Core   *handler.Core
	staged []staged
}

type staged struct {
	field string
	file  *files.Staged
}

// Len returns how many files there are.
func (f *Files) Len() int { return len(f.staged) }

// Stage reads a file and returns what its field keeps of it. Errors are those of [files.Store.Stage], and Unprocessable
// file.missing where no files are kept.
func (f *Files) Stage(ctx context.Context, field *roundtrip.Field, name string, content io.Reader) (roundtrip.Value, error) {
	store := f.Core.Files()
	if store == nil {
		return roundtrip.Value{}, roundtrip.E(roundtrip.Unprocessable, "file.missing", "this server keeps no files")
	}
	file, err := store.Stage(ctx, content, name, field)
	if err != nil {
		return roundtrip.Value{}, err
	}
	f.staged = append(f.staged, staged{field.Name, file})
	text, err := json.Marshal(file.File())
	if err != nil {
		return roundtrip.Value{}, roundtrip.Wrap("staging.file", err)
	}
	return roundtrip.JSON(string(text)), nil
}

// Keep gives the files of a call their places. They lie under the id of their record, so that a new one gets its id here; it
// was not chosen, so what is asked of a chosen id was asked before.
func (f *Files) Keep(ctx context.Context, call *roundtrip.Call) error {
	id := call.ID
	if call.Action == roundtrip.Create {
		if call.Input.ID() == 0 {
			call.Input.Put(roundtrip.FieldID, roundtrip.Ref(f.Core.NewID()))
		}
		id = call.Input.ID()
	}
	for _, s := range f.staged {
		if err := s.file.Keep(ctx, call.Collection.Name, id, s.field); err != nil {
			return err
		}
	}
	return nil
}

// End is called when the write was tried: with its error, and whether its answer is that of an earlier try, whose files the
// record has.
func (f *Files) End(err error, replayed bool) {
	end := (*files.Staged).Discard
	switch {
	case err == nil && !replayed:
		end = (*files.Staged).Done
	case uncertain(err):
		end = (*files.Staged).Leave
	}
	for _, s := range f.staged {
		end(s.file)
	}
	f.staged = f.staged[:0]
}

// Discard deletes the files of a write that was not tried.
func (f *Files) Discard() { f.End(nil, true) }

// uncertain reports whether a write may have happened in spite of its error.
func uncertain(err error) bool {
	if err == nil {
		return false
	}
	switch e := roundtrip.AsError(err); e.Kind {
	case roundtrip.Internal, roundtrip.Deadline:
		return true
	case roundtrip.Unavailable:
		return e.Reason != "store.pool_exhausted"
	default:
		return false
	}
}
