package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/certs"
)

func newCerts(c console) *cobra.Command {
	var o certs.CertOptions
	cmd := &cobra.Command{
		Use:     "certs [FILE]",
		GroupID: "operate",
		Short:   "Show the certificates: how long they hold, what failed",
		Long: `Lists the sites with TLS: where each certificate comes from, who signed it, how
many days it holds, when it will be renewed, and why the last try failed.

It works beside a server that runs, and without one: then it reads what is kept
in the data folder. It exits with 1 where a certificate has ended or could not
be got, so that a monitor can run it.`,
		Example: `  roundtrip certs shop
  roundtrip certs --json shop | jq '.[] | select(.error)'`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			well, err := certs.Certs(cmd.Context(), o, c.surroundings())
			if err == nil && !well {
				return errSaid
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.Data, "data", "", "the `folder` of the database, if serve was given one")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print a JSON array")
	return cmd
}
