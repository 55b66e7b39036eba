package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
	"github.com/roundtrip-dev/roundtrip/schema/postman"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// OpenAPI prints the REST API of a declaration as OpenAPI 3.1. Its error is a *config.Problems with every mistake.
func OpenAPI(file string, s process.Surroundings) error {
	d, err := documentOf(file, s)
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
func Postman(file string, s process.Surroundings) error {
	d, err := documentOf(file, s)
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

func documentOf(file string, s process.Surroundings) (*openapi.Document, error) {
	c, err := declare.Read(file, "", s.WithoutSecrets())
	if err != nil {
		return nil, err
	}
	built, err := schema.Build(c)
	if err != nil {
		return nil, err
	}
	mount := mountOf(c)
	o := apiOptions(c, built, mount, (&App{}).apiServers(c, mount))
	o.Rules = true // whoever has the declaration has them
	return openapi.Build(built.Schema, o), nil
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
	if _, err := preview(ctx, c, b, built, s.Now()); err != nil {
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
	_, err = s.Out.Write(append([]byte(said), api.Source...))
	return err
}
