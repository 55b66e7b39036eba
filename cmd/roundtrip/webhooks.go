package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/app"
)

func newWebhooks(c console) *cobra.Command {
	var o app.WebhookOptions
	cmd := &cobra.Command{
		Use:     "webhooks",
		GroupID: "operate",
		Short:   "Show what waits for webhooks; replay what was given up",
		Long: `Lists the webhooks of the declaration: how many messages wait for each, how many
were given up (dead letters), and why the last one failed. A message is given up
when its receiver has not taken it for 3 days, or answers 410 Gone. It is kept
for 30 days, in which it can be sent again.

It works beside a server that runs, and without one.`,
		Example: `  roundtrip webhooks -f shop
  roundtrip webhooks dead
  roundtrip webhooks replay 1042 1043
  roundtrip webhooks replay --all`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("webhooks has no command %q; it has dead and replay, and the folder goes behind -f", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.WebhooksList(cmd.Context(), o, c.surroundings())
		},
	}
	cmd.PersistentFlags().StringVarP(&o.File, "file", "f", ".", "the roundtrip.yaml, or its folder")
	cmd.PersistentFlags().StringVar(&o.Data, "data", "", "the folder of the database, if serve was given one")

	dead := &cobra.Command{
		Use:   "dead",
		Short: "List the messages that were given up",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.WebhooksDead(cmd.Context(), o, c.surroundings())
		},
	}
	var all bool
	replay := &cobra.Command{
		Use:   "replay ID… | --all",
		Short: "Send messages again that were given up",
		Long: `Sends dead letters again, as if they were new, with the webhook-id that they
had: a receiver that keeps the ids takes none twice.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := letters(args, all)
			if err != nil {
				return err
			}
			return app.WebhooksReplay(cmd.Context(), o, ids, c.surroundings())
		},
	}
	replay.Flags().BoolVar(&all, "all", false, "all of them")
	cmd.AddCommand(dead, replay)
	return cmd
}

// letters reads the ids of dead letters; nil stands for all.
func letters(args []string, all bool) ([]int64, error) {
	switch {
	case all && len(args) > 0:
		return nil, usage("webhooks replay takes ids or --all, not both")
	case !all && len(args) == 0:
		return nil, usage("webhooks replay needs the ids of dead letters, or --all; roundtrip webhooks dead lists them")
	}
	var ids []int64
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id <= 0 {
			return nil, usage("%q is no id of a dead letter; roundtrip webhooks dead lists them", arg)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
