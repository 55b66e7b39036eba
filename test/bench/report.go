package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// report writes the figures as Markdown. A ratio compares with the first server, PocketBase; above 1 means that less was
// needed, or more was done.
func report(w io.Writer, o options, servers []*server, rows []*row) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Measured in one run on %s (%d CPUs shared by servers and load generator, %s), in turns, %d rounds of %v each; "+
		"%d photos by %d people, plain HTTP/1.1 on loopback, the same rules and indexes.\n\n",
		cpuModel(), runtime.NumCPU(), runtime.Version(), o.rounds, o.length, photos, people)
	for _, s := range servers {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.name, s.settings)
	}
	b.WriteString("\n| measure (clients) | server | server CPU each | per server CPU-second | ratio | per second | ratio | p50 | p99 | spread |\n")
	b.WriteString("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: |\n")
	var base *row
	for _, r := range rows {
		if r.server == servers[0] {
			base = r
		}
		fmt.Fprintf(&b, "| %s (%d) | %s | %s | %.0f | %s | %.0f | %s | %s | %s | %s |\n",
			r.measure, r.clients, r.server.name,
			micros(r.all.perCPU()), r.perCPUSecond(), ratio(r.perCPUSecond(), base.perCPUSecond()),
			r.all.perSecond(), ratio(r.all.perSecond(), base.all.perSecond()),
			micros(r.all.quantile(0.50)), micros(r.all.quantile(0.99)), r.spread())
	}
	b.WriteString("\n| server | start to first answer | memory at rest | program |\n| --- | --: | --: | --: |\n")
	for _, s := range servers {
		fmt.Fprintf(&b, "| %s | %.0f ms | %.1f MB | %.1f MB |\n", s.name, s.ready.Seconds()*1000, float64(s.rest)/1e6, float64(s.disk())/1e6)
	}
	b.WriteString("\nStart is the median of five, with the records in place. Spread is how far the rounds' CPU per request lies apart, slowest to fastest.\n")
	_, err := w.Write(b.Bytes())
	return err
}

// perCPUSecond returns how many requests one second of the server's CPU time answers.
func (r *row) perCPUSecond() float64 {
	if r.all.cpu == 0 {
		return 0
	}
	return float64(r.all.requests) / r.all.cpu.Seconds()
}

// spread returns the slowest round's CPU time per request over the fastest's.
func (r *row) spread() string {
	low, high := r.rounds[0].perCPU(), r.rounds[0].perCPU()
	for _, one := range r.rounds {
		low, high = min(low, one.perCPU()), max(high, one.perCPU())
	}
	return ratio(float64(high), float64(low))
}

func ratio(a, b float64) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f ×", a/b)
}

func micros(d time.Duration) string {
	if d >= 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
}

// cpuModel returns the processor's name as Linux gives it.
func cpuModel() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
