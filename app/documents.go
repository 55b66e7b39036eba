package app

import (
	"net"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
)

// describe fills the documents of a house's APIs: what they say of themselves. It comes after openCalls, which has made the
// descriptors.
func (a *App) describe(h *house) {
	made := map[string][]byte{}
	for _, d := range h.mounts {
		if made[d.mount] == nil { // the routes of services lead to further doors of the same API
			o := apiOptions(h.config, h.schema, d.mount, a.apiServers(h.config, d.mount))
			o.Rules = a.options.Dev
			made[d.mount] = openapi.Build(h.schema.Schema, o).JSON()
		}
		d.documents.Put(rest.OpenAPI, "application/json", made[d.mount])
		d.documents.Put(rest.Proto, "text/plain; charset=utf-8", h.described.Source)
		d.documents.Put(rest.Descriptors, "application/octet-stream", h.described.Set)
	}
}

// apiOptions is what a declaration says of the API below a mount besides its collections.
func apiOptions(c *config.Config, s *schema.Schema, mount string, servers []openapi.Server) openapi.Options {
	o := openapi.Options{
		Mount: mount, Servers: servers, Login: loginNames(c, s.Accounts()), SignUp: c.Identity.SignUp, MinLen: c.Identity.MinLen,
	}
	for _, site := range c.Sites {
		for _, r := range site.Routes {
			if !r.API || route.Mount(r.Path) != mount {
				continue
			}
			o.Body = max(o.Body, site.Limits.Body)
			o.Rates = o.Rates || len(site.Limits.Requests) > 0 || r.Limits != nil && len(r.Limits.Requests) > 0
		}
	}
	return o
}

// apiServers are the addresses of the API below a mount, as far as they are known from here: a site without TLS is behind
// somebody else, and has the name that they give it. Where none is known, it is where the document is from.
func (a *App) apiServers(c *config.Config, mount string) []openapi.Server {
	_, port, err := net.SplitHostPort(a.options.HTTPS)
	if err != nil || port == "443" {
		port = ""
	}
	var servers []openapi.Server
	for _, host := range apiHosts(c, mount) {
		if port != "" {
			host = net.JoinHostPort(host, port)
		}
		servers = append(servers, openapi.Server{URL: "https://" + host + strings.TrimSuffix(mount, "/")})
	}
	if len(servers) == 0 || port == "0" {
		return []openapi.Server{{URL: "/" + strings.Trim(mount, "/")}}
	}
	return servers
}

// apiHosts are the names of the sites with TLS that serve the API below a mount.
func apiHosts(c *config.Config, mount string) []string {
	var hosts []string
	for _, site := range c.Sites {
		if site.TLS.Mode == config.TLSOff || strings.Contains(site.Name, "*") {
			continue
		}
		for _, r := range site.Routes {
			if r.API && route.Mount(r.Path) == mount {
				hosts = append(hosts, site.Name)
				break
			}
		}
	}
	return hosts
}
