package raw_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

func open(t *testing.T) *raw.Conn {
	t.Helper()
	c, err := raw.Open(filepath.Join(t.TempDir(), "x.db"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// one runs a statement and gives its first row to fn.
func one(t *testing.T, c *raw.Conn, sql string, fn func(*raw.Stmt), args ...roundtrip.Value) {
	t.Helper()
	s, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	if err := s.Bind(args); err != nil {
		t.Fatal(err)
	}
	if more, err := s.Step(); err != nil || !more {
		t.Fatal(more, err)
	}
	fn(s)
}

func TestRaw_ValuesComeBack(t *testing.T) {
	t.Parallel()
	c := open(t)
	long := strings.Repeat("wide\x00text ", 20000) // more than the scratch that a statement keeps
	for _, text := range []string{"", "a", "with \x00 zero", long, "short again"} {
		one(t, c, "SELECT ?, ?, ?, ?", func(s *raw.Stmt) {
			if s.Text(0) != text || s.Null(0) || s.Int(1) != -1<<63 || s.Float(2) != 0.1 || !s.Null(3) {
				t.Fatalf("%d bytes came back as %d", len(text), len(s.Text(0)))
			}
		}, roundtrip.Text(text), roundtrip.Int(-1<<63), roundtrip.Float(0.1), roundtrip.Value{})
	}
}

func TestRaw_SameStatementTwiceAtOnce(t *testing.T) {
	t.Parallel()
	c := open(t)
	const sql = "SELECT value FROM json_each(?)"
	outer, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Release()
	if err := outer.Bind([]roundtrip.Value{roundtrip.Text("[1,2,3]")}); err != nil {
		t.Fatal(err)
	}
	for want := int64(1); want <= 3; want++ {
		if more, err := outer.Step(); err != nil || !more || outer.Int(0) != want {
			t.Fatal(more, err)
		}
		one(t, c, sql, func(s *raw.Stmt) {
			if s.Int(0) != 9 {
				t.Fatal(s.Int(0))
			}
		}, roundtrip.Text("[9]"))
	}
}

func TestRaw_ForgetsOldStatements(t *testing.T) {
	t.Parallel()
	c := open(t)
	for i := range 1000 {
		one(t, c, fmt.Sprintf("SELECT %d", i), func(s *raw.Stmt) {
			if s.Int(0) != int64(i) {
				t.Fatal(s.Int(0))
			}
		})
	}
}

func TestRaw_Errors(t *testing.T) {
	t.Parallel()
	c := open(t)
	if _, err := c.Prepare("SELEKT 1"); err == nil || !strings.Contains(err.Error(), "SELEKT") {
		t.Fatal(err)
	}
	if _, err := c.Prepare(""); err == nil {
		t.Fatal("an empty statement was prepared")
	}
	if err := c.Exec("SELECT ?"); err == nil {
		t.Fatal("a parameter without a value")
	}
	if err := c.Exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE) STRICT"); err != nil {
		t.Fatal(err)
	}
	if err := c.Exec("INSERT INTO t VALUES (1, 'x')"); err != nil || c.Changes() != 1 {
		t.Fatal(err)
	}
	err := c.Exec("INSERT INTO t VALUES (2, 'x')")
	if e, ok := errors.AsType[*raw.Error](err); !ok || e.Code != raw.CodeUnique || e.Primary() != raw.CodeConstraint || !strings.Contains(e.Message, "t.b") {
		t.Fatal(err)
	}
}

func TestRaw_InterruptsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	c := open(t)
	const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
	c.Limit(20 * time.Millisecond)
	err := c.Exec(endless)
	if e, ok := errors.AsType[*raw.Error](err); !ok || e.Primary() != raw.CodeInterrupt || !c.Late() {
		t.Fatal(err)
	}
	c.Limit(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	c.Guard(ctx)
	err = c.Exec(endless)
	if e, ok := errors.AsType[*raw.Error](err); !ok || e.Primary() != raw.CodeInterrupt || c.Late() {
		t.Fatal(err)
	}
	c.Unguard()
	if err := c.Exec("SELECT 1"); err != nil {
		t.Fatal(err)
	}
}
