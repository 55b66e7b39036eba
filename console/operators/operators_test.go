package operators_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/internal/password"
)

const secret = "four unrelated words"

func newBook(t *testing.T, dir string) *operators.Book {
	t.Helper()
	b, err := operators.New(operators.Options{
		Dir: dir, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, Rand: rand.Reader,
		Cost: password.Cost{MemoryKiB: 64, Passes: 1, Threads: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func join(t *testing.T, b *operators.Book, name string, role operators.Role) {
	t.Helper()
	token, _, err := b.Invite(role)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Claim(t.Context(), token, name, secret, ""); err != nil {
		t.Fatal(err)
	}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return roundtrip.AsError(err).Reason
}

func TestBook_FileKeepsNoSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBook(t, dir)
	join(t, b, "ana", operators.Owner)
	token, _, err := b.Invite(operators.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, operators.File)
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), token) || strings.Contains(string(text), secret) || !strings.Contains(string(text), "$argon2id$") {
		t.Fatalf("%s, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
}

func TestBook_SeesWhatAnotherProcessWrote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, command := newBook(t, dir), newBook(t, dir)
	if list, err := server.List(); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	join(t, command, "ana", operators.Owner)
	if o, err := server.Find("ANA"); err != nil || o.Role != operators.Owner {
		t.Fatalf("%v, %v", o, err)
	}
	if _, err := server.Check(t.Context(), "ana", secret, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, operators.File)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Find("ana"); reason(err) != "console.no_operator" {
		t.Fatal(err)
	}
}

func TestBook_ALinkIsUsedOnceByMany(t *testing.T) {
	t.Parallel()
	b := newBook(t, t.TempDir())
	token, _, err := b.Invite(operators.Owner)
	if err != nil {
		t.Fatal(err)
	}
	var in atomic.Int64
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if _, err := b.Claim(t.Context(), token, "name"+string(rune('a'+n)), secret, ""); err == nil {
				in.Add(1)
			} else if reason(err) != "console.link_dead" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Fatalf("%d came in by one link", in.Load())
	}
}

func TestBook_RefusesNamesAndPasswords(t *testing.T) {
	t.Parallel()
	b := newBook(t, t.TempDir())
	join(t, b, "ana", operators.Owner)
	for _, c := range []struct{ name, password, want string }{
		{"", secret, "request.invalid"},
		{"developer", secret, "request.invalid"},
		{"a b", secret, "request.invalid"},
		{"-rf", secret, "request.invalid"},
		{"ä", secret, "request.invalid"},
		{strings.Repeat("a", 65), secret, "request.invalid"},
		{"bo", "short", "auth.weak_password"},
		{"bo", "password1234", "auth.weak_password"},
		{"bo", "aaaaaaaaaaaaaaa", "auth.weak_password"},
		{"bo", strings.Repeat("word ", 300), "auth.weak_password"},
		{"bonnie", "xx bonnie and clyde", "auth.weak_password"},
		{"ANA", secret, "console.name_taken"},
		{"bo", secret, ""},
	} {
		token, _, err := b.Invite(operators.Viewer)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Claim(t.Context(), token, c.name, c.password, "")
		if reason(err) != c.want {
			t.Errorf("%q, %q: %v, want %s", c.name, c.password, err, c.want)
		}
		if gone := b.Open(token) != nil; gone != (c.want == "") {
			t.Errorf("%q: the link is gone: %v", c.name, gone)
		}
	}
}

func TestBook_AFileThatCannotBeReadIsNoEmptyList(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"half":           `{"version":1,"operators":[{"name":"ana"`,
		"of the future":  `{"version":2}`,
		"without role":   `{"version":1,"operators":[{"name":"ana"}]}`,
		"twice":          `{"version":1,"operators":[{"name":"ana","role":"owner"},{"name":"ana","role":"owner"}]}`,
		"a role of none": `{"version":1,"operators":[{"name":"ana","role":"king"}]}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, operators.File), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b := newBook(t, dir)
		if _, err := b.List(); reason(err) != "console.file_failed" {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := b.Invite(operators.Owner); reason(err) != "console.file_failed" {
			t.Errorf("%s: a link was made over it: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"operators":[{"name":"ana","role":"owner","password":"x"}],"links":[{"hash":"x","role":"viewer","until":"2030-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, operators.File), text, 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := newBook(t, dir).List()
		if err != nil {
			return
		}
		for _, o := range list {
			if o.Name == "" || o.Role < operators.Viewer || o.Role > operators.Owner {
				t.Fatalf("%+v", o)
			}
		}
	})
}

// A server and commands write the same file at the same time: nothing of either is lost.
func TestBook_ProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	join(t, newBook(t, dir), "root", operators.Owner)
	var all sync.WaitGroup
	for n := range 4 {
		b := newBook(t, dir) // each has what it read for itself, as a process has
		all.Go(func() {
			for m := range 4 {
				join(t, b, string(rune('a'+n))+string(rune('a'+m)), operators.Viewer)
			}
		})
	}
	all.Wait()
	list, err := newBook(t, dir).List()
	if err != nil || len(list) != 17 {
		t.Errorf("%d operators, %v; want 17", len(list), err)
	}
}

func TestBook_RemembersTheLatestNetworks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBook(t, dir)
	join(t, b, "ana", operators.Owner)
	for n := range 10 {
		if _, err := b.Check(t.Context(), "ana", secret, "network "+string(rune('a'+n))); err != nil {
			t.Fatal(err)
		}
	}
	again := newBook(t, dir)
	for network, want := range map[string]bool{"network j": true, "network c": true, "network b": false, "": false} {
		if got, err := again.Knows("ANA", network); err != nil || got != want {
			t.Errorf("%s: %v, %v", network, got, err)
		}
	}
	if got, err := again.Knows("nobody", "network j"); got || err != nil {
		t.Errorf("of nobody: %v, %v", got, err)
	}
}
