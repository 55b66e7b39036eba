package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/upstreams"
)

func newUpstreams(c console) *cobra.Command {
	var o upstreams.UpstreamOptions
	cmd := &cobra.Command{
		Use:     "upstreams [FILE]",
		GroupID: "operate",
		Short:   "Show the servers behind proxy routes: how they are, what failed",
		Long: `Asks the server that runs how the servers behind its proxy routes are: well,
unproven (not asked yet), ejected (requests failed) or unwell (health checks
fail), for how long, how many requests each has, and what went wrong last.

It exits with 1 where one is ejected or unwell, so that a monitor can run it.`,
		Example: `  roundtrip upstreams shop
  roundtrip upstreams --json shop | jq '.[] | select(.standing != "well")'`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			well, err := upstreams.Upstreams(cmd.Context(), o, c.surroundings())
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
