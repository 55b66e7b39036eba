package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
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
func WebhooksList(ctx context.Context, o WebhookOptions, s Surroundings) error {
	return o.run(ctx, webhookCommand{Do: "list"}, s)
}

// WebhooksDead prints the messages that were given up.
func WebhooksDead(ctx context.Context, o WebhookOptions, s Surroundings) error {
	return o.run(ctx, webhookCommand{Do: "dead"}, s)
}

// WebhooksReplay sends messages again that were given up: those with the ids, or all where ids is nil.
func WebhooksReplay(ctx context.Context, o WebhookOptions, ids []int64, s Surroundings) error {
	return o.run(ctx, webhookCommand{Do: "replay", IDs: ids}, s)
}

func (o WebhookOptions) run(ctx context.Context, order webhookCommand, s Surroundings) error {
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
		fmt.Fprintf(out, "%s will be sent again\n", count(n, "message"))
	}
	return nil
}

const (
	columns     = 80 // how wide a table may be
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
			oldest = age(a.around.Now().Sub(c.Oldest))
		}
		dead += c.Dead
		if known := strings.TrimSuffix(name, notDeclared); len(known) > hookColumns { // so that the numbers stay on the screen
			name = shorten(known, hookColumns) + name[len(known):]
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
	writeTable(out, []string{"WEBHOOK", "WAITING", "DEAD", "OLDEST", "LAST ERROR"}, rows)
	if dead > 0 {
		fmt.Fprintf(out, "\n%s: roundtrip webhooks dead lists them\n", count(dead, "dead letter"))
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
			age(a.around.Now().Sub(d.Died)), tries(d.Tries))
		fmt.Fprintf(out, "%s\n        %s\n", shorten(head, columns), shorten(d.Error, columns-8))
	}
	if more {
		fmt.Fprintf(out, "\n… and more: the newest %d are listed", deadMax)
	}
	fmt.Fprintln(out, "\nroundtrip webhooks replay ID… sends them again, --all sends all. They are kept 30 days.")
	return nil
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

// eventOf reads the type of a message's body.
func eventOf(payload string) string {
	var body struct{ Type string }
	if err := json.Unmarshal([]byte(payload), &body); err != nil {
		return "?"
	}
	return body.Type
}

// age writes a duration as one number.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(d, 0)/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// writeTable writes rows below their heads; numbers stand to the right, and what is too long for the screen is cut in the
// last column.
func writeTable(out io.Writer, heads []string, rows [][]string) {
	widths := make([]int, len(heads))
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range append([][]string{heads}, rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if number := strings.Trim(rows[0][i], "0123456789") == "" && rows[0][i] != ""; number {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(out, shorten(strings.TrimRight(line.String(), " "), columns))
	}
}

// shorten cuts a text that has more characters than may be shown.
func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// noSuch is what an order that nobody knows gets, from a command of another version.
func noSuch(path string) error {
	return roundtrip.E(roundtrip.Unprocessable, "command.invalid", "the server that runs does not know the command %q: it is of another version; restart it", path)
}
