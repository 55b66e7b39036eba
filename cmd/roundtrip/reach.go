package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/wall"
)

func newReach(c console) *cobra.Command {
	var o wall.ReachOptions
	cmd := &cobra.Command{
		Use:     "reach FROM PROTO/PORT [FILE]",
		GroupID: "declare",
		Short:   "Predict whether somebody can reach a port, and what is in the way",
		Long: `Asks the security groups of the declaration, and sends nothing. It names the
rule that allows it, or every rule that does not and what would let it pass.
Where FROM is a machine of the declaration, what may leave it is asked too.

FROM is an address, a network (all of it must pass), anywhere, loopback, a role,
a group, or list:NAME. It exits with 1 if not all of it passes.`,
		Example: `  roundtrip reach 203.0.113.9 tcp/5432
  roundtrip reach anywhere udp/443 --to edge
  roundtrip reach edge tcp/5432 --to database`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 || len(args) > 3 {
				return usage("reach needs who and what, such as: roundtrip reach 203.0.113.9 tcp/443")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			o.From, o.Traffic, o.File = args[0], args[1], file(args[2:])
			reached, err := wall.Reach(o, c.surroundings())
			if err == nil && !reached {
				return errSaid
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.To, "to", "", "the `role` that is to be reached; else this machine")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "as JSON")
	return cmd
}
