// Package script runs the command line as the scripts in testdata write it: each is one story with its commands, input and
// the words that must come out.
package script

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

func TestScript(t *testing.T) {
	t.Parallel()
	bin := filepath.Dir(server.Binary(t))
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"receiver": receiver, "await": await},
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return nil
		},
	})
}
