package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/config"
)

// allowLossUsage is the flag's line in the help of the three commands that have it.
const allowLossUsage = "drop `NAME`: a collection, or collection.field"

func newDev(c console) *cobra.Command {
	o := app.Options{Dev: true}
	cmd := &cobra.Command{
		Use:     "dev [FILE]",
		GroupID: "run",
		Short:   "Run on this machine only, reload when the file is saved",
		Long: `Runs the declaration on loopback, with what a developer wants:

  - the last label of each site becomes localhost: gallery.test answers as
    https://gallery.localhost:8443 (http on 8080 redirects)
  - certificates come from an authority of its own (roundtrip trust installs it)
  - an empty database is filled from demo.yaml beside the file, if there is one
  - the file is read again when it is saved; a bad one changes nothing
  - zones answer at 127.0.0.1:5353, and names that are not ours are asked of the
    resolvers of this machine

FILE is a roundtrip.yaml or its folder; without it, this folder.`,
		Example: `  roundtrip dev
  roundtrip dev examples/gallery`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			return c.serve(cmd.Context(), o)
		},
	}
	cmd.Flags().StringSliceVar(&o.AllowDataLoss, "allow-data-loss", nil, allowLossUsage)
	cmd.Flags().StringVar(&o.HTTPS, "https", app.DevHTTPS, "`address` of HTTPS")
	cmd.Flags().StringVar(&o.HTTP, "http", "127.0.0.1:8080", "`address` of HTTP")
	cmd.Flags().StringVar(&o.DNS, "dns", "127.0.0.1:5353", "`address` of DNS")
	cmd.Flags().StringVar(&o.Console, "console", "127.0.0.1:9443", "`address` of the console")
	cmd.Flags().StringVar(&o.Data, "data", "", "`folder` of database and files; else as declared")
	cmd.Flags().BoolVar(&o.NoDemo, "no-demo", false, "leave an empty database empty")
	return cmd
}

func newServe(c console) *cobra.Command {
	o := app.Options{}
	var profile, enforce string
	cmd := &cobra.Command{
		Use:     "serve [FILE]",
		GroupID: "run",
		Short:   "Run in production",
		Long: `Runs the declaration under its real names. SIGHUP reads the file again: a good
one replaces the old without cutting a request, a bad one changes nothing and is
reported. SIGINT and SIGTERM finish what is under way, then stop.

When it starts it brings the database to the declaration, as roundtrip plan
shows. What would lose data is refused unless --allow-data-loss names it.

FILE is a roundtrip.yaml or its folder; without it, this folder.`,
		Example: `  roundtrip serve /etc/shop/roundtrip.yaml
  roundtrip serve --http 127.0.0.1:8000 shop   (behind a proxy, with tls: off)`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args)
			switch o.Enforce = config.Enforcement(enforce); o.Enforce {
			case "", config.EnforceAuto, config.EnforceKernel, config.EnforceProcess:
			default:
				return usage("--enforce takes auto, kernel or process, not %s", enforce)
			}
			if profile == "" {
				return c.serve(cmd.Context(), o)
			}
			return profiled(profile, func() error { return c.serve(cmd.Context(), o) })
		},
	}
	cmd.Flags().StringVar(&profile, "cpu-profile", "", "write a CPU profile to this `file` (go tool pprof reads it)")
	_ = cmd.Flags().MarkHidden("cpu-profile") // fails only for a flag that is not there
	cmd.Flags().StringSliceVar(&o.AllowDataLoss, "allow-data-loss", nil, allowLossUsage)
	cmd.Flags().StringVar(&o.HTTPS, "https", ":443", "`address` of HTTPS")
	cmd.Flags().StringVar(&o.HTTP, "http", ":80", "`address` of HTTP (redirects)")
	cmd.Flags().StringVar(&o.DNS, "dns", ":53", "`address` of DNS, or several")
	cmd.Flags().StringVar(&o.Console, "console", "", "`address` of the console; else as declared")
	cmd.Flags().StringVar(&o.Data, "data", "", "`folder` of database and files; else as declared")
	cmd.Flags().StringSliceVar(&o.Roles, "role", nil, "`role` of this machine; else its addresses say it")
	cmd.Flags().StringVar(&enforce, "enforce", "", "`mode` of the firewall: auto, kernel, process")
	cmd.Flags().BoolVar(&o.LockOut, "lock-out", false, "the firewall may refuse open SSH sessions")
	return cmd
}

// gcPercent lets the heap grow to five times what lives in it before it is collected. A server's live heap is a few
// megabytes, which the default of 100 collects many times a second: this is a fifth less CPU for some megabytes more.
const gcPercent = 400

// serve runs until a signal says stop, reloading on SIGHUP.
func (c console) serve(ctx context.Context, o app.Options) error {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	a, err := app.New(o, c.surroundings())
	if err != nil {
		return err
	}
	reload := make(chan struct{})
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-hangup:
				select {
				case reload <- struct{}{}:
				case <-done:
					return
				}
			case <-done:
				return
			}
		}
	}()
	return a.Run(ctx, reload)
}

// profiled runs something under the CPU profiler.
func profiled(file string, run func() error) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run()
}
