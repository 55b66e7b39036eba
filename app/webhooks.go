package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/store"
)

// WebhookOptions says whose webhooks a command is about.
type WebhookOptions struct {
	File string // a roundtrip.yaml or its folder
	Data string // the folder of the database, "" for the declared one
}

// webhookCommand is one command about webhooks.
type webhookCommand struct {
	Do  string  // list, dead, replay
	IDs []int64 // replay: nil for all
}

// WebhooksList prints what waits for each webhook.
func WebhooksList(ctx context.Context, o WebhookOptions, s process.Surroundings) error {
	return o.run(ctx, webhookCommand{Do: "list"}, s)
}

// WebhooksDead prints the messages that were given up.
func WebhooksDead(ctx context.Context, o WebhookOptions, s process.Surroundings) error {
	return o.run(ctx, webhookCommand{Do: "dead"}, s)
}

// WebhooksReplay sends messages again that were given up: those with the ids, or all where ids is nil.
func WebhooksReplay(ctx context.Context, o WebhookOptions, ids []int64, s process.Surroundings) error {
	return o.run(ctx, webhookCommand{Do: "replay", IDs: ids}, s)
}

func (o WebhookOptions) run(ctx context.Context, order webhookCommand, s process.Surroundings) error {
	return command{file: o.File, data: o.Data, path: "webhooks", body: order, old: true}.run(ctx, s, func(a *App) error {
		return a.doWebhooks(ctx, order, s.Out)
	})
}

// doWebhooks does one command where the database is open.
func (a *App) doWebhooks(ctx context.Context, order webhookCommand, out io.Writer) error {
	switch order.Do {
	case "list":
		return a.listWebhooks(ctx, out)
	case "dead":
		return a.listDead(ctx, out)
	case "replay":
		n, err := a.base.store.ReplayJobs(ctx, store.JobWebhook, order.IDs)
		if err != nil {
			return err
		}
		a.house.Load().outward.webhooks.Hint()
		fmt.Fprintf(out, "%s will be sent again\n", terminal.Count(n, "message"))
	}
	return nil
}

const (
	hookColumns = 30 // how much of a webhook's name is shown
	notDeclared = " (not declared)"
)

func (a *App) listWebhooks(ctx context.Context, out io.Writer) error {
	counts, err := a.base.store.CountJobs(ctx, store.JobWebhook)
	if err != nil {
		return err
	}
	var rows [][]string
	dead := 0
	add := func(name string, c store.JobCount) {
		oldest := "-"
		if c.Waiting > 0 {
			oldest = terminal.Age(a.around.Now().Sub(c.Oldest))
		}
		dead += c.Dead
		if known := strings.TrimSuffix(name, notDeclared); len(known) > hookColumns { // so that the numbers stay on the screen
			name = terminal.Shorten(known, hookColumns) + name[len(known):]
		}
		rows = append(rows, []string{name, fmt.Sprint(c.Waiting), fmt.Sprint(c.Dead), oldest, c.Error})
	}
	for _, h := range a.house.Load().config.Webhooks {
		i := slices.IndexFunc(counts, func(c store.JobCount) bool { return c.Kind == store.JobWebhook+h.Name })
		if i < 0 {
			add(h.Name, store.JobCount{})
			continue
		}
		add(h.Name, counts[i])
		counts = slices.Delete(counts, i, i+1)
	}
	for _, c := range counts { // of hooks that the declaration had before
		add(strings.TrimPrefix(c.Kind, store.JobWebhook)+notDeclared, c)
	}
	if len(rows) == 0 {
		fmt.Fprintln(out, "the declaration has no webhooks")
		return nil
	}
	terminal.Table(out, []string{"WEBHOOK", "WAITING", "DEAD", "OLDEST", "LAST ERROR"}, rows)
	if dead > 0 {
		fmt.Fprintf(out, "\n%s: roundtrip webhooks dead lists them\n", terminal.Count(dead, "dead letter"))
	}
	return nil
}

// deadMax is how many dead letters are listed.
const deadMax = 100

func (a *App) listDead(ctx context.Context, out io.Writer) error {
	dead, err := a.base.store.DeadJobs(ctx, store.JobWebhook, deadMax+1)
	if err != nil {
		return err
	}
	if len(dead) == 0 {
		fmt.Fprintln(out, "no dead letters: every message was taken, or still waits")
		return nil
	}
	more := len(dead) > deadMax
	dead = dead[:min(len(dead), deadMax)]
	for _, d := range dead {
		_, record, _ := strings.Cut(d.Key, "/")
		head := fmt.Sprintf("%-6d  %s  %s  %s  died %s ago, %s", d.ID, strings.TrimPrefix(d.Kind, store.JobWebhook), eventOf(d.Payload), record,
			terminal.Age(a.around.Now().Sub(d.Died)), terminal.Tries(d.Tries))
		fmt.Fprintf(out, "%s\n        %s\n", terminal.Shorten(head, terminal.Columns), terminal.Shorten(d.Error, terminal.Columns-8))
	}
	if more {
		fmt.Fprintf(out, "\n… and more: the newest %d are listed", deadMax)
	}
	fmt.Fprintln(out, "\nroundtrip webhooks replay ID… sends them again, --all sends all. They are kept 30 days.")
	return nil
}

// eventOf reads the type of a message's body.
func eventOf(payload string) string {
	var body struct{ Type string }
	if err := json.Unmarshal([]byte(payload), &body); err != nil {
		return "?"
	}
	return body.Type
}
