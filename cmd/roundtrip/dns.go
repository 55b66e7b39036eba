package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/names"
)

func newZone(c console) *cobra.Command {
	var o names.NameOptions
	cmd := &cobra.Command{
		Use:     "zone NAME [FILE]",
		GroupID: "operate",
		Short:   "Print a zone as it is served, as a zone file",
		Long: `Prints every record of a zone as a zone file (RFC 1035): those of the
declaration and of its file, and those derived from what runs, each of which
says in a comment what it was made from.

It asks the server that runs. Where none does, it builds the zone from the
declaration and says so.`,
		Example: `  roundtrip zone gallery.test shop
  roundtrip zone gallery.test > gallery.test.zone`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usage("zone takes the name of a zone, and perhaps a file or folder: roundtrip zone gallery.test shop")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args[1:])
			return names.PrintZone(cmd.Context(), o, args[0], c.surroundings())
		},
	}
	nameFlags(cmd, &o, "print a JSON array of records")
	return cmd
}

func newDNS(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dns",
		GroupID: "operate",
		Short:   "Explain an answer of the name server, show how it is",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDNSExplain(c), newDNSStatus(c))
	return cmd
}

func newDNSExplain(c console) *cobra.Command {
	var o names.NameOptions
	cmd := &cobra.Command{
		Use:   "explain NAME [TYPE] [FILE]",
		Short: "Say why a name has the answer that it has",
		Long: `Says what the name server answers for a name and a type, and why: the zone, the
closest name that is there, the wildcard that was looked at, why there is no
data, the chain of CNAME records, and the line that each record comes from.

TYPE is A where it is left out. A NAME without a dot is looked for in the only
zone, or in the one of the first site.`,
		Example: `  roundtrip dns explain www.gallery.test MX shop
  roundtrip dns explain www
  roundtrip dns explain --json gallery.test HTTPS`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 3 {
				return usage("dns explain takes a name, a type, and perhaps a file or folder: roundtrip dns explain www.gallery.test MX shop")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, rest := "A", args[1:]
			if len(rest) == 2 || len(rest) == 1 && (names.IsRecordType(rest[0]) || !exists(rest[0])) {
				kind, rest = rest[0], rest[1:]
			}
			o.File = file(rest)
			return names.ExplainName(cmd.Context(), o, args[0], kind, c.surroundings())
		},
	}
	nameFlags(cmd, &o, "print a JSON object")
	return cmd
}

// exists tells a file from a type of records that is misspelt.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func newDNSStatus(c console) *cobra.Command {
	var o names.NameOptions
	cmd := &cobra.Command{
		Use:   "status [FILE]",
		Short: "Show the zones, their copies elsewhere, and what was answered",
		Long: `Asks the server that runs: where it serves DNS, the zones with their serials and
records, which secondary has which serial, how many queries were answered how,
and how many answers rate limiting kept back.

It exits with 1 where a secondary is behind, so that a monitor can run it.`,
		Example: `  roundtrip dns status shop
  roundtrip dns status --json shop | jq .zones`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			well, err := names.NameStatus(cmd.Context(), o, c.surroundings())
			if err == nil && !well {
				return errSaid
			}
			return err
		},
	}
	nameFlags(cmd, &o, "print a JSON object")
	return cmd
}

func nameFlags(cmd *cobra.Command, o *names.NameOptions, json string) {
	cmd.Flags().StringVar(&o.Data, "data", "", "the `folder` of the database, if serve was given one")
	cmd.Flags().BoolVar(&o.JSON, "json", false, json)
}
