package app

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
)

// read reads a declaration and looks for every mistake that can be found without a database: of the file's form, of its
// collections, of their rules. The error is a *config.Problems with all of them. data moves database and files to another
// folder, "" leaves them.
func read(file, data string, s Surroundings) (*config.Config, error) {
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

// located returns of a declaration with mistakes what says where its server keeps its data, or nil where nothing does.
func located(file, data string, s Surroundings) *config.Config {
	c, _ := config.Load(file, s.withoutSecrets().Getenv) // its mistakes are known
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
	return doorProblems(c, mistakes).Err()
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
	if _, err := policy.New(built.Schema, make([]byte, keyBytes)); err != nil {
		return ruleProblems(c, err)
	}
	return nil
}
