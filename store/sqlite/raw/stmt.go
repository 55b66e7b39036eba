package raw

import (
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"github.com/roundtrip-dev/roundtrip"
)

// Stmt is one prepared statement. Between a Step that returned true and the next one it is a [roundtrip.Row].
type Stmt struct {
	c       *Conn
	p       uintptr
	sql     string
	params  int
	scratch uintptr // C memory that bound texts point into; SQLite reads it until the statement is reset
	room    int     // bytes of scratch
	used    uint64
	busy    bool
	cached  bool
}

// scratchKeep is how much memory for bound texts a cached statement keeps between uses.
const scratchKeep = 64 << 10

// SQL returns the statement's text and how many parameters it has.
func (s *Stmt) SQL() (text string, params int) { return s.sql, s.params }

// Bind sets all parameters. Bindings of before are overwritten, never cleared: clearing makes SQLite prepare some
// statements again.
func (s *Stmt) Bind(args []roundtrip.Value) error {
	if len(args) != s.params {
		return &Error{Code: lib.SQLITE_RANGE, Message: fmt.Sprintf("%d values for %d parameters", len(args), s.params), SQL: s.sql}
	}
	need := 1 // an empty text needs an address too: address 0 would be NULL
	for i := range args {
		need += len(args[i].Text())
	}
	s.reserve(need)
	at := s.scratch
	for i := range args {
		var rc int32
		n := int32(i + 1)
		switch v := args[i]; v.Kind() {
		case roundtrip.Null:
			rc = lib.Xsqlite3_bind_null(s.c.tls, s.p, n)
		case roundtrip.FloatValue:
			rc = lib.Xsqlite3_bind_double(s.c.tls, s.p, n, v.Float())
		case roundtrip.TextValue, roundtrip.JSONValue:
			text := v.Text()
			copyOut(at, text)
			rc = lib.Xsqlite3_bind_text64(s.c.tls, s.p, n, at, uint64(len(text)), 0, lib.SQLITE_UTF8) // 0: SQLITE_STATIC
			at += uintptr(len(text))
		case roundtrip.BoolValue, roundtrip.IntValue, roundtrip.TimeValue, roundtrip.IDValue:
			rc = lib.Xsqlite3_bind_int64(s.c.tls, s.p, n, v.Int())
		}
		if rc != lib.SQLITE_OK {
			return s.c.fail(rc, s.sql)
		}
	}
	return nil
}

func (s *Stmt) reserve(need int) {
	if need <= s.room {
		return
	}
	if s.scratch != 0 {
		libc.Xfree(s.c.tls, s.scratch)
	}
	s.room = max(need, 2*s.room, 64)
	s.scratch = malloc(s.c.tls, s.room)
}

// Step moves to the next row and reports whether there is one.
func (s *Stmt) Step() (bool, error) {
	switch rc := lib.Xsqlite3_step(s.c.tls, s.p); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.fail(rc, s.sql)
	}
}

// Release ends the use of the statement; its rows are gone then.
func (s *Stmt) Release() {
	s.c.end()
	if !s.cached {
		s.finalize()
		return
	}
	lib.Xsqlite3_reset(s.c.tls, s.p)
	s.busy = false
	if s.room > scratchKeep {
		// The stale binding is never read: Bind sets it anew before the next Step.
		libc.Xfree(s.c.tls, s.scratch)
		s.scratch, s.room = 0, 0
	}
}

func (s *Stmt) finalize() {
	lib.Xsqlite3_finalize(s.c.tls, s.p)
	if s.scratch != 0 {
		libc.Xfree(s.c.tls, s.scratch)
		s.scratch, s.room = 0, 0
	}
}

// Null reports whether a column is NULL.
func (s *Stmt) Null(column int) bool {
	return lib.Xsqlite3_column_type(s.c.tls, s.p, int32(column)) == lib.SQLITE_NULL
}

// Int returns an integer column.
func (s *Stmt) Int(column int) int64 { return lib.Xsqlite3_column_int64(s.c.tls, s.p, int32(column)) }

// Float returns a real column.
func (s *Stmt) Float(column int) float64 {
	return lib.Xsqlite3_column_double(s.c.tls, s.p, int32(column))
}

// Bytes returns a text column. The bytes lie in SQLite's memory and are good until the next Step or Release. (The blob
// accessor is used because the text accessor first moves the value to put a zero byte behind it.)
func (s *Stmt) Bytes(column int) []byte {
	p := lib.Xsqlite3_column_blob(s.c.tls, s.p, int32(column))
	if p == 0 {
		return nil
	}
	n := lib.Xsqlite3_column_bytes(s.c.tls, s.p, int32(column))
	return unsafe.Slice((*byte)(pointer(p)), n)
}

// Text returns a text column as a copy.
func (s *Stmt) Text(column int) string { return string(s.Bytes(column)) }
