package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console/audit"
)

func now() time.Time { return time.Unix(1_800_000_000, 0) }

func open(t *testing.T, dir string, size int64) *audit.Log {
	t.Helper()
	l, err := audit.Open(dir, now, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t *testing.T, l *audit.Log, n int) {
	t.Helper()
	for i := range n {
		if _, err := l.Append(audit.Entry{Who: "ana", What: "data.update", Target: fmt.Sprintf("photos/%d", i), Fields: []string{"caption"}}); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, dir string) (broken string, n uint64) {
	t.Helper()
	broken, n, err := audit.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	return broken, n
}

func TestLog_GoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir, 0)
	add(t, first, 3)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir, 0)
	add(t, second, 2)
	if broken, n := verify(t, dir); broken != "" || n != 5 {
		t.Fatalf("%q, %d", broken, n)
	}
	list, err := second.Last(2, "")
	if err != nil || len(list) != 2 || list[0].N != 5 || list[1].N != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	if info, err := os.Stat(filepath.Join(dir, audit.File)); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
}

func TestLog_CutsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, 0)
	add(t, l, 3)
	path := filepath.Join(dir, audit.File)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range []int{1, 40, len(`{"n":4`)} {
		if err := os.WriteFile(path, append(bytes.Clone(whole), whole[:torn]...), 0o600); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir, 0)
		if again.Broken() != "" {
			t.Fatalf("torn after %d bytes: %s", torn, again.Broken())
		}
		add(t, again, 1)
		if broken, n := verify(t, dir); broken != "" || n != 4 {
			t.Fatalf("torn after %d bytes: %q, %d", torn, broken, n)
		}
	}
}

func TestLog_RotatesAndForgetsTheOldest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, 2000)
	add(t, l, 200)
	if broken, n := verify(t, dir); broken != "" || n != 200 {
		t.Fatalf("%q, %d", broken, n)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != audit.FilesMax+2 { // with the lock's
		t.Fatalf("%d files, %v", len(files), err)
	}
	list, err := l.Last(1000, "ana")
	if err != nil || len(list) < 50 || len(list) >= 200 || list[0].N != 200 || list[len(list)-1].N != 201-uint64(len(list)) {
		t.Fatalf("%d entries, %v", len(list), err)
	}
	if list, err := l.Last(10, "bo"); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
}

func TestLog_ChangesAreNoticed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(lines []string) []string{
		"another name":    func(l []string) []string { l[1] = strings.Replace(l[1], "ana", "bob", 1); return l },
		"a line less":     func(l []string) []string { return append(l[:1], l[2:]...) },
		"another order":   func(l []string) []string { l[1], l[2] = l[2], l[1]; return l },
		"a line twice":    func(l []string) []string { return append(l[:2], l[1:]...) },
		"what is no line": func(l []string) []string { l[1] = "hello"; return l },
		"no chain":        func(l []string) []string { l[1] = `{"n":2,"who":"ana"}`; return l },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := open(t, dir, 0)
			add(t, l, 4)
			path := filepath.Join(dir, audit.File)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := change(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
			if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if broken, _ := verify(t, dir); broken == "" {
				t.Error("nobody noticed")
			}
			again := open(t, dir, 0)
			if again.Broken() == "" {
				t.Error("nobody noticed at the start")
			}
			add(t, again, 1) // it goes on all the same
		})
	}
}

func TestLog_AFileThatIsGoneIsNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	add(t, open(t, dir, 1000), 40)
	if err := os.Remove(filepath.Join(dir, audit.File+".2")); err != nil {
		t.Fatal(err)
	}
	if broken, _ := verify(t, dir); broken == "" {
		t.Fatal("nobody noticed")
	}
}

func TestLog_TextsAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, 0)
	e, err := l.Append(audit.Entry{Who: strings.Repeat("ä", 5000), What: "x\n{}\"", Fields: make([]string, 500)})
	if err != nil || len(e.Who) > 400 || len(e.Fields) > 100 {
		t.Fatalf("%d, %d, %v", len(e.Who), len(e.Fields), err)
	}
	if broken, n := verify(t, dir); broken != "" || n != 1 {
		t.Fatalf("%q, %d", broken, n)
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	l, err := audit.Open(dir, now, 0)
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		if _, err := l.Append(audit.Entry{Who: "ana", What: "sign-in"}); err != nil {
			f.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, audit.File))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}\n\n,\"chain\":\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, audit.File), text, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := audit.Open(dir, now, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		whole := l.Broken() == ""
		if _, err := l.Append(audit.Entry{Who: "bo", What: "sign-in"}); err != nil {
			t.Fatal(err)
		}
		if broken, _, err := audit.Verify(dir); err != nil || whole != (broken == "") {
			t.Fatalf("at the start whole %v, then %q, %v", whole, broken, err)
		}
	})
}

// Two processes write the same log, over the end of a file: one chain comes of it.
func TestLog_ProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, z := open(t, dir, 2000), open(t, dir, 2000)
	for range 12 {
		add(t, a, 1)
		add(t, z, 2)
	}
	if broken, n := verify(t, dir); broken != "" || n != 36 {
		t.Fatalf("%q, %d entries", broken, n)
	}
	list, err := a.Last(1, "")
	if err != nil || len(list) != 1 || list[0].N != 36 || a.Broken() != "" || z.Broken() != "" {
		t.Fatalf("%+v, %v, %q, %q", list, err, a.Broken(), z.Broken())
	}
}

// Who takes a log that is in use away is found out by what is written after it.
func TestLog_TakenAwayWhileItIsOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, 0)
	add(t, l, 3)
	path := filepath.Join(dir, audit.File)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := text[:bytes.IndexByte(text, '\n')+1]
	if err := os.WriteFile(path, first, 0o600); err != nil {
		t.Fatal(err)
	}
	add(t, l, 1)
	if broken, _ := verify(t, dir); broken == "" || l.Broken() == "" {
		t.Errorf("two entries are gone, and nobody says so: %q, %q", broken, l.Broken())
	}
}

// Those who are turned away have a log of their own.
func TestLog_TheRefusedPushOutNobody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, 1000)
	add(t, l, 3)
	refused, err := audit.OpenRefused(dir, now, 300)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = refused.Close() }()
	add(t, refused, 100)
	if broken, n := verify(t, dir); broken != "" || n != 3 {
		t.Errorf("%q, %d entries", broken, n)
	}
	if broken, n, err := audit.VerifyRefused(dir); broken != "" || n != 100 || err != nil {
		t.Errorf("of the refused: %q, %d entries, %v", broken, n, err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, audit.RefusedFile+".?")); err != nil || len(names) != audit.RefusedFilesMax {
		t.Errorf("%v, %v", names, err)
	}
}
