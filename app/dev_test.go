package app_test

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

const devDeclaration = `
name: pins
sites:
  pins.test:
    tls: local
    routes:
      - { path: /api/, to: api }
      - { path: /, static: dist }
identity: { accounts: people, login: [handle] }
collections:
  people:
    fields: { handle: { type: text, required: true, unique: true, match: '^[a-z.]+$' } }
    rules: { read: 'true' }
`

const devDemo = `
accounts:
  - { key: ana, password: roundtrip-demo, record: { handle: ana } }
  - { key: mei, password: roundtrip-demo, record: { handle: mei.tan } }
  - { key: bo, password: another-password, record: { handle: bo } }
`

// devFolder writes the declaration and its demo into a folder of the test's own.
func devFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"roundtrip.yaml": devDeclaration, "demo.yaml": devDemo} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// newDev is the app as dev runs it, which tells people what it does.
func newDev(t *testing.T, folder, https string, out io.Writer) *app.App {
	t.Helper()
	a, err := app.New(app.Options{File: folder, Dev: true, HTTPS: https, HTTP: "127.0.0.1:0"}, process.Surroundings{
		Out: out, Err: io.Discard, Now: time.Now, Rand: rand.Reader, Getenv: os.LookupEnv,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A port that is taken is told before the demo is made, which takes a while.
func TestDev_FindsThePortTakenFirst(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var out strings.Builder
	err = newDev(t, devFolder(t), taken.Addr().String(), &out).Run(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "stop it, or choose another address with --https") || strings.Contains(out.String(), "filling") {
		t.Errorf("%v, after\n%s", err, out.String())
	}
}

// What people are told: who has an account, and of a folder that is missing once, and not again at each save.
func TestDev_TellsWhatAPersonNeeds(t *testing.T) {
	t.Parallel()
	folder := devFolder(t)
	out := &output{want: "Ctrl-C", seen: make(chan string, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	signals, ended := make(chan struct{}), make(chan error, 1)
	a := newDev(t, folder, "127.0.0.1:0", out)
	go func() { ended <- a.Run(ctx, signals) }()
	told := func() {
		t.Helper()
		select {
		case <-out.seen:
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, out)
		}
	}
	told()
	if want := "sign in  as ana, password roundtrip-demo   (or as mei.tan)\n"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	for range 2 {
		out.await(" reloaded ")
		signals <- struct{}{}
		told()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), "missing  "); n != 1 {
		t.Errorf("a missing folder was told %d times:\n%s", n, out)
	}
}
