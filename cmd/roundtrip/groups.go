package main

import (
	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/wall"
)

// exportGroups are the commands that write the security groups for others.
func exportGroups(c console) []*cobra.Command {
	form := func(name, short, long, example string) *cobra.Command {
		return &cobra.Command{
			Use: name + " [FILE]", Short: short, Long: long, Example: example, Args: fileArg,
			RunE: func(_ *cobra.Command, args []string) error {
				return wall.ExportGroups(name, file(args), "", c.surroundings())
			},
		}
	}
	var role string
	nft := form("nftables", "The security groups as a ruleset for nft", `Prints a file for nft -f with the groups of one role of machines, for a machine
on which this server does not run. It has a table of its own, so that other
tables stay, and loading it again replaces what it loaded before.`,
		"  roundtrip export nftables --role database > database.nft\n  nft -c -f database.nft")
	nft.RunE = func(_ *cobra.Command, args []string) error {
		return wall.ExportGroups("nftables", file(args), role, c.surroundings())
	}
	nft.Flags().StringVar(&role, "role", "", "the `role` of the machine, where there are several")
	return []*cobra.Command{
		nft,
		form("terraform", "The security groups as resources of Terraform, for AWS", `Prints aws_security_group resources with a resource for each rule, and managed
prefix lists for lists. What AWS has no words for is left out and said on
standard error; nothing is made wider.`,
			"  roundtrip export terraform > groups.tf"),
		form("aws-json", "The security groups as AWS has them in JSON", `Prints the groups in the form of aws ec2 describe-security-groups. Their
permissions are those that authorize-security-group-ingress and -egress take.`,
			"  roundtrip export aws-json > groups.json"),
	}
}

func newImport(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "import",
		GroupID: "declare",
		Short:   "Read what others have, and write it as a part of the declaration",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "aws-json FILE",
		Short: "Security groups of AWS, as a firewall: block",
		Long: `Reads the answer of aws ec2 describe-security-groups from FILE, or from standard
input for -, and prints a firewall: block for roundtrip.yaml. What can't be said
is a comment in it, and is said on standard error; nothing is made wider.`,
		Example: `  aws ec2 describe-security-groups > groups.json
  roundtrip import aws-json groups.json >> roundtrip.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("import aws-json needs one file, or - for standard input")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return wall.ImportGroups(args[0], c.in, c.surroundings()) },
	})
	return cmd
}
