package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app"
)

func newOperator(c console) *cobra.Command {
	var o app.OperatorOptions
	cmd := &cobra.Command{
		Use:     "operator",
		GroupID: "operate",
		Short:   "Invite, list and remove who may use the console",
		Long: `The operators of the console. They are not the accounts of the site: they lie in
operators.json in the data folder, so that the console works when the database
does not. Each has one of three roles:

  viewer     sees journeys and stations, but not who it was, and no data
  operator   everything but the management of operators
  owner      that, too

These commands work while the server runs and while it does not.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVarP(&o.File, "file", "f", ".", "the roundtrip.yaml, or its folder")
	cmd.PersistentFlags().StringVar(&o.Data, "data", "", "the data folder, if serve was given one")

	cmd.AddCommand(newOperatorLink(c, &o))
	list := &cobra.Command{
		Use:   "list",
		Short: "List the operators with their roles",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.OperatorList(cmd.Context(), o, c.surroundings())
		},
	}
	change := &cobra.Command{
		Use:     "role NAME ROLE",
		Short:   "Give an operator another role",
		Example: "  roundtrip operator role ana viewer",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("operator role needs a name and a role: viewer, operator or owner")
			}
			return app.OperatorRole(cmd.Context(), o, args[0], args[1], c.surroundings())
		},
	}
	remove := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take an operator off the list and end their sessions",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("operator remove needs the operator's name")
			}
			return app.OperatorRemove(cmd.Context(), o, args[0], c.surroundings())
		},
	}
	verify := &cobra.Command{
		Use:   "audit",
		Short: "Check that nobody changed the audit log",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.OperatorAudit(cmd.Context(), o, c.surroundings())
		},
	}
	cmd.AddCommand(list, change, remove, verify)
	return cmd
}

func newOperatorLink(c console, o *app.OperatorOptions) *cobra.Command {
	var role string
	link := &cobra.Command{
		Use:   "link",
		Short: "Print a link that makes an operator, once",
		Long: `Prints a link. Who opens it chooses a name and a password, and is an operator
then. It can be used once, within 15 minutes.`,
		Example: `  roundtrip operator link
  roundtrip operator link --role viewer`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.OperatorLink(cmd.Context(), *o, role, c.surroundings())
		},
	}
	link.Flags().StringVar(&role, "role", "owner", "viewer, operator or owner")
	return link
}
