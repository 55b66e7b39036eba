package config

import (
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// The bounds of a list's file.
const (
	listBytesMax    = 16 << 20
	listNetworksMax = 200_000
	listMistakesMax = 10 // that are told of one file
)

// readPrefixList reads the networks of a list: one to a line, # begins a comment.
func readPrefixList(d *decoder, l *PrefixList, n *node) {
	shown := n.text // as the declaration and its own path have it, not the absolute one
	if !filepath.IsAbs(shown) {
		shown = filepath.Join(filepath.Dir(d.problems.file), shown)
	}
	source, err := readRegular(l.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.add(n, "there is no file %s", shown).Expect("a file with one network to a line, such as 203.0.113.0/24")
		return
	case err != nil:
		d.add(n, "the list %s can't be read: %v", l.Name, err).Expect("a file with one network to a line, such as 203.0.113.0/24")
		return
	case len(source) > listBytesMax || !utf8.Valid(source):
		d.add(n, "the file %s is no list", shown).Expect("at most 16 MiB of text, with one network to a line")
		return
	}
	wrong := 0
	number := 0
	d.problems.Beside(shown, source)
	for line := range strings.SplitSeq(string(source), "\n") {
		number++
		text, _, _ := strings.Cut(line, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := ParseNetwork(text)
		if err == nil {
			l.Networks = append(l.Networks, p)
			continue
		}
		if wrong++; wrong <= listMistakesMax {
			column := utf8.RuneCountInString(line[:strings.Index(line, text)]) + 1
			d.textProblem(roundtrip.Pos{File: shown, Line: number, Column: column}, text, err).Path = n.path
		}
	}
	switch {
	case wrong > listMistakesMax:
		d.add(n, "the list %s has %d more lines that are no networks", l.Name, wrong-listMistakesMax).Expect("one network to a line")
	case len(l.Networks) > listNetworksMax:
		d.add(n, "the list %s has %s networks", l.Name, thousands(len(l.Networks))).Expect("at most %s", thousands(listNetworksMax))
	case len(l.Networks) == 0 && wrong == 0:
		d.add(n, "the list %s is empty, so a rule with it would never match", l.Name).Expect("a file with at least one network")
	}
}

// readRegular reads a file that is one: a pipe would keep the start waiting.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(f, listBytesMax+1))
}

// Beside are the files that belong to the declaration beside its own, absolute: a change of one is a change of it.
func (c *Config) Beside() []string {
	var files []string
	for _, z := range c.DNS.Zones {
		if z.File != "" {
			files = append(files, z.File)
		}
	}
	if c.Firewall != nil {
		for _, l := range c.Firewall.Lists {
			files = append(files, l.File)
		}
	}
	return files
}

// containsAddr reports whether a list of addresses has one.
func containsAddr(all []Address, a netip.Addr) bool {
	for _, o := range all {
		if o.Addr == a {
			return true
		}
	}
	return false
}
