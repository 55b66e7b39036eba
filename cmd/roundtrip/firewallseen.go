package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/wall"
)

func newFirewallDrops(c console) *cobra.Command {
	var o wall.DropsOptions
	cmd := &cobra.Command{
		Use:   "drops [FILE]",
		Short: "Show what was dropped: who, how often, why, what would let it pass",
		Long: `Asks the server that runs what was dropped, newest first: by the kernel, which
tells of as many packets a second as firewall.drops.rate says, or by the server
itself where it enforces the groups. Each line says how often, why, which rule
came nearest, and what would let it pass.`,
		Example: `  roundtrip firewall drops shop
  roundtrip firewall drops --live shop
  roundtrip firewall drops --json shop | jq '.drops[] | {remote, traffic}'`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return wall.Drops(ctx, o, c.surroundings())
		},
	}
	cmd.Flags().StringVar(&o.Data, "data", "", "the `folder` of the database, if serve was given one")
	cmd.Flags().IntVarP(&o.Most, "number", "n", 50, "how many at the most")
	cmd.Flags().BoolVar(&o.Live, "live", false, "go on with what is dropped from now on")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print JSON; with --live an object a line")
	return cmd
}

func newFirewallFlows(c console) *cobra.Command {
	var o wall.FlowsOptions
	cmd := &cobra.Command{
		Use:   "flows [FILE]",
		Short: "Show live flows, and the rules that let them in",
		Long: `Lists the flows of this machine that are alive, those first that no rule allows
any more: a rule that is removed leaves what it has let in alone. By which rule
a flow came in says its mark where firewall.marks is on; else it is predicted.`,
		Example: `  roundtrip firewall flows shop
  roundtrip firewall flows --removed shop
  roundtrip firewall flows --rule "web 2" shop`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			return wall.Flows(cmd.Context(), o, c.surroundings())
		},
	}
	flowsFlags(cmd, &o)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print a JSON object")
	return cmd
}

func newFirewallCut(c console) *cobra.Command {
	var o wall.FlowsOptions
	var yes bool
	cmd := &cobra.Command{
		Use:   "cut [FILE]",
		Short: "End live flows: those of a rule, or those that no rule allows now",
		Long: `Ends exactly the flows that flows lists with the same flags, and no others. A
TCP connection of this machine ends at both sides at once; flows of UDP, and
those that another network namespace serves, are forgotten by the kernel, so
that their next packet is judged like a first one.

What a rule still allows may come again at once.`,
		Example: `  roundtrip firewall cut --removed shop
  roundtrip firewall cut --rule "web 2" --yes shop`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			if (o.Rule == "") == !o.Removed {
				return usage("say which flows: --removed for those that no rule allows any more, or --rule with a rule's name; see roundtrip firewall flows")
			}
			if !yes {
				o.Sure = c.sure
			}
			return wall.Cut(cmd.Context(), o, c.surroundings())
		},
	}
	flowsFlags(cmd, &o)
	cmd.Flags().BoolVar(&yes, "yes", false, "nobody is asked")
	return cmd
}

// flowsFlags are those by which flows are chosen.
func flowsFlags(cmd *cobra.Command, o *wall.FlowsOptions) {
	cmd.Flags().StringVar(&o.Data, "data", "", "the `folder` of the database, if serve was given one")
	cmd.Flags().StringVar(&o.Rule, "rule", "", "those that the `rule` let in, such as \"web 2\"")
	cmd.Flags().BoolVar(&o.Removed, "removed", false, "those that no rule allows any more")
}

// sure reads whether a person types yes.
func (c console) sure() (bool, error) {
	if typist(c.in) == nil {
		return false, usage("nobody is at the terminal who could type yes; in scripts, say --yes")
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil {
		return false, fmt.Errorf("no answer came: %w", err)
	}
	return strings.EqualFold(strings.TrimSpace(line), "yes"), nil
}
