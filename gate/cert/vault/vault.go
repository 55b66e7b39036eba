// Package vault keeps certificates and keys in a folder: whole files that are on the disk before a write returns, readable
// by their owner alone, encrypted where there is a key for that, and locked while somebody works on them.
package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/roundtrip-dev/roundtrip/internal/atomicfile"
)

// KeyEnv is the environment variable that holds the key.
const KeyEnv = "TLS_STORAGE_KEY"

// Options says where the folder is and what it is encrypted with.
type Options struct {
	Dir  string
	Key  string    // at least 32 characters; "" leaves the folder as it is: in the clear, if no key was ever given
	Rand io.Reader // nil: crypto/rand
}

// Vault is the open folder.
type Vault struct {
	dir  string
	seal cipher.AEAD // nil: in the clear
	rand io.Reader
}

// Look opens the folder as it is and changes nothing in it. It fails where the folder is encrypted and the key is missing
// or another one.
func Look(o Options) (*Vault, error) {
	v := &Vault{dir: o.Dir, rand: o.Rand}
	if v.rand == nil {
		v.rand = rand.Reader
	}
	if o.Key != "" {
		var err error
		if v.seal, err = newSeal(o.Key); err != nil {
			return nil, err
		}
	}
	return v, v.checkKey()
}

// Open opens the folder. With a key, whatever lies in it in the clear is encrypted first, so that giving a key for the
// first time is all that it takes; a start that was cut in the middle of that goes on where it was.
func Open(o Options) (*Vault, error) {
	v, err := Look(o)
	if err != nil || v.seal == nil {
		return v, err
	}
	return v, v.sealAll()
}

// Dir returns the folder.
func (v *Vault) Dir() string { return v.dir }

// Sealed reports whether what is written is encrypted.
func (v *Vault) Sealed() bool { return v.seal != nil }

// path returns where a name lies. Names have slashes and stay inside the folder.
func (v *Vault) path(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("vault: %q leads out of the folder", name)
	}
	return filepath.Join(v.dir, filepath.FromSlash(name)), nil
}

// Read returns what was written under a name. The error wraps fs.ErrNotExist where there is nothing.
func (v *Vault) Read(name string) ([]byte, error) {
	path, err := v.path(name)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return v.open(name, content)
}

// Write keeps content under a name, in the place of what was there: whoever reads sees all of the old or all of the new,
// also after a crash.
func (v *Vault) Write(name string, content []byte) error {
	path, err := v.path(name)
	if err != nil {
		return err
	}
	if v.seal != nil {
		if content, err = v.close(name, content); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, content, 0o600)
}

// Remove removes what was written under a name. What is not there is no mistake.
func (v *Vault) Remove(name string) error {
	path, err := v.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ours are the names that are encrypted: a folder of certificates may hold files of its owner too, which are none of our
// business.
func ours(name string) bool {
	return name == "local-ca.key" || strings.HasPrefix(name, "acme/") && !strings.HasPrefix(filepath.Base(name), ".")
}

// each calls do for every name of ours.
func (v *Vault) each(do func(name string) error) error {
	return filepath.WalkDir(v.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(v.dir, path)
		if err != nil || !ours(filepath.ToSlash(rel)) {
			return err
		}
		return do(filepath.ToSlash(rel))
	})
}
