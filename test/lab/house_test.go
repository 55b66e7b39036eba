package lab_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// open makes a lab for a test. Where the machine can't make network namespaces there is none: the rest of the house is tested
// without.
func open(t testing.TB) *lab.Lab {
	t.Helper()
	// Not t.TempDir: the path of a control socket has room for 100 bytes.
	folder, err := os.MkdirTemp("", "rtl") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	l, err := lab.New(t.Context(), folder)
	if errors.Is(err, lab.ErrNoNamespaces) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// must ends the test if something that only prepares it fails.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a program on a machine and wants an exit status; it returns what the program wrote.
func run(t testing.TB, m *lab.Machine, want int, name string, args ...string) string {
	t.Helper()
	text, status, err := m.Run(t.Context(), name, args...)
	if err != nil || status != want {
		t.Fatalf("%s %s on %s: exit status %d, %v; wanted %d; it said:\n%s", name, strings.Join(args, " "), m.Name, status, err, want, text)
	}
	return text
}

// has wants a text to contain others.
func has(t testing.TB, what, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

// await waits until something is so. It asks again and again, since what it asks has no way to tell.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(lab.Patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after %v: %s", lab.Patience, what)
		}
	}
}
