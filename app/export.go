package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
	"github.com/roundtrip-dev/roundtrip/schema/postman"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// OpenAPI prints the REST API of a declaration as OpenAPI 3.1. server is the URL of the API, as its callers reach it; nil: those
// that the declaration and dev give it. Its error is a *config.Problems with every mistake.
func OpenAPI(file string, server *url.URL, s process.Surroundings) error {
	d, err := documentOf(file, server, s)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, d.JSON(), "", "  "); err != nil {
		return err
	}
	_, err = s.Out.Write(b.Bytes())
	return err
}

// Postman prints the same as a collection of requests.
func Postman(file string, server *url.URL, s process.Surroundings) error {
	d, err := documentOf(file, server, s)
	if err != nil {
		return err
	}
	b, err := postman.Collection(d)
	if err != nil {
		return err
	}
	_, err = s.Out.Write(b)
	return err
}

func documentOf(file string, server *url.URL, s process.Surroundings) (*openapi.Document, error) {
	c, err := declare.Read(file, "", s.WithoutSecrets())
	if err != nil {
		return nil, err
	}
	built, err := schema.Build(c)
	if err != nil {
		return nil, err
	}
	mount := mountOf(c)
	o := apiOptions(c, built, mount, exportServers(c, mount, server))
	o.Rules = true // whoever has the declaration has them
	return openapi.Build(built.Schema, o), nil
}

// exportServers are the addresses that a document is written for: the one that somebody names, or else the declared ones and those of
// dev. Dev's come first where a declared one is under .test or another name that no resolver knows (RFC 6761).
func exportServers(c *config.Config, mount string, named *url.URL) []openapi.Server {
	if named != nil {
		u := *named
		if strings.Trim(u.Path, "/") == "" {
			u.Path = mount
		}
		return []openapi.Server{{URL: strings.TrimSuffix(u.String(), "/")}}
	}
	declared := (&App{}).apiServers(c, mount)
	if len(apiHosts(c, mount)) == 0 {
		return declared
	}
	_, port, _ := net.SplitHostPort(DevHTTPS)
	dev := (&App{options: Options{HTTPS: DevHTTPS}}).apiServers(c.Dev(port), mount)
	for i := range dev {
		dev[i].Says = "roundtrip dev"
	}
	if nowhere(declared[0].URL) {
		return append(dev, declared...)
	}
	return append(declared, dev...)
}

// nowhere reports whether the host of a URL has a name that no resolver knows.
func nowhere(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	top := u.Hostname()
	top = top[strings.LastIndexByte(top, '.')+1:]
	return top == "test" || top == "example" || top == "invalid" || top == "localhost"
}

// mountOf is where the first API of a declaration is.
func mountOf(c *config.Config) string {
	for _, site := range c.Sites {
		for _, r := range site.Routes {
			if r.API {
				return route.Mount(r.Path)
			}
		}
	}
	return "/"
}

// Proto prints the gRPC interface of a declaration: as text, or its descriptors in binary. The numbers of fields are those of the
// database that the declaration names, which a server may have open, or else those of a new one. data names the folder
// of the database, "" for the declared one.
func Proto(ctx context.Context, file, data string, descriptors bool, s process.Surroundings) error {
	s = s.WithoutSecrets()
	c, err := declare.Read(file, data, s)
	if err != nil {
		return err
	}
	b, err := newBase(c, s, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	built, err := schema.Build(c)
	if err != nil {
		return err
	}
	p, err := preview(ctx, c, b, built, s.Now())
	if err != nil {
		return err
	}
	api, err := protobuf.Build(built.Schema, protobuf.Options{Rules: true})
	if err != nil {
		return err
	}
	if descriptors {
		_, err = s.Out.Write(api.Set)
		return err
	}
	said := "// The numbers are those of the database in " + c.Store.Database + ".\n"
	if _, err := os.Stat(c.Store.Database); errors.Is(err, fs.ErrNotExist) {
		said = "// There is no database yet: the numbers are those of a new one. A server that runs elsewhere has its own, at descriptors.proto.\n"
	}
	for _, step := range p.Refused() {
		said += "// A server that runs keeps its old declaration, since this is refused: " + step.Text + ". roundtrip plan tells what can be done.\n"
	}
	_, err = s.Out.Write(append([]byte(said), api.Source...))
	return err
}
