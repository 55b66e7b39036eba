package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app/journeys"
)

func newJourneys(c console) *cobra.Command {
	var o journeys.ListOptions
	cmd := &cobra.Command{
		Use:     "journeys [FILE]",
		GroupID: "see",
		Short:   "List what the server remembers: each request, how it ended and why",
		Long: `Asks the server that runs for the journeys that it remembers, one a line, the
newest last: when, its id, how it ended, what was asked, how long it took, and
the flag of the reason where something refused it. roundtrip reasons FLAG says
what it means, roundtrip journey ID shows the whole way.

--only takes why a journey is kept longer than others: error, deny, slow, first,
pinned, probe, sample, traced, wait. --kind takes request, connection, query,
drop, event, push, report, and all; without it, connections and queries that
went well are left out.`,
		Example: `  roundtrip journeys --live shop
  roundtrip journeys --only deny,slow,error shop
  roundtrip journeys --reason cors --kind request shop
  roundtrip journeys --json shop | jq '.journeys[] | {path, ms, reason}'`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File, o.Show = file(args), c.display()
			if o.Most < 1 || o.Most > journeysMost {
				return usage("-n takes a number from 1 to %d", journeysMost)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return journeys.Journeys(ctx, o, c.surroundings())
		},
	}
	journeyFlags(cmd, &o.JourneyOptions)
	f := cmd.Flags()
	f.BoolVar(&o.Live, "live", false, "go on with those that end from now on")
	f.StringSliceVar(&o.Kept, "only", nil, "those that are kept for `causes`: deny,slow,error …")
	f.StringSliceVar(&o.Kinds, "kind", nil, "those of these `kinds`: request,drop,event …, or all")
	f.StringVar(&o.Route, "route", "", "those of the `route`, as it is declared: /api/")
	f.StringVar(&o.Host, "host", "", "those of the host `name`")
	f.StringVar(&o.Path, "path", "", "those whose path begins with `/path`")
	f.StringVar(&o.Reason, "reason", "", "those that ended for the `reason`: cors, COR …")
	f.StringVar(&o.Status, "status", "", "those of `status` 404, 4xx, or PERMISSION_DENIED")
	f.IntVarP(&o.Most, "number", "n", 20, "how many at the most")
	return cmd
}

// journeysMost is how many journeys may be asked for at once.
const journeysMost = 5000

func journeyFlags(cmd *cobra.Command, o *journeys.JourneyOptions) {
	cmd.Flags().StringVar(&o.Data, "data", "", "the `folder` of the database, if serve was given one")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print JSON")
}

func newJourney(c console) *cobra.Command {
	var o journeys.JourneyOptions
	cmd := &cobra.Command{
		Use:     "journey ID [FILE]",
		GroupID: "see",
		Short:   "Show one journey: who stopped it and why, and where its time went",
		Long: `Draws one journey as a waterfall: who stopped it and why, what to do about it
and in which line of the file, then every station with its verdict, its time,
and how that is known. The beginning of the id is enough; it stands in the list
of roundtrip journeys, in the log, and in the header X-Journey of every answer.

It exits with 0 where all went well, else with 10 and the number of the station
that decided: 11 names, 12 firewall, 13 TCP, 14 TLS, 15 route, 16 CORS,
17 limit, 18 static, 19 proxy, 20 sign-in, 21 access rule, 22 schema, 23 pool,
24 SQL, 25 commit, 26 files, 27 stream, 28 API. docs/journeys.md has them all.`,
		Example: `  roundtrip journey 7a2b3c4d shop
  roundtrip journey --json 7a2b3c4d shop | jq .journey.reason`,
		Args: journeyArgs(1, "the id of a journey, such as: roundtrip journey 7a2b3c4d"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File, o.Show = file(args[1:]), c.display()
			v, err := journeys.Journey(cmd.Context(), o, args[0], c.surroundings())
			if err != nil {
				return err
			}
			return exitAt(layerOf(v))
		},
	}
	journeyFlags(cmd, &o)
	cmd.AddCommand(newJourneyDiff(c), newJourneyPin(c))
	return cmd
}

// journeyArgs wants so many ids, and takes a file behind them.
func journeyArgs(ids int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < ids || len(args) > ids+1 {
			return usage("expected %s, and behind it a file or folder if it is not this one", what)
		}
		return nil
	}
}

func newJourneyDiff(c console) *cobra.Command {
	var o journeys.JourneyOptions
	cmd := &cobra.Command{
		Use:   "diff A B [FILE]",
		Short: "Show what differs between two journeys and their files",
		Long: `Puts the stations of two journeys beside each other and shows those that decided
otherwise, or took longer than two runs differ by anyhow. Where another
declaration was in force, it shows what that has differently.`,
		Example: "  roundtrip journey diff 7a2b3c4d 91e05f20 shop",
		Args:    journeyArgs(2, "two ids, such as: roundtrip journey diff 7a2b3c4d 91e05f20"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File, o.Show = file(args[2:]), c.display()
			return journeys.Differ(cmd.Context(), o, args[0], args[1], c.surroundings())
		},
	}
	journeyFlags(cmd, &o)
	return cmd
}

func newJourneyPin(c console) *cobra.Command {
	var o journeys.JourneyOptions
	var off bool
	cmd := &cobra.Command{
		Use:     "pin ID [FILE]",
		Short:   "Keep a journey until the server stops",
		Example: "  roundtrip journey pin 7a2b3c4d shop",
		Args:    journeyArgs(1, "the id of a journey, such as: roundtrip journey pin 7a2b3c4d"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = file(args[1:])
			return journeys.PinJourney(cmd.Context(), o, args[0], !off, c.surroundings())
		},
	}
	cmd.Flags().StringVar(&o.Data, "data", "", "the `folder` of the database, if serve was given one")
	cmd.Flags().BoolVar(&off, "off", false, "let it go again")
	return cmd
}
