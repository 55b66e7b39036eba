package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/config"
)

func newInit(c console) *cobra.Command {
	var template string
	cmd := &cobra.Command{
		Use:     "init [FOLDER]",
		GroupID: "declare",
		Short:   "Start a project from a template",
		Long: `Writes a template into FOLDER (this folder if none is given): a commented
roundtrip.yaml, the JSON Schema that lets editors complete and check it, and
what else belongs to the example. Nothing that is there is overwritten.

  proxy     a gate in front of a server of yours: HTTPS, limits, headers
  gallery   a photo-sharing backend with rules, files, demo data and a page
  empty     one collection and one site, to grow from`,
		Example: "  roundtrip init --template gallery my-gallery",
		Args:    fileArg,
		RunE: func(_ *cobra.Command, args []string) error {
			return app.Init(file(args), template, c.out)
		},
	}
	cmd.Flags().StringVarP(&template, "template", "t", "gallery", "gallery, empty or proxy")
	return cmd
}

func newCheck(c console) *cobra.Command {
	return &cobra.Command{
		Use:     "check [FILE]",
		GroupID: "declare",
		Short:   "Find every mistake in the file, without opening a door",
		Long: `Reads the declaration, builds everything that serve would build, and tries what
can be tried: folders, certificates, the difference to the database. It prints
every mistake at once and exits with 1 if there is one.`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.Check(cmd.Context(), file(args), c.surroundings())
		},
	}
}

func newPlan(c console) *cobra.Command {
	var data string
	var allowLoss []string
	cmd := &cobra.Command{
		Use:     "plan [FILE]",
		GroupID: "declare",
		Short:   "Show what the file would change in the database",
		Long: `Compares the declaration with the database and prints the steps between them,
each with its risk. It changes nothing, and exits with 1 if a step would be
refused.

  safe        applied when the server starts
  loses data  drops a field or a collection: applied if --allow-data-loss names
              it, here and when the server starts
  rewrites    not applied: the line below says what to do instead
  blocked     not applied as long as the records named stand in its way`,
		Example: `  roundtrip plan shop
  roundtrip plan --allow-data-loss notes.text,drafts shop`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			applicable, err := app.Plan(cmd.Context(), file(args), data, allowLoss, c.surroundings())
			if err == nil && !applicable {
				return errSaid
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&allowLoss, "allow-data-loss", nil, allowLossUsage)
	cmd.Flags().StringVar(&data, "data", "", "`folder` of the database, if serve was given one")
	return cmd
}

func newExport(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export",
		GroupID: "declare",
		Short:   "Write what is made from the declaration or its language",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "config-schema",
		Short: "The JSON Schema of roundtrip.yaml, for editors",
		Long: `Prints the JSON Schema (2020-12) of roundtrip.yaml. Editors with the YAML
language server use it when the file's first line says:

  # yaml-language-server: $schema=./roundtrip.schema.json`,
		Example: "  roundtrip export config-schema > roundtrip.schema.json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := c.out.Write(config.JSONSchema())
			return err
		},
	})
	cmd.AddCommand(&cobra.Command{
		Use:   "reference",
		Short: "Every key of roundtrip.yaml, as a page in Markdown",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := c.out.Write(config.Reference())
			return err
		},
	})
	cmd.AddCommand(&cobra.Command{
		Use:   "types [FILE]",
		Short: "The types of your collections, for TypeScript",
		Long: `Prints a TypeScript module with what the records of your collections look like,
and what create and update take. createClient<Schema>() of @roundtrip/client
checks every call against it.

FILE is a roundtrip.yaml or its folder; without it, this folder.`,
		Example: "  roundtrip export types > web/src/schema.ts",
		Args:    fileArg,
		RunE: func(_ *cobra.Command, args []string) error {
			return app.Types(file(args), c.surroundings())
		},
	})
	cmd.AddCommand(exportAPI(c)...)
	cmd.AddCommand(exportGroups(c)...)
	return cmd
}
