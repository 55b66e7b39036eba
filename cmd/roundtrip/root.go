package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
)

// The exit codes of every command.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and did not work; or a check found mistakes
	exitUsage  = 2 // the command line is wrong; exit.go has those from 11
)

// console is what a command may speak with.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// surroundings gives app the process's surroundings: only this package touches them.
func (c console) surroundings() process.Surroundings {
	return process.Surroundings{
		Out: c.out, Err: c.err, Now: time.Now, Rand: rand.Reader, Getenv: os.LookupEnv, Addresses: ownAddresses, Kernel: true, Second: startSecond,
	}
}

// ownAddresses returns the addresses of the machine's network cards.
func ownAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p.Addr().Unmap().WithZone(""))
		}
	}
	return own, nil
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	c := console{in, out, errOut}
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	return c.report(err)
}

// report prints an error as a person wants to read it and returns the exit code for it.
func (c console) report(err error) int {
	if at, ok := errors.AsType[*stoppedAt](err); ok {
		return at.exit()
	}
	if errors.Is(err, errSaid) {
		return exitFailed
	}
	if _, ok := errors.AsType[*config.Problems](err); ok {
		fmt.Fprintln(c.err, terminal.Explain(err))
		return exitFailed
	}
	fmt.Fprintf(c.err, "roundtrip: %s\n", strings.TrimPrefix(terminal.Explain(err), "usage: "))
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailed
}

// errSaid ends a command that has told everything already.
var errSaid = errors.New("said")

func newRoot(c console) *cobra.Command {
	root := &cobra.Command{
		Use:   "roundtrip",
		Short: "The whole path of a web request, in one program",
		Long: `Roundtrip is the whole path of a web request, declared in one file,
roundtrip.yaml: the names and who may connect; sites with HTTPS, routes to
folders and to other servers, limits; and a backend of collections and access
rules, kept in SQLite.`,
		Example: `  roundtrip init --template gallery shop     start from a template
  roundtrip init --template proxy edge       ... in front of a server of yours
  roundtrip dev shop                         run it on this machine
  roundtrip check shop                       find every mistake in the file`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       app.Version(),

		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("roundtrip {{.Version}}\n")
	root.SetFlagErrorFunc(flagMistake)
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run:"},
		&cobra.Group{ID: "declare", Title: "Declare:"},
		&cobra.Group{ID: "see", Title: "See:"},
		&cobra.Group{ID: "operate", Title: "Operate:"},
	)
	root.AddCommand(
		newDev(c), newServe(c),
		newInit(c), newCheck(c), newPlan(c), newReach(c), newExport(c), newImport(c),
		newStatus(c), newJourneys(c), newJourney(c), newWhy(c), newReasons(c),
		newUser(c), newOperator(c), newWebhooks(c), newCerts(c), newUpstreams(c), newZone(c), newDNS(c), newFirewall(c),
		newTrust(c),
	)
	root.SetHelpCommandGroupID("operate")
	root.SetCompletionCommandGroupID("operate")
	return root
}

func file(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}
