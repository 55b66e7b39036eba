package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/journeys"
	"github.com/roundtrip-dev/roundtrip/app/overview"
)

func newStatus(c console) *cobra.Command {
	var o journeys.JourneyOptions
	cmd := &cobra.Command{
		Use:     "status [FILE]",
		GroupID: "see",
		Short:   "Show on one screen whether all is well, and if not, which station",
		Long: `Asks the server that runs how each of its stations is, in the order in which a
request meets them, and says first which one is to be looked at: by how it is,
and by what the last minutes' journeys tell of it.

It exits with 0 where nothing is down (what is only to be looked at is told),
with 1 where no server runs, else with 10 and the number of the station's layer,
as roundtrip journey does.`,
		Example: `  roundtrip status shop
  roundtrip status --json shop | jq '.stations[] | select(.state != "well")'`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File, o.Show = file(args), c.display()
			v, err := overview.Status(cmd.Context(), o, c.surroundings())
			if err != nil {
				return err
			}
			return exitAt(overview.WorstLayer(v))
		},
	}
	journeyFlags(cmd, &o)
	return cmd
}
