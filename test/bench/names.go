package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// namesName is what -only begins with for the measures of this file: dns, dns mixed.
const namesName = "dns"

// namesRow is one measure on one name server, all rounds together.
type namesRow struct {
	kind   string
	edge   *edge
	rounds []*result
}

// measureNames measures the name server beside CoreDNS, NSD and Knot: the same 100,000 records, the same questions, by
// dnsperf over UDP on loopback, one server after the other.
func measureNames(ctx context.Context, o options, dir string, out io.Writer, say progress) (err error) {
	for _, tool := range []string{"dnsperf", "nsd", "knotd"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is needed (Debian: apt-get install dnsperf nsd knot)", tool)
		}
	}
	w, err := newNamesGround(ctx, filepath.Join(dir, namesName), o, say)
	if err != nil {
		return err
	}
	defer func() {
		for _, e := range w.edges {
			err = errors.Join(err, e.stop())
		}
	}()
	for _, e := range w.edges {
		if err := w.begin(ctx, e); err != nil {
			return err
		}
	}
	var rows []*namesRow
	for _, kind := range kinds() {
		if !strings.HasPrefix(namesName+" "+kind.name, o.only) && o.only != "" {
			continue
		}
		more, err := w.rows(ctx, o, kind.name, say)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	return w.report(out, o, rows)
}

// begin starts a name server, waits until it answers, and looks at what it holds when it has come to rest.
func (w *namesGround) begin(ctx context.Context, e *edge) error {
	if err := e.start(ctx); err != nil {
		return err
	}
	if err := w.wait(ctx, e); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Second):
	}
	rest, err := e.resident()
	e.rest = rest
	return err
}

// rows takes one measure on every server, in turns.
func (w *namesGround) rows(ctx context.Context, o options, kind string, say progress) ([]*namesRow, error) {
	rows := make([]*namesRow, len(w.edges))
	for i, e := range w.edges {
		rows[i] = &namesRow{kind: kind, edge: e}
		if _, err := w.load(ctx, e, kind, time.Second); err != nil { // warm up
			return nil, err
		}
	}
	for round := range o.rounds {
		for _, r := range rows {
			got, err := w.load(ctx, r.edge, kind, o.length)
			if err != nil {
				return nil, err
			}
			r.rounds = append(r.rounds, got)
			say("dns %s, round %d, %s: %.0f/s, %.0f per CPU-second", kind, round+1, r.edge.name, got.perSecond(), rate(got))
		}
	}
	return rows, nil
}

// load lets dnsperf ask, and counts the server's CPU time with it.
func (w *namesGround) load(ctx context.Context, e *edge, kind string, length time.Duration) (*result, error) {
	before, err := e.cpu()
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(e.addr, ":")
	cmd := exec.CommandContext(ctx, "dnsperf", "-s", host, "-p", port, "-d", w.questions(kind), "-c", "4", "-T", "1", "-q", "100",
		"-l", strconv.Itoa(max(1, int(length.Seconds()))))
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: dnsperf: %w\n%s", e.name, err, text)
	}
	after, err := e.cpu()
	if err != nil {
		return nil, err
	}
	r, err := readDNSPerf(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w:\n%s", e.name, err, text)
	}
	r.cpu = after - before
	return r, nil
}

// readDNSPerf reads what dnsperf says at its end. Whoever loses more than one question of a thousand, or answers anything but
// that a name is there or that it is not, is not measured.
func readDNSPerf(text string) (*result, error) {
	find := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	sent, err := strconv.Atoi(find(`Queries sent:\s+(\d+)`))
	if err != nil {
		return nil, errors.New("dnsperf's words are not understood")
	}
	r, err := loaded(find(`Queries completed:\s+(\d+)`), find(`Run time \(s\):\s+([0-9.]+)`))
	if err != nil {
		return nil, err
	}
	if lost := sent - r.requests; lost > max(200, sent/1000) {
		return nil, fmt.Errorf("%d of %d questions got no answer", lost, sent)
	}
	for _, code := range regexp.MustCompile(`([A-Z]+) \d+ \(`).FindAllStringSubmatch(find(`Response codes:\s+(.*)`), -1) {
		if code[1] != "NOERROR" && code[1] != "NXDOMAIN" {
			return nil, fmt.Errorf("answers with %s", code[1])
		}
	}
	return r, nil
}

// report writes the figures as Markdown.
func (w *namesGround) report(out io.Writer, o options, rows []*namesRow) error {
	fmt.Fprintf(out, "Measured in one run on %s, in turns, %d rounds of %v each: dnsperf (-c 4 -T 1 -q 100) over UDP on loopback, which shares "+
		"the CPUs; one zone of %d records, %d different questions; no rate limiting anywhere.\n\n", cpuModel(), o.rounds, o.length, w.records, questionsEach)
	for _, e := range w.edges {
		fmt.Fprintf(out, "- **%s**: %s\n", e.name, e.settings)
	}
	_, _ = io.WriteString(out, "\n| questions | server | answers per server CPU-second | to CoreDNS | to Knot | per second | spread |\n"+
		"| --- | --- | --: | --: | --: | --: | --: |\n")
	for _, r := range rows {
		all := join(r.rounds)
		fmt.Fprintf(out, "| %s | %s | %.0f | %s | %s | %.0f | %s |\n", r.kind, r.edge.name, rate(all), ratio(rate(all), rate(otherName(rows, r, "CoreDNS"))),
			ratio(rate(all), rate(otherName(rows, r, "Knot"))), all.perSecond(), (&row{rounds: r.rounds}).spread())
	}
	_, err := io.WriteString(out, "\n| server | memory at rest | after the load |\n| --- | --: | --: |\n")
	for _, e := range w.edges {
		after, err := e.resident()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| %s | %.1f MB | %.1f MB |\n", e.name, float64(e.rest)/1e6, float64(after)/1e6)
	}
	return err
}

// otherName returns the same measure on another server.
func otherName(rows []*namesRow, r *namesRow, name string) *result {
	for _, one := range rows {
		if one.kind == r.kind && one.edge.name == name {
			return join(one.rounds)
		}
	}
	return &result{}
}
