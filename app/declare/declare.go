// Package declare reads a declaration for the operator's side: every mistake that can be found without a database at once, and where
// what it keeps lies.
package declare

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
)

// Read reads a declaration and looks for every mistake that can be found without a database: of the file's form, of its
// collections, of their rules. The error is a *config.Problems with all of them. data moves database and files to another
// folder, "" leaves them.
func Read(file, data string, s process.Surroundings) (*config.Config, error) {
	c, err := config.Load(file, s.Getenv)
	if err != nil {
		problems, ok := errors.AsType[*config.Problems](err)
		if !ok || c == nil {
			return nil, err
		}
		problems.Join(shapeDoors(c, problems))
		problems.Join(shapeProblems(c, problems))
		return nil, problems.Err()
	}
	problems := c.Problems()
	problems.Join(shapeDoors(c, problems))
	if err := shapeProblems(c, problems); !problems.Join(err) {
		return nil, err
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if data != "" {
		c.Store.Database = filepath.Join(data, filepath.Base(c.Store.Database))
		c.Store.Files = filepath.Join(data, filepath.Base(c.Store.Files))
		problems := c.Problems()
		c.CheckPrivate(problems)
		return c, problems.Err()
	}
	return c, nil
}

// Located returns of a declaration with mistakes what says where its server keeps its data, or nil where nothing does.
func Located(file, data string, s process.Surroundings) *config.Config {
	c, _ := config.Load(file, s.WithoutSecrets().Getenv) // its mistakes are known
	if c == nil || c.Store.Database == "" {
		return nil
	}
	if data != "" {
		c.Store.Database = filepath.Join(data, filepath.Base(c.Store.Database))
	}
	return c
}

// shapeDoors compiles the security groups for the mistakes in them, where none are known already.
func shapeDoors(c *config.Config, known *config.Problems) error {
	if c.Firewall == nil || slices.ContainsFunc(known.List, func(p *config.Problem) bool { return strings.HasPrefix(p.Path, "firewall") }) {
		return nil
	}
	_, mistakes := firewall.Compile(c.Firewall, firewall.Who{Every: true})
	return DoorProblems(c, mistakes).Err()
}

// shapeProblems builds the collections and compiles their rules for the mistakes in them. Rules are left alone where known
// mistakes leave out the fields that they speak of: a second complaint about the same thing helps nobody.
func shapeProblems(c *config.Config, known *config.Problems) error {
	built, err := schema.Build(c)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(known.List, func(p *config.Problem) bool { return strings.HasPrefix(p.Path, "collections") }) {
		return nil
	}
	if _, err := policy.New(built.Schema, make([]byte, KeyBytes)); err != nil {
		return RuleProblems(c, err)
	}
	return nil
}

// KeyBytes is the length of the key that signs page tokens.
const KeyBytes = 32

// DataFolder is where the database lies; certificates and the lock lie beside it.
func DataFolder(c *config.Config) string { return filepath.Dir(c.Store.Database) }

// CertFolder is where the local authority lies.
func CertFolder(c *config.Config) string { return filepath.Join(DataFolder(c), "certs") }

// RuleProblems prints mistakes in rules as the declaration's other mistakes are printed.
func RuleProblems(c *config.Config, err error) error {
	rules, ok := errors.AsType[*policy.RuleErrors](err)
	if !ok {
		return err
	}
	p := c.Problems()
	for _, r := range rules.List {
		p.Add(r.Pos, "%s", r.Message) // the message names the nearest word itself
	}
	return p.Err()
}

// DoorProblems lists what is wrong with the groups, as the other mistakes of the declaration are.
func DoorProblems(c *config.Config, mistakes []firewall.Mistake) *config.Problems {
	p := c.Problems()
	for _, m := range mistakes {
		if !m.Warning {
			p.Add(m.Pos, "%s", m.Message).Expected = m.Expected
		}
	}
	return p
}

// HasTLS reports whether any site has TLS of one of the modes.
func HasTLS(c *config.Config, modes ...config.TLSMode) bool {
	return slices.ContainsFunc(c.Sites, func(s config.Site) bool { return slices.Contains(modes, s.TLS.Mode) })
}

// IsSecure reports whether any site has TLS.
func IsSecure(c *config.Config) bool {
	return HasTLS(c, config.TLSAuto, config.TLSLocal, config.TLSFiles)
}

// Sparse is a text of which only some lines are known.
func Sparse(lines map[int]string) []byte {
	text := make([]string, slices.Max(slices.Collect(maps.Keys(lines))))
	for number, line := range lines {
		text[number-1] = line
	}
	return []byte(strings.Join(text, "\n"))
}
