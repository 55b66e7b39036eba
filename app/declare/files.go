package declare

import (
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/proxy"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

// FileProblems looks at the certificates and keys that a declaration names, all of them: whoever moves a server to
// another machine should hear of every file that is missing at once, with the line that names it. They are read again
// where they are used.
func FileProblems(c *config.Config, now time.Time) error {
	p := c.Problems()
	for i := range c.Sites {
		site := &c.Sites[i]
		if site.TLS.Mode == config.TLSFiles {
			if err := cert.CheckFiles(site, now); err != nil {
				p.Add(site.TLS.Pos, "certificate of %s: %v", site.Name, err)
			}
		}
		if site.Client != nil {
			if err := wire.CheckAuthorities(site.Client); err != nil {
				p.Add(site.Client.Pos, "%v", err)
			}
		}
		for j := range site.Routes {
			r := &site.Routes[j]
			if r.Proxy == nil {
				continue
			}
			if err := proxy.CheckFiles(r.Proxy); err != nil {
				p.Add(r.Pos, "route %s: %v", r.Path, err)
			}
		}
	}
	return p.Err()
}
