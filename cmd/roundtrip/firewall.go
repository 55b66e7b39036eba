package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/wall"
)

func newFirewall(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "firewall",
		GroupID: "operate",
		Short:   "Security groups in the kernel: apply, confirm, look, off",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFirewallApply(c), newFirewallConfirm(c), newFirewallStatus(c), newFirewallOff(c),
		newFirewallDrops(c), newFirewallFlows(c), newFirewallCut(c), newFirewallSecond(c))
	return cmd
}

// newFirewallSecond is what a process that tries a change runs beside itself; see [app.FirewallSecond].
func newFirewallSecond(c console) *cobra.Command {
	return &cobra.Command{
		Use:    "second DIR",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return wall.FirewallSecond(cmd.Context(), args[0], c.surroundings())
		},
	}
}

// firewallFlags are those of each of its commands.
func firewallFlags(cmd *cobra.Command, o *wall.FirewallOptions) {
	cmd.Flags().StringVar(&o.Data, "data", "", "the `folder` of the database, if serve was given one")
}

func newFirewallApply(c console) *cobra.Command {
	var o wall.FirewallOptions
	cmd := &cobra.Command{
		Use:   "apply [FILE]",
		Short: "Bring the groups into the kernel, on trial until confirmed",
		Long: `Brings the security groups into the kernel, in one step: no packet meets half
of them, and connections that are open stay. Where a server runs, it reads its
declaration again and does it.

Nobody is locked out by it: where an SSH session that is open would be refused
if it came again, nothing is changed, and the rule to add is shown. Groups that
were never confirmed are taken back after the declaration's rollback (60s)
unless somebody who can still reach this machine types yes here, or runs
roundtrip firewall confirm; also if this terminal is cut off.`,
		Example: `  roundtrip firewall apply /etc/shop
  roundtrip firewall apply --yes /etc/shop   (in scripts: nobody is asked)`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			o.Answers = typist(c.in)
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return wall.FirewallApply(ctx, o, c.surroundings())
		},
	}
	firewallFlags(cmd, &o)
	cmd.Flags().StringSliceVar(&o.Roles, "role", nil, "`role` of this machine; else its addresses say it")
	cmd.Flags().BoolVar(&o.Yes, "yes", false, "the groups stay; nobody is asked")
	cmd.Flags().BoolVar(&o.LockOut, "lock-out", false, "also where open SSH sessions would be refused")
	return cmd
}

// typist returns the input where a person types, else nil.
func typist(in io.Reader) io.Reader {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

func newFirewallConfirm(c console) *cobra.Command {
	return firewallCommand(c, wall.FirewallConfirm, &cobra.Command{
		Use:   "confirm [FILE]",
		Short: "Let the groups stand that wait to be confirmed",
		Long: `Lets the groups stand that apply, serve or a reload has brought in, so that they
are not taken back. Run it from a new session: that it can be opened is what is
to be confirmed. The same groups need it no more.`,
	})
}

func newFirewallOff(c console) *cobra.Command {
	return firewallCommand(c, wall.FirewallOff, &cobra.Command{
		Use:   "off [FILE]",
		Short: "Remove our table from the kernel, and nothing else",
		Long: `Removes the table inet roundtrip from the kernel. Tables of others are not
touched. A server that runs then enforces the groups itself, for its own
listeners.`,
	})
}

// firewallCommand completes a command that takes a file and the folder.
func firewallCommand(c console, do func(context.Context, wall.FirewallOptions, process.Surroundings) error, cmd *cobra.Command) *cobra.Command {
	var o wall.FirewallOptions
	cmd.Args = fileArg
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.File = file(args)
		return do(cmd.Context(), o, c.surroundings())
	}
	firewallFlags(cmd, &o)
	return cmd
}

func newFirewallStatus(c console) *cobra.Command {
	var o wall.FirewallOptions
	cmd := &cobra.Command{
		Use:   "status [FILE]",
		Short: "Show who enforces the groups, what they admit, what is reachable",
		Long: `Shows who enforces the groups (the kernel, the server or nobody), what each rule
has admitted and what was dropped, how full the table of connections is, and
which ports of this machine can be reached in fact: what listens, and whom the
groups let to it.

It exits with 1 where somebody has changed our table in the kernel, so that a
monitor can run it.`,
		Example: `  roundtrip firewall status shop
  roundtrip firewall status --json shop | jq .kernel.rules`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			well, err := wall.FirewallStatus(cmd.Context(), o, c.surroundings())
			if err == nil && !well {
				return errSaid
			}
			return err
		},
	}
	firewallFlags(cmd, &o)
	cmd.Flags().StringSliceVar(&o.Roles, "role", nil, "`role` of this machine; else its addresses say it")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print a JSON object")
	return cmd
}
