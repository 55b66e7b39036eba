package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

// exportAPI are the commands that write down what the API of a declaration is.
func exportAPI(c console) []*cobra.Command {
	var data string
	var descriptors bool
	proto := &cobra.Command{
		Use:   "proto [FILE]",
		Short: "The gRPC services of your collections, as a .proto file",
		Long: `Prints what a running server has at descriptors.proto: services and messages of
your collections. The numbers of fields are those of the database that FILE
names, also while a server has it open; where there is none yet, those that a
new one would get.

FILE is a roundtrip.yaml or its folder; without it, this folder.`,
		Example: `  roundtrip export proto > gallery.proto
  roundtrip export proto --descriptors > gallery.binpb
  buf generate gallery.binpb`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.Proto(cmd.Context(), file(args), data, descriptors, c.surroundings())
		},
	}
	proto.Flags().BoolVar(&descriptors, "descriptors", false, "the same in binary: a google.protobuf.FileDescriptorSet")
	proto.Flags().StringVar(&data, "data", "", "`folder` of the database, if serve was given one")
	return []*cobra.Command{proto, exportDocument(c, app.OpenAPI, &cobra.Command{
		Use:   "openapi [FILE]",
		Short: "The REST API of your collections, as OpenAPI 3.1",
		Long: `Prints what a running server has at openapi.json: every path, what it takes and
answers, and every error. What no rule allows to anybody is left out.
` + serversLong,
		Example: `  roundtrip export openapi > openapi.json
  npx openapi-typescript openapi.json -o api.ts`,
	}), exportDocument(c, app.Postman, &cobra.Command{
		Use:   "postman [FILE]",
		Short: "The same as a Postman collection (v2.1)",
		Long: `Prints a collection of requests with examples, a folder for each collection of
yours. Its variables are baseUrl and token: the one that sign-in answers with.
` + serversLong,
		Example: "  roundtrip export postman > gallery.postman_collection.json",
	})}
}

// serversLong is said by both commands that write addresses down.
const serversLong = `
Its servers are the sites of the declaration and those that roundtrip dev makes
of them, on their usual port; --server names another one.

FILE is a roundtrip.yaml or its folder; without it, this folder.`

// exportDocument makes a command of something that writes down the REST API.
func exportDocument(c console, write func(file string, server *url.URL, s process.Surroundings) error, cmd *cobra.Command) *cobra.Command {
	var server string
	cmd.Args = fileArg
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if server == "" {
			return write(file(args), nil, c.surroundings())
		}
		u, err := url.Parse(server)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return usage("--server %s is no URL of an API: write it whole, such as https://api.example.com/api", server)
		}
		return write(file(args), u, c.surroundings())
	}
	cmd.Flags().StringVar(&server, "server", "", "`URL` of the API, such as https://api.example.com/api")
	return cmd
}
