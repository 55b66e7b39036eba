package app_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Whoever moves a server hears of every file that can't be used at once, each with the line that names it.
func TestCheck_NamesEveryCertificateThatCantBeUsed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"locked.key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"junk.pem":   "junk\n",
		"roundtrip.yaml": `name: a
sites:
  a.test:
    tls: { cert: nope.pem, key: junk.pem }
    routes:
      - { path: /q/, proxy: 'https://192.0.2.1', tls: { roots: nope.pem } }
  b.test:
    tls: { cert: junk.pem, key: locked.key }
    client_certificates: { ca: junk.pem }
    routes: [{ path: /, respond: { body: hi } }]
  c.test:
    tls: { cert: junk.pem, key: junk.pem }
    client_certificates: { ca: nope.pem }
    routes: [{ path: /, proxy: 'https://192.0.2.1', tls: { roots: junk.pem } }]
`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := app.Check(t.Context(), folder, process.Surroundings{Out: io.Discard, Err: io.Discard, Now: time.Now, Getenv: os.LookupEnv})
	var problems *config.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	want := []string{
		":4:10: certificate of a.test: it can't be read", ":6:9: route /q/: tls.roots: ", ":8:10: certificate of b.test: its key ",
		":9:26: ", ":12:10: certificate of c.test: ", ":13:26: the certificate authorities", ":14:14: route /: tls.roots: ",
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("nothing of %q in:\n%v", w, err)
		}
	}
	if len(problems.List) != len(want) || !strings.Contains(err.Error(), "has a passphrase") {
		t.Errorf("%d mistakes:\n%v", len(problems.List), err)
	}
}
