// Package raw is a thin layer over SQLite as modernc.org/sqlite/lib has it: open, prepare, bind, step, column, reset,
// finalize, and nothing else, so that another build of SQLite can take its place. It keeps out of the way: statements
// are cached by their text, texts are bound without a copy on the Go heap, columns are read without one.
//
// A [Conn] and its statements belong to one goroutine at a time.
package raw

import (
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Error is a failure that SQLite reported.
type Error struct {
	Code    int32  // extended result code (https://sqlite.org/rescode.html)
	Message string // SQLite's own sentence; it may name tables and columns
	SQL     string // the statement, "" where there was none
}

// Error says everything; it is for logs and journeys only.
func (e *Error) Error() string {
	if e.SQL == "" {
		return fmt.Sprintf("sqlite: %s (%d)", e.Message, e.Code)
	}
	return fmt.Sprintf("sqlite: %s (%d) in %s", e.Message, e.Code, e.SQL)
}

// Primary returns the primary result code.
func (e *Error) Primary() int32 { return e.Code & 0xff }

// The result codes that the store tells apart.
const (
	CodeInterrupt  = lib.SQLITE_INTERRUPT
	CodeBusy       = lib.SQLITE_BUSY
	CodeConstraint = lib.SQLITE_CONSTRAINT
	CodeFull       = lib.SQLITE_FULL
	CodeNotADB     = lib.SQLITE_NOTADB
	CodeError      = lib.SQLITE_ERROR
	CodeUnique     = lib.SQLITE_CONSTRAINT_UNIQUE
	CodePrimaryKey = lib.SQLITE_CONSTRAINT_PRIMARYKEY
	CodeRowID      = lib.SQLITE_CONSTRAINT_ROWID
	CodeForeignKey = lib.SQLITE_CONSTRAINT_FOREIGNKEY
	CodeNotNull    = lib.SQLITE_CONSTRAINT_NOTNULL
	CodeDataType   = lib.SQLITE_CONSTRAINT_DATATYPE
)

// pointer turns an address of C memory into a pointer. C memory is not the Go heap: it neither moves nor is collected.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// copyOut copies a Go text into C memory.
func copyOut[T string | []byte](address uintptr, text T) {
	copy(unsafe.Slice((*byte)(pointer(address)), len(text)), text)
}

func malloc(tls *libc.TLS, n int) uintptr {
	p := libc.Xmalloc(tls, libc.Tsize_t(n))
	if p == 0 {
		panic("sqlite: out of memory")
	}
	return p
}
