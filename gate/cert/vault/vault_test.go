package vault_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/gate/cert/vault"
)

const key = "0123456789abcdef0123456789abcdef"

func open(t *testing.T, dir, key string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(vault.Options{Dir: dir, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// tree returns the content of all files of a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir+"/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVault_KeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"in the clear": "", "encrypted": key} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "certs")
			v := open(t, dir, key)
			if _, err := v.Read("acme/names/a.json"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("reading nothing: %v", err)
			}
			for _, content := range []string{"one", "two"} {
				if err := v.Write("acme/names/a.json", []byte(content)); err != nil {
					t.Fatal(err)
				}
				for _, v := range []*vault.Vault{v, open(t, dir, key)} {
					if got, err := v.Read("acme/names/a.json"); err != nil || string(got) != content {
						t.Errorf("%q, %v", got, err)
					}
				}
			}
			path := filepath.Join(dir, "acme/names/a.json")
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
			if folder, err := os.Stat(filepath.Dir(path)); err != nil || folder.Mode().Perm() != 0o700 {
				t.Errorf("%v, %v", folder, err)
			}
			if content, err := os.ReadFile(path); err != nil || bytes.Contains(content, []byte("two")) == v.Sealed() {
				t.Errorf("on the disk lies %q, %v", content, err)
			}
			for range 2 {
				if err := v.Remove("acme/names/a.json"); err != nil {
					t.Error(err)
				}
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it is still there: %v", err)
			}
			for _, out := range []string{"../a", "/etc/passwd", "acme/../../a"} {
				if err := v.Write(out, nil); err == nil {
					t.Errorf("%s was written", out)
				}
			}
		})
	}
}

func TestOpen_EncryptsWhatIsThereAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := open(t, dir, "")
	for _, name := range []string{"acme/names/a.json", "acme/accounts/b.json", "local-ca.key", "local-ca.crt", "shop.key", "locks/names/a.lock"} {
		if err := v.Write(name, []byte("what is in "+name)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir, key)
	after := tree(t, dir)
	for name, content := range after {
		sealed := strings.HasPrefix(name, "acme/") || name == "local-ca.key" || name == "sealed"
		if strings.Contains(content, "what is in") == sealed {
			t.Errorf("%s: %q", name, content)
		}
	}
	v = open(t, dir, key)
	if got, err := v.Read("acme/names/a.json"); err != nil || string(got) != "what is in acme/names/a.json" {
		t.Errorf("%q, %v", got, err)
	}
	if got := tree(t, dir); got["acme/names/a.json"] != after["acme/names/a.json"] {
		t.Error("what was encrypted was encrypted again")
	}
}

func TestOpen_GoesOnWhereAStartWasCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir, key)
	if err := os.MkdirAll(filepath.Join(dir, "acme/names"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "acme/names/a.json"), []byte("left in the clear"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := open(t, dir, key)
	if got, err := v.Read("acme/names/a.json"); err != nil || string(got) != "left in the clear" {
		t.Errorf("%q, %v", got, err)
	}
	if strings.Contains(tree(t, dir)["acme/names/a.json"], "clear") {
		t.Error("it still lies in the clear")
	}
}

func TestOpen_TouchesNothingWithoutTheKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir, key).Write("acme/names/a.json", []byte("x")); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	for name, test := range map[string]struct{ key, says string }{
		"missing": {"", "are encrypted: set TLS_STORAGE_KEY"},
		"wrong":   {"another key of thirty-two characters", "is not the key"},
		"short":   {"short", "openssl rand"},
	} {
		for _, how := range []func(vault.Options) (*vault.Vault, error){vault.Open, vault.Look} {
			if _, err := how(vault.Options{Dir: dir, Key: test.key}); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	after := tree(t, dir)
	for name := range before {
		if after[name] != before[name] {
			t.Errorf("%s was changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there is %v", after)
	}
}

func TestVault_KnowsFilesThatWereChangedOrMoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := open(t, dir, key)
	for _, name := range []string{"acme/names/a.json", "acme/names/b.json"} {
		if err := v.Write(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	whole, err := os.ReadFile(path("acme/names/b.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"the file of another name": whole,
		"one bit":                  append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1),
		"cut off":                  whole[:20],
	} {
		target := "acme/names/a.json"
		if name == "one bit" {
			target = "acme/names/b.json"
		}
		if err := os.WriteFile(path(target), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := v.Read(target); err == nil {
			t.Errorf("%s: read %q", name, got)
		}
	}
}

func TestLook_ChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir, "").Write("acme/names/a.json", []byte("x")); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Look(vault.Options{Dir: dir, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Read("acme/names/a.json"); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if got := tree(t, dir); len(got) != 1 || got["acme/names/a.json"] != "x" {
		t.Errorf("%v", got)
	}
}

func TestVault_LocksOneAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := open(t, dir, ""), open(t, dir, "") // as two processes have it
	unlock, err := a.Lock(t.Context(), "names/x")
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.Lock(t.Context(), "names/y")
	if err != nil {
		t.Fatal(err)
	}
	other()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Lock(ended, "names/x"); !errors.Is(err, context.Canceled) {
		t.Errorf("a lock that somebody has: %v", err)
	}
	unlock()
	again, err := b.Lock(ended, "names/x")
	if err != nil {
		t.Fatal(err)
	}
	again()
}
