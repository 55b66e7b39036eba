package declare

import (
	"os"
	"path/filepath"

	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// MissingFolders warns of static routes whose folder is not there. It is no mistake: a page is often built later than its
// backend is written, and the server serves it as soon as it is there.
func MissingFolders(c *config.Config) []policy.Warning {
	var warnings []policy.Warning
	for _, s := range c.Sites {
		for _, r := range s.Routes {
			if r.Static == "" {
				continue
			}
			switch info, err := os.Stat(r.Static); {
			case err != nil:
				warnings = append(warnings, policy.Warning{Pos: r.Pos, Message: "the folder " + r.Static + " of this route is not there: " + howToBuild(r.Static)})
			case !info.IsDir():
				warnings = append(warnings, policy.Warning{Pos: r.Pos, Message: r.Static + " of this route is a file: static: takes the folder that it is in"})
			}
		}
	}
	return warnings
}

// howToBuild says how a folder of a page comes to be: with npm where its sources are beside it.
func howToBuild(static string) string {
	source := filepath.Dir(static)
	if _, err := os.Stat(filepath.Join(source, "package.json")); err == nil {
		return "build it with (cd " + terminal.ShellWord(source) + " && npm ci && npm run build)"
	}
	return "build the page, or correct the path"
}
