package app_test

import (
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

func TestCheck_AConsoleThatOthersCouldRead(t *testing.T) {
	t.Parallel()
	for listen, refused := range map[string]bool{"0.0.0.0:9443": true, "192.0.2.1:9443": true, "127.0.0.1:9443": false, "'[::1]:9443'": false} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "roundtrip.yaml"), []byte("name: app\nconsole:\n  listen: "+listen+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := app.Check(t.Context(), dir, process.Surroundings{Out: io.Discard, Err: io.Discard, Now: time.Now, Rand: rand.Reader, Getenv: os.LookupEnv})
		if !refused && err != nil {
			t.Errorf("%s: %v", listen, err)
		}
		if refused && (err == nil || !strings.Contains(err.Error(), "without TLS") || !strings.Contains(err.Error(), "ssh -L 9443:127.0.0.1:9443")) {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
