package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// gateName is what -only begins with for the measures of this file: gate, gate static, gate proxy.
const gateName = "gate"

// gateMeasure is one thing that is asked of every edge server.
type gateMeasure struct {
	name string
	path string
	h2   bool
	size int // bytes of the answer's body
}

func gateMeasures() []gateMeasure {
	var all []gateMeasure
	for _, m := range []gateMeasure{
		{name: "static 1 KiB", path: "/1k.bin", size: 1 << 10},
		{name: "static 1 MiB", path: "/1m.bin", size: 1 << 20},
		{name: "proxy 1 KiB", path: "/up/1k.bin", size: 1 << 10},
	} {
		for _, h2 := range []bool{false, true} {
			m.h2 = h2
			all = append(all, m)
		}
	}
	return all
}

// protocol returns the measure's protocol, as a person says it.
func (m gateMeasure) protocol() string {
	if m.h2 {
		return "HTTP/2"
	}
	return "HTTP/1.1"
}

// measureGate measures the gate as what it is to those who come with nothing else: a server for files and a proxy, beside
// Caddy and NGINX.
func measureGate(ctx context.Context, o options, dir string, out io.Writer, say progress) (err error) {
	for _, tool := range []string{"nginx", "wrk", "h2load"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is needed (Debian: apt-get install nginx-light wrk nghttp2-client)", tool)
		}
	}
	w, err := newGround(ctx, filepath.Join(dir, gateName))
	if err != nil {
		return err
	}
	edges, err := w.edges(ctx, o, say)
	if err != nil {
		return err
	}
	upstream := w.upstream()
	defer func() {
		for _, e := range append(edges, upstream) {
			if e := e.stop(); err == nil {
				err = e
			}
		}
	}()
	if err := upstream.start(ctx); err != nil {
		return err
	}
	for _, e := range edges {
		if err := e.start(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		if e.rest, err = e.resident(); err != nil {
			return err
		}
	}
	rows, err := gateRows(ctx, o, w, edges, say)
	if err != nil {
		return err
	}
	return gateReport(out, o, edges, rows)
}

// gateRow is one measure on one server, all rounds together.
type gateRow struct {
	gateMeasure
	edge   *edge
	rounds []*result
}

// gateRows takes every measure on every server, in turns.
func gateRows(ctx context.Context, o options, w *ground, edges []*edge, say progress) ([]*gateRow, error) {
	var rows []*gateRow
	for _, m := range gateMeasures() {
		if !strings.HasPrefix(gateName+" "+m.name, o.only) {
			continue
		}
		mine := make([]*gateRow, len(edges))
		for i, e := range edges {
			mine[i] = &gateRow{gateMeasure: m, edge: e}
			if err := e.try(ctx, w.roots, m); err != nil {
				return nil, err
			}
			if _, err := e.load(ctx, m, time.Second); err != nil { // warm up
				return nil, err
			}
		}
		for round := range o.rounds {
			for _, r := range mine {
				got, err := r.edge.load(ctx, m, o.length)
				if err != nil {
					return nil, err
				}
				r.rounds = append(r.rounds, got)
				say("%s, %s, round %d, %s: %.0f/s, %v CPU each", m.name, m.protocol(), round+1, r.edge.name, got.perSecond(), got.perCPU())
			}
		}
		rows = append(rows, mine...)
	}
	return rows, nil
}

// gateReport writes the figures as Markdown.
func gateReport(w io.Writer, o options, edges []*edge, rows []*gateRow) error {
	fmt.Fprintf(w, "Measured in one run on %s, in turns, %d rounds of %v each; TLS 1.3 with one ECDSA P-256 certificate for all, kept "+
		"connections on loopback: wrk with 32, h2load with 4 of 8 streams. No access log anywhere; journeys on.\n\n", cpuModel(), o.rounds, o.length)
	for _, e := range edges {
		fmt.Fprintf(w, "- **%s**: %s\n", e.name, e.settings)
	}
	_, _ = io.WriteString(w, "\n| measure | protocol | server | server CPU each | per server CPU-second | to Caddy | to NGINX | per second | spread |\n"+
		"| --- | --- | --- | --: | --: | --: | --: | --: | --: |\n")
	for _, r := range rows {
		all := join(r.rounds)
		fmt.Fprintf(w, "| %s | %s | %s | %s | %.0f | %s | %s | %.0f | %s |\n", r.name, r.protocol(), r.edge.name, micros(all.perCPU()), rate(all),
			ratio(rate(all), rate(other(rows, r, "Caddy"))), ratio(rate(all), rate(other(rows, r, "NGINX"))), all.perSecond(), (&row{rounds: r.rounds}).spread())
	}
	_, err := io.WriteString(w, "\n| server | memory at rest |\n| --- | --: |\n")
	for _, e := range edges {
		fmt.Fprintf(w, "| %s | %.1f MB |\n", e.name, float64(e.rest)/1e6)
	}
	return err
}

// other returns the same measure on another server.
func other(rows []*gateRow, r *gateRow, name string) *result {
	for _, one := range rows {
		if one.gateMeasure == r.gateMeasure && one.edge.name == name {
			return join(one.rounds)
		}
	}
	return &result{}
}

// rate returns requests per second of the server's CPU time.
func rate(r *result) float64 {
	if r.cpu == 0 {
		return 0
	}
	return float64(r.requests) / r.cpu.Seconds()
}

// buildPeer builds a program to compare with from the module proxy, where no earlier run has.
func buildPeer(ctx context.Context, name, dir, binary string, say progress) error {
	if _, err := os.Stat(binary); err == nil {
		return nil
	}
	say("building %s (minutes, the first time)", name)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, text)
	}
	return nil
}
