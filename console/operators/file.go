package operators

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/atomicfile"
	"github.com/roundtrip-dev/roundtrip/internal/filelock"
)

// change does something to the content and writes it, or leaves all as it was. The index is valid while do runs. No other
// process writes meanwhile: what it wrote before is read, and what it writes later knows of this.
func (b *Book) change(do func(c *content) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := os.MkdirAll(filepath.Dir(b.path), 0o700)
	if err != nil {
		return notWritten(err)
	}
	unlock, err := filelock.Take(b.path + ".lock")
	if err != nil {
		return notWritten(err)
	}
	defer unlock()
	b.read = false // the time of a file can't tell two writes of one moment apart
	if err := b.refresh(); err != nil {
		return err
	}
	old := b.have
	b.have.Operators, b.have.Links = slices.Clone(old.Operators), slices.Clone(old.Links)
	if err = do(&b.have); err == nil {
		err = b.write()
	}
	if err != nil {
		b.have = old
	}
	return err
}

// write writes the file. The caller holds mu.
func (b *Book) write() error {
	b.have.Version = 1
	text, err := json.MarshalIndent(&b.have, "", "  ")
	if err == nil {
		err = atomicfile.Write(b.path, append(text, '\n'), 0o600)
	}
	if err != nil {
		return notWritten(err)
	}
	b.stamp, err = os.Stat(b.path)
	if err != nil { // somebody took it away at once: it is read again at the next use
		b.read = false
	}
	return nil
}

func notWritten(err error) error {
	return &roundtrip.Error{
		Kind: roundtrip.Unavailable, Reason: "console.file_failed", Op: "operators.write", Err: err,
		Public: "the list of operators can't be written; see the server's log and the data folder",
	}
}

// refresh reads the file where it is another one than last time. The caller holds mu.
func (b *Book) refresh() error {
	info, err := os.Stat(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		b.have, b.stamp, b.read = content{}, nil, true
		return nil
	}
	if err == nil && b.read && b.stamp != nil && os.SameFile(info, b.stamp) && info.ModTime().Equal(b.stamp.ModTime()) {
		return nil
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(b.path)
	}
	var c content
	if err == nil {
		c, err = parse(text)
	}
	if err != nil {
		return &roundtrip.Error{
			Kind: roundtrip.Unavailable, Reason: "console.file_failed", Op: "operators.read", Err: err,
			Public: "the list of operators can't be read: mend or remove " + File + " in the data folder",
		}
	}
	b.have, b.stamp, b.read = c, info, true
	return nil
}

// parse reads the file and refuses what it would not have written.
func parse(text []byte) (content, error) {
	var c content
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	if c.Version != 1 {
		return c, fmt.Errorf("version %d is not known", c.Version)
	}
	seen := map[string]bool{}
	for _, o := range c.Operators {
		if err := checkName(o.Name); err != nil || seen[o.Name] || o.Role < Viewer {
			return c, fmt.Errorf("operator %q: no good name, there twice, or without a role", o.Name)
		}
		seen[o.Name] = true
	}
	return c, nil
}
