package config

import (
	"path/filepath"
	"strings"
)

// CheckPrivate reports routes that would give away what nobody may read: a static folder in which the database, the files of
// records, or the keys beside the database lie.
func (c *Config) CheckPrivate(problems *Problems) {
	for _, s := range c.Sites {
		for _, r := range s.Routes {
			if r.Static == "" {
				continue
			}
			var what, at string
			switch data := filepath.Dir(c.Store.Database); {
			case within(r.Static, data), within(filepath.Join(data, "certs"), r.Static):
				what, at = "the database and the keys of certificates lie", data
			case within(r.Static, c.Store.Files), within(c.Store.Files, r.Static):
				what, at = "the files of records lie", c.Store.Files
			default:
				continue
			}
			if rel, err := filepath.Rel(c.Dir, at); err == nil && !strings.HasPrefix(rel, "..") {
				at = rel
			}
			problems.Add(r.Pos, "the route %s would serve everybody the folder in which %s (%s)", r.Path, what, at).
				Expect("a folder of its own for what is served, such as static: web")
		}
	}
}

// within reports whether a path is a folder or lies below it.
func within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
