package raw

import (
	"context"
	"time"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"github.com/roundtrip-dev/roundtrip"
)

// progressOps is how many steps of SQLite's virtual machine run between two looks at the clock, well under 1 ms.
const progressOps = 4000

// Conn is one connection.
type Conn struct {
	tls      *libc.TLS
	db       uintptr
	out      uintptr // C memory for two pointers that SQLite fills
	cache    map[string]*Stmt
	uses     uint64 // counts prepares, for the cache's age
	progress func(*libc.TLS, uintptr) int32

	limit   time.Duration
	ctx     context.Context // of the statements that run now, nil for nobody's; see Guard
	started time.Time       // when the running statement was first looked at
	budget  time.Duration   // of all statements together, 0 for none; see Budget
	spent   time.Duration   // of it

	patience time.Duration // after which go on is asked; see Ask
	goOn     func() bool
	asked    bool // since Ask
}

// Open opens a database file and makes it if it is not there. limit bounds each statement.
func Open(path string, limit time.Duration) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS(), cache: map[string]*Stmt{}, limit: limit}
	c.out = malloc(c.tls, 2*int(unsafe.Sizeof(uintptr(0))))
	name, err := libc.CString(path)
	if err != nil {
		c.free()
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	flags := int32(lib.SQLITE_OPEN_READWRITE | lib.SQLITE_OPEN_CREATE | lib.SQLITE_OPEN_NOMUTEX | lib.SQLITE_OPEN_EXRESCODE)
	rc := lib.Xsqlite3_open_v2(c.tls, name, c.out, flags, 0)
	c.db = *(*uintptr)(pointer(c.out))
	if rc != lib.SQLITE_OK {
		err := c.fail(rc, "")
		_ = c.Close()
		return nil, err
	}
	c.progress = c.overdue
	// SQLite calls back through the address of the closure, which c.progress keeps alive.
	lib.Xsqlite3_progress_handler(c.tls, c.db, progressOps, *(*uintptr)(unsafe.Pointer(&c.progress)), 0)
	return c, nil
}

// Close finalizes all statements and closes the connection.
func (c *Conn) Close() error {
	for _, s := range c.cache {
		s.finalize()
	}
	clear(c.cache)
	rc := int32(lib.SQLITE_OK)
	if c.db != 0 {
		rc = lib.Xsqlite3_close_v2(c.tls, c.db)
		c.db = 0
	}
	c.free()
	if rc != lib.SQLITE_OK {
		return &Error{Code: rc, Message: "closing failed"}
	}
	return nil
}

func (c *Conn) free() {
	if c.out != 0 {
		libc.Xfree(c.tls, c.out)
		c.out = 0
	}
	if c.tls != nil {
		c.tls.Close()
		c.tls = nil
	}
}

// Guard says for whom the next statements run: they are interrupted when ctx ends, and each of them after the limit.
// The clock is first read when a statement has run for a while, so short ones never pay for it.
func (c *Conn) Guard(ctx context.Context) { c.ctx = ctx }

// Unguard says that the next statements run for nobody in particular: only the limit holds.
func (c *Conn) Unguard() { c.ctx, c.budget = nil, 0 }

// Budget sets how long all of the following statements may run together, until Unguard. Each has its limit all the same.
func (c *Conn) Budget(budget time.Duration) { c.budget, c.spent = budget, 0 }

// end ends the watch over a statement.
func (c *Conn) end() {
	if !c.started.IsZero() {
		c.spent += time.Since(c.started)
		c.started = time.Time{}
	}
}

// Limit sets how long each of the following statements may run, and returns what it was.
func (c *Conn) Limit(limit time.Duration) time.Duration {
	was := c.limit
	c.limit = limit
	return was
}

// Ask has a statement interrupted that has run for a while if goOn then says no. It is asked once, until the next Ask; nil
// asks nothing.
func (c *Conn) Ask(patience time.Duration, goOn func() bool) {
	c.patience, c.goOn, c.asked = patience, goOn, false
}

// Late reports whether the last interrupted statement ran out of its own time rather than its caller's.
func (c *Conn) Late() bool { return c.ctx == nil || c.ctx.Err() == nil }

// Ran returns for how long the running statement has been watched: 0 for a short one.
func (c *Conn) Ran() time.Duration {
	if c.started.IsZero() {
		return 0
	}
	return time.Since(c.started)
}

// overdue is SQLite's progress callback: anything but 0 interrupts the statement.
func (c *Conn) overdue(*libc.TLS, uintptr) int32 {
	if c.ctx != nil && c.ctx.Err() != nil {
		return 1
	}
	if c.started.IsZero() {
		c.started = time.Now() //nolint:forbidigo // deadlines run on the real clock
		return 0
	}
	ran := time.Since(c.started)
	if ran > c.limit || c.budget > 0 && c.spent+ran > c.budget {
		return 1
	}
	if c.goOn != nil && !c.asked && ran > c.patience {
		c.asked = true
		if !c.goOn() {
			return 1
		}
	}
	return 0
}

// InTransaction reports whether a transaction is open. Some errors end it (https://sqlite.org/lang_transaction.html).
func (c *Conn) InTransaction() bool { return lib.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// Changes returns how many rows the last INSERT, UPDATE or DELETE touched.
func (c *Conn) Changes() int64 { return lib.Xsqlite3_changes64(c.tls, c.db) }

// Exec runs a statement to its end and drops its rows.
func (c *Conn) Exec(sql string, args ...roundtrip.Value) error {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Release()
	if err := s.Bind(args); err != nil {
		return err
	}
	for {
		if more, err := s.Step(); err != nil || !more {
			return err
		}
	}
}

func (c *Conn) fail(rc int32, sql string) *Error {
	e := &Error{Code: rc, SQL: sql}
	if c.db != 0 {
		e.Message = libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))
	}
	return e
}
