package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app"
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
		Example: "  roundtrip export proto > gallery.proto\n  roundtrip export proto --descriptors > gallery.binpb && buf generate gallery.binpb",
		Args:    fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.Proto(cmd.Context(), file(args), data, descriptors, c.surroundings())
		},
	}
	proto.Flags().BoolVar(&descriptors, "descriptors", false, "the same in binary: a google.protobuf.FileDescriptorSet")
	proto.Flags().StringVar(&data, "data", "", "`folder` of the database, if serve was given one")
	return []*cobra.Command{
		proto,
		{
			Use:   "openapi [FILE]",
			Short: "The REST API of your collections, as OpenAPI 3.1",
			Long: `Prints what a running server has at openapi.json: every path, what it takes and
answers, and every error. What no rule allows to anybody is left out.

FILE is a roundtrip.yaml or its folder; without it, this folder.`,
			Example: "  roundtrip export openapi > openapi.json && npx openapi-typescript openapi.json -o api.ts",
			Args:    fileArg,
			RunE: func(_ *cobra.Command, args []string) error {
				return app.OpenAPI(file(args), c.surroundings())
			},
		},
		{
			Use:   "postman [FILE]",
			Short: "The same as a Postman collection (v2.1)",
			Long: `Prints a collection of requests with examples, a folder for each collection of
yours. Its variables are baseUrl and token: the one that sign-in answers with.

FILE is a roundtrip.yaml or its folder; without it, this folder.`,
			Example: "  roundtrip export postman > gallery.postman_collection.json",
			Args:    fileArg,
			RunE: func(_ *cobra.Command, args []string) error {
				return app.Postman(file(args), c.surroundings())
			},
		},
	}
}
