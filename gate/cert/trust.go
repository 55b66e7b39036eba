package cert

import (
	"context"
	"crypto/sha1" //nolint:gosec // macOS names certificates by it
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/roundtrip-dev/roundtrip/internal/atomicfile"
)

// Machine is the computer whose trust stores are changed, as far as that needs to be known. Its commands are run by
// Run, so that a test can watch them.
type Machine struct {
	OS   string // runtime.GOOS
	Root string // of the file system: "/"
	Home string // of the user whose browsers are to trust us; "" for none
	// Run runs a command and returns what it printed. A command that is not there gives an error that wraps
	// fs.ErrNotExist or exec.ErrNotFound; Look says so beforehand.
	Run  func(ctx context.Context, name string, args ...string) ([]byte, error)
	Look func(name string) bool // whether there is such a command
	Out  io.Writer              // gets one line for each thing that was done
}

// nickname is how our root is called in stores that name their entries.
func (a *Authority) nickname() string { return "Roundtrip local CA " + a.Fingerprint() }

// Trust installs the authority's root into the system's store and the browsers' stores of the user. What is installed
// already is left as it is. It goes on after an error, and returns all of them.
func Trust(ctx context.Context, m Machine, a *Authority) error {
	return errors.Join(m.trustSystem(ctx, a), m.eachDatabase(func(db string) error { return m.trustDatabase(ctx, a, db) }))
}

// Untrust removes what Trust has installed, and nothing else.
func Untrust(ctx context.Context, m Machine, a *Authority) error {
	return errors.Join(m.untrustSystem(ctx, a), m.eachDatabase(func(db string) error { return m.untrustDatabase(ctx, a, db) }))
}

// systemStore is a folder of a Linux system into which roots are dropped, and the command that then takes them in.
type systemStore struct {
	folder  string
	refresh []string
}

func systemStores() []systemStore {
	return []systemStore{
		{"usr/local/share/ca-certificates", []string{"update-ca-certificates"}},           // Debian, Ubuntu, Alpine
		{"etc/pki/ca-trust/source/anchors", []string{"update-ca-trust", "extract"}},       // Fedora, Red Hat
		{"etc/ca-certificates/trust-source/anchors", []string{"trust", "extract-compat"}}, // Arch
		{"usr/share/pki/trust/anchors", []string{"update-ca-certificates"}},               // openSUSE
	}
}

// store finds the system's store: the first whose folder and command are there.
func (m Machine) store() (systemStore, bool) {
	for _, s := range systemStores() {
		if info, err := os.Stat(filepath.Join(m.Root, s.folder)); err == nil && info.IsDir() && m.Look(s.refresh[0]) {
			return s, true
		}
	}
	return systemStore{}, false
}

func (m Machine) trustSystem(ctx context.Context, a *Authority) error {
	switch m.OS {
	case "linux":
		return m.trustLinux(ctx, a)
	case "darwin":
		if m.keychainHas(ctx, a) {
			m.say("already trusted: system keychain")
			return nil
		}
		if err := m.run(ctx, "security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", keychain, a.Path()); err != nil {
			return err
		}
		m.say("installed: system keychain")
		return nil
	}
	m.say("This system's store is not known here. Import " + a.Path() + " as a trusted root authority by hand.")
	return nil
}

func (m Machine) untrustSystem(ctx context.Context, a *Authority) error {
	switch m.OS {
	case "linux":
		return m.untrustLinux(ctx, a)
	case "darwin":
		if !m.keychainHas(ctx, a) {
			m.say("not there: system keychain")
			return nil
		}
		if err := m.run(ctx, "security", "remove-trusted-cert", "-d", a.Path()); err != nil {
			return err
		}
		if err := m.run(ctx, "security", "delete-certificate", "-Z", a.sha1(), keychain); err != nil {
			return err
		}
		m.say("removed: system keychain")
		return nil
	}
	m.say("This system's store is not known here. Remove \"" + a.root.Subject.CommonName + "\" from the trusted roots by hand.")
	return nil
}

const keychain = "/Library/Keychains/System.keychain"

func (m Machine) keychainHas(ctx context.Context, a *Authority) bool {
	out, err := m.Run(ctx, "security", "find-certificate", "-a", "-Z", "-c", a.root.Subject.CommonName, keychain)
	return err == nil && strings.Contains(string(out), a.sha1())
}

// sha1 is the name of the root in a macOS keychain.
func (a *Authority) sha1() string {
	return fmt.Sprintf("%X", sha1.Sum(a.root.Raw)) //nolint:gosec // a name, not a proof
}

func (m Machine) trustLinux(ctx context.Context, a *Authority) error {
	s, ok := m.store()
	if !ok {
		m.say("No system store was found (package ca-certificates). Import " + a.Path() + " as a trusted root authority by hand.")
		return nil
	}
	path := filepath.Join(m.Root, s.folder, "roundtrip-"+a.Fingerprint()+".crt")
	if _, err := os.Stat(path); err == nil {
		m.say("already trusted: " + path)
		return nil
	}
	content, err := os.ReadFile(a.Path())
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, content, 0o644); err != nil {
		return needsRoot(err)
	}
	if err := m.run(ctx, s.refresh[0], s.refresh[1:]...); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	m.say("installed: " + path)
	return nil
}

func (m Machine) untrustLinux(ctx context.Context, a *Authority) error {
	s, ok := m.store()
	if !ok {
		return nil
	}
	path := filepath.Join(m.Root, s.folder, "roundtrip-"+a.Fingerprint()+".crt")
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		m.say("not there: " + path)
		return nil
	}
	if err != nil {
		return needsRoot(err)
	}
	if err := m.run(ctx, s.refresh[0], s.refresh[1:]...); err != nil {
		return err
	}
	m.say("removed: " + path)
	return nil
}

// needsRoot tells what to do about a missing right.
func needsRoot(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the system's store belongs to root, so run this again with sudo: %w", err)
	}
	return err
}

// databases finds the certificate databases (NSS) of Chromium and Firefox in the user's home.
func (m Machine) databases() []string {
	if m.Home == "" {
		return nil
	}
	var found []string
	for _, pattern := range []string{
		".pki/nssdb", "snap/chromium/current/.pki/nssdb",
		".mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*", "Library/Application Support/Firefox/Profiles/*",
	} {
		matches, _ := filepath.Glob(filepath.Join(m.Home, pattern, "cert9.db")) // its only error is about the pattern
		for _, file := range matches {
			found = append(found, filepath.Dir(file))
		}
	}
	return found
}

func (m Machine) eachDatabase(do func(db string) error) error {
	databases := m.databases()
	if len(databases) == 0 {
		return nil
	}
	if !m.Look("certutil") {
		m.say("Chromium and Firefox keep stores of their own: install certutil (Debian: libnss3-tools) and run this again.")
		return nil
	}
	var failed []error
	for _, db := range databases {
		failed = append(failed, do(db))
	}
	return errors.Join(failed...)
}

func (m Machine) databaseHas(ctx context.Context, a *Authority, db string) bool {
	_, err := m.Run(ctx, "certutil", "-L", "-d", "sql:"+db, "-n", a.nickname())
	return err == nil
}

func (m Machine) trustDatabase(ctx context.Context, a *Authority, db string) error {
	if m.databaseHas(ctx, a, db) {
		m.say("already trusted: " + db)
		return nil
	}
	if err := m.run(ctx, "certutil", "-A", "-d", "sql:"+db, "-t", "C,,", "-n", a.nickname(), "-i", a.Path()); err != nil {
		return err
	}
	m.say("installed: " + db)
	return nil
}

func (m Machine) untrustDatabase(ctx context.Context, a *Authority, db string) error {
	if !m.databaseHas(ctx, a, db) {
		m.say("not there: " + db)
		return nil
	}
	if err := m.run(ctx, "certutil", "-D", "-d", "sql:"+db, "-n", a.nickname()); err != nil {
		return err
	}
	m.say("removed: " + db)
	return nil
}

// run runs a command; its error says which one, and what it printed.
func (m Machine) run(ctx context.Context, name string, args ...string) error {
	out, err := m.Run(ctx, name, args...)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(append([]string{name}, args...), " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (m Machine) say(line string) {
	_, _ = fmt.Fprintln(m.Out, line) // a terminal that is gone is no reason to stop half way
}
