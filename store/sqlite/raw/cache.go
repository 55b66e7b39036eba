package raw

import (
	"math"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// cacheMax is how many statements a connection keeps prepared. One takes about 5 to 20 kB.
const cacheMax = 256

// Prepare returns a statement for the text, from the cache where it is free there. Release it after use.
func (c *Conn) Prepare(sql string) (*Stmt, error) {
	if s := c.cache[sql]; s != nil && !s.busy {
		return c.take(s), nil
	}
	return c.prepare(sql)
}

// PrepareBytes is Prepare for a text that the caller will change again; the text is only copied if it is new.
func (c *Conn) PrepareBytes(sql []byte) (*Stmt, error) {
	if s := c.cache[string(sql)]; s != nil && !s.busy {
		return c.take(s), nil
	}
	return c.prepare(string(sql))
}

func (c *Conn) take(s *Stmt) *Stmt {
	c.uses++
	s.used, s.busy = c.uses, true
	return s
}

func (c *Conn) prepare(sql string) (*Stmt, error) {
	text := malloc(c.tls, len(sql)+1)
	defer libc.Xfree(c.tls, text)
	copyOut(text, sql)
	*(*byte)(pointer(text + uintptr(len(sql)))) = 0
	rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, text, int32(len(sql)+1), lib.SQLITE_PREPARE_PERSISTENT, c.out, c.out+unsafe.Sizeof(uintptr(0)))
	if rc != lib.SQLITE_OK {
		return nil, c.fail(rc, sql)
	}
	s := &Stmt{c: c, p: *(*uintptr)(pointer(c.out)), sql: sql}
	if s.p == 0 {
		return nil, &Error{Code: lib.SQLITE_MISUSE, Message: "empty statement", SQL: sql}
	}
	s.params = int(lib.Xsqlite3_bind_parameter_count(c.tls, s.p))
	if _, taken := c.cache[sql]; !taken { // a busy twin keeps its place: this one lives until its release
		c.evict()
		c.cache[sql], s.cached = s, true
	}
	return c.take(s), nil
}

// evict makes room for one more statement by dropping the one that was not used for longest.
func (c *Conn) evict() {
	if len(c.cache) < cacheMax {
		return
	}
	var oldest *Stmt
	age := uint64(math.MaxUint64)
	for _, s := range c.cache {
		if !s.busy && s.used < age {
			oldest, age = s, s.used
		}
	}
	if oldest != nil {
		delete(c.cache, oldest.sql)
		oldest.finalize()
	}
}
