package files

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// defaultMaxBytes bounds the files of a field that declares no max.
const defaultMaxBytes = 10_000_000

// Staged is a file that has arrived and belongs to no record yet. It is used by one goroutine, which ends it by Done,
// Discard or Leave.
type Staged struct {
	store *Store
	file  roundtrip.File
	ended bool
}

// Stage takes a file from r and looks at it. name is what the client calls it, field says what it may be. The bytes are
// durable when it returns; nothing refers to them yet. Errors: TooLarge file.too_large, Invalid file.type, Invalid
// file.image.
func (s *Store) Stage(ctx context.Context, r io.Reader, name string, field *roundtrip.Field) (*Staged, error) {
	id, err := s.newID()
	if err != nil {
		return nil, roundtrip.Wrap("files.id", err)
	}
	s.setActive(id, true)
	st := &Staged{store: s, file: roundtrip.File{ID: id, Name: cleanName(name)}}
	step := trace.From(ctx).Begin(trace.Files, "receive").Note(field.Name)
	err = st.receive(ctx, r, field)
	end(step.N(st.file.Size, 0), err)
	if err != nil {
		st.Discard()
		return nil, pointTo(err, field)
	}
	return st, nil
}

// end closes a step with what came of it.
func end(step trace.Step, err error) {
	switch e := roundtrip.AsError(err); {
	case err == nil:
		step.OK()
	case e.Kind == roundtrip.Internal:
		step.End(trace.Fail, trace.ReasonOf(e.Reason))
	default:
		step.Deny(trace.ReasonOf(e.Reason))
	}
}

func (st *Staged) receive(ctx context.Context, r io.Reader, field *roundtrip.Field) error {
	limit := field.MaxBytes
	if limit <= 0 {
		limit = defaultMaxBytes
	}
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return readFailed(err)
	}
	head = head[:n]
	st.file.Type = sniff(head, st.file.Name, field.Accept)
	if !accepts(field.Accept, st.file.Type) {
		return notAccepted(field, st.file.Type)
	}
	path := st.store.partPath(st.file.ID)
	err = writeFile(path, func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return roundtrip.Wrap("files.write", err)
		}
		n, err := copyUpTo(ctx, w, r, limit-int64(len(head)))
		st.file.Size = int64(len(head)) + n
		return err
	})
	if err != nil {
		return roundtrip.Wrap("files.write", err)
	}
	if st.file.Size > limit {
		return roundtrip.E(roundtrip.TooLarge, "file.too_large", "%s takes files of up to %s", field.Name, byteSize(limit))
	}
	return st.store.measure(ctx, path, &st.file, len(field.Sizes) > 0)
}

// copyUpTo copies limit bytes and one more, so that the caller sees whether there were more.
func copyUpTo(ctx context.Context, w io.Writer, r io.Reader, limit int64) (int64, error) {
	buf := make([]byte, 64<<10)
	var total int64
	for total <= limit {
		if err := ctx.Err(); err != nil {
			return total, readFailed(err)
		}
		n, err := r.Read(buf[:min(int64(len(buf)), max(1, limit+1-total))])
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return total, roundtrip.Wrap("files.write", err)
			}
			total += int64(n)
		}
		switch {
		case errors.Is(err, io.EOF):
			return total, nil
		case err != nil:
			return total, readFailed(err)
		}
	}
	return total, nil
}

// readFailed is what the client did to its own upload.
func readFailed(err error) error {
	if _, ok := errors.AsType[*roundtrip.Error](err); ok {
		return err
	}
	e := roundtrip.E(roundtrip.Invalid, "client.aborted", "the upload ended before the file was complete")
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		e = roundtrip.E(roundtrip.TooLarge, "request.body_too_large", "the request is larger than the site's limit of %s", byteSize(tooLarge.Limit))
	}
	e.Op, e.Err = "files.read", err
	return e
}

// File returns what the record is to hold.
func (st *Staged) File() roundtrip.File { return st.file }

// marker names the record that a file was kept for.
type marker struct {
	Collection string       `json:"collection"`
	Record     roundtrip.ID `json:"record"`
	Field      string       `json:"field"`
	File       string       `json:"file"`
}

// Keep moves the file to its place, durably, before the write that refers to it is committed. A marker says which record
// it is for, until Done.
func (st *Staged) Keep(ctx context.Context, collection string, record roundtrip.ID, field string) error {
	s, id := st.store, st.file.ID
	step := trace.From(ctx).Begin(trace.Files, "keep").Note(field).N(st.file.Size, 0)
	err := writeFile(s.keepPath(id), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(marker{collection, record, field, id})
	})
	if err == nil {
		err = syncDir(filepath.Join(s.dir, incoming)) // the marker must not come later than what it marks
	}
	if err == nil {
		err = s.place(id)
	}
	err = roundtrip.Wrap("files.keep", err)
	end(step, err)
	return err
}

// place moves a part to where Open looks.
func (s *Store) place(id string) error {
	path := s.path(id)
	err := os.Mkdir(filepath.Dir(path), 0o750)
	if err == nil {
		err = syncDir(s.dir)
	} else if errors.Is(err, os.ErrExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	if err := os.Rename(s.partPath(id), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Done is called when the write that refers to the file was acknowledged.
func (st *Staged) Done() {
	if st.end() {
		// A marker that stays does no harm: Recover finds the record and takes it away.
		_ = os.Remove(st.store.keepPath(st.file.ID))
	}
}

// Discard deletes the file, because the write that was to refer to it surely did not happen. After Done it does nothing,
// so that it can be deferred.
func (st *Staged) Discard() {
	if !st.end() {
		return
	}
	s, id := st.store, st.file.ID
	// The marker goes last: what can't be deleted now is found by it at the next start.
	err := errors.Join(ignoreMissing(os.Remove(s.partPath(id))), ignoreMissing(os.Remove(s.path(id))))
	if err == nil {
		_ = os.Remove(s.keepPath(id))
	}
}

// Leave is called when it is not known whether the write happened, such as after a deadline. File and marker stay;
// Recover decides at the next start.
func (st *Staged) Leave() { st.end() }

func (st *Staged) end() bool {
	if st.ended {
		return false
	}
	st.ended = true
	st.store.setActive(st.file.ID, false)
	return true
}

func (s *Store) setActive(id string, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if active {
		s.active[id] = true
	} else {
		delete(s.active, id)
	}
}

func (s *Store) isActive(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[id]
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// pointTo says which field of the record an error is about.
func pointTo(err error, field *roundtrip.Field) error {
	e := roundtrip.AsError(err)
	if len(e.Details) == 0 && (e.Kind == roundtrip.Invalid || e.Kind == roundtrip.TooLarge) {
		_ = e.With(roundtrip.Detail{Pointer: "/" + field.Name, Code: detailCode(e.Reason), Message: e.Public})
	}
	return e
}

func detailCode(reason string) string {
	switch reason {
	case "file.too_large", "request.body_too_large":
		return "too_large"
	case "file.type":
		return "wrong_type"
	case "file.image":
		return "bad_image"
	}
	return "incomplete"
}
