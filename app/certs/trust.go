package certs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
)

// Trust installs the local authority of a declaration's data folder into this machine's trust stores, or removes it.
func Trust(ctx context.Context, file string, undo bool, s process.Surroundings) error {
	c, err := declare.Read(file, "", s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(declare.DataFolder(c), 0o700); err != nil {
		return err
	}
	authority, err := rootOrNew(c, s)
	if err != nil {
		return err
	}
	home, _ := os.UserHomeDir() // without a home there are no browsers to tell
	m := cert.Machine{
		OS: runtime.GOOS, Root: "/", Home: home, Out: s.Out,
		Run: func(ctx context.Context, name string, args ...string) ([]byte, error) {
			return exec.CommandContext(ctx, name, args...).CombinedOutput() //nolint:gosec // the commands are cert's own, not a caller's
		},
		Look: func(name string) bool { _, err := exec.LookPath(name); return err == nil },
	}
	if undo {
		return cert.Untrust(ctx, m, authority)
	}
	return cert.Trust(ctx, m, authority)
}

// rootOrNew reads the root of the authority, for which no key is needed where the folder is encrypted, or makes one.
func rootOrNew(c *config.Config, s process.Surroundings) (*cert.Authority, error) {
	a, err := cert.ReadRoot(declare.CertFolder(c))
	if !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	v, err := openVault(c, s)
	if err != nil {
		return nil, err
	}
	return cert.AuthorityIn(v, s.Now, s.Rand)
}
