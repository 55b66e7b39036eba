package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/witness"
)

func newWhy(c console) *cobra.Command {
	var o witness.WhyOptions
	var credentials bool
	cmd := &cobra.Command{
		Use:     "why URL",
		GroupID: "see",
		Short:   "Find out which station stops a request, and which line to change",
		Long: `Goes the way of a request as a browser would: the name, the connection, TLS, the
preflight, the request. Where a server of this declaration runs, it is asked
what it saw of the same journey, so that the right station and the right line of
the file are named. Elsewhere this side alone is looked at, and it says so.

It exits with 0 where nothing stops the request, with 1 where it could not be
tried, and else with 10 and the number of the station: dns 11, firewall 12,
tcp 13, tls 14, route 15, cors 16 and so on.`,
		Example: `  roundtrip why https://api.shop.test/orders -X PUT --origin https://shop.test
  roundtrip why https://gallery.localhost:8443/api/photos --as ana
  roundtrip why wss://gallery.localhost:8443/api/live
  roundtrip why https://example.com`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("why needs one URL, such as: roundtrip why https://shop.test/api/orders")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.URL = args[0]
			if cmd.Flags().Changed("credentials") {
				o.Cookies = &credentials
			}
			o.Live, o.Colour = watched(c)
			answer, err := witness.Why(cmd.Context(), o, c.surroundings())
			if e := roundtrip.AsError(err); err != nil && e.Reason == "command.invalid" {
				return usage("%s", e.Public)
			}
			if err != nil {
				return err
			}
			return exitAt(answer.StoppedBy())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.File, "file", "f", "", "the server's declaration or `FOLDER`; else this one")
	f.StringVar(&o.Data, "data", "", "the `FOLDER` of the database, if not the declared")
	f.StringVarP(&o.Method, "method", "X", "", "`METHOD`; else GET, or POST with -d")
	f.StringArrayVarP(&o.Headers, "header", "H", nil, "a `HEADER` of the request, Name: value (several)")
	f.StringVarP(&o.Body, "body", "d", "", "the `BODY`, or @FILE")
	f.StringVar(&o.Origin, "origin", "", "stand in for a page of this `ORIGIN`")
	f.StringVar(&o.As, "as", "", "as this `ACCOUNT` (login or id), in its own session")
	f.BoolVar(&credentials, "credentials", false, "the page sends cookies (else: if there are any)")
	f.StringArrayVar(&o.Resolve, "resolve", nil, "`HOST:ADDRESS` to use, not asking DNS (several)")
	f.StringVar(&o.CA, "ca", "", "trust the certificates of this `FILE` too")
	f.DurationVar(&o.Timeout, "timeout", 0, "`TIME` for all of it (default 30s)")
	f.BoolVar(&o.Call, "grpc", false, "a call of gRPC; -d is its message")
	f.BoolVar(&o.Anyway, "anyway", false, "go on where a browser would stop")
	f.BoolVar(&o.JSON, "json", false, "as JSON")
	return cmd
}

// watched reports whether somebody watches, and whether they may be shown colours (https://no-color.org).
func watched(c console) (live, colour bool) {
	f, ok := c.out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, false
	}
	return true, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
