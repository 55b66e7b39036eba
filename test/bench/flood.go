package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// floodName is what -only says for the measure of this file.
const floodName = "flood"

// The flood's size, and that of what it must not disturb.
const (
	floodRate    = 50_000 // SYNs a second that no rule allows
	floodClients = 8      // kept connections of the visitor
	floodPace    = 400    // requests a second over all of them
)

// calm is one run of requests, with or without a flood beside them.
type calm struct {
	*result
	sent int // SYNs
}

// measureFlood asks for the site in the lab, evenly paced, in turns with and without a flood of SYNs beside it that the
// kernel drops. Latency counts from when a request was due, so one that waits for the one before it is not counted as fast.
func measureFlood(ctx context.Context, o options, dir string, out io.Writer, say progress) (err error) {
	folder, err := os.MkdirTemp(dir, floodName)
	if err != nil {
		return err
	}
	l, err := lab.New(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if _, err := l.Up(ctx, o.bin); err != nil {
		return err
	}
	var runs [2][]*calm                                            // without, with
	if _, err := besideFlood(ctx, l, time.Second, 0); err != nil { // warm up
		return err
	}
	for round := range o.rounds {
		for i, rate := range []int{0, floodRate} {
			c, err := besideFlood(ctx, l, o.length, rate)
			if err != nil {
				return err
			}
			runs[i] = append(runs[i], c)
			say("flood, round %d, %.0f SYN/s: p50 %s, p99 %s", round+1, float64(c.sent)/c.elapsed.Seconds(), micros(c.quantile(0.5)), micros(c.quantile(0.99)))
		}
	}
	return floodReport(out, o, runs)
}

// besideFlood takes one run.
func besideFlood(ctx context.Context, l *lab.Lab, length time.Duration, rate int) (*calm, error) {
	ctx, cancel := context.WithTimeout(ctx, length+lab.Patience)
	defer cancel()
	c := &calm{}
	var flood sync.WaitGroup
	var floodErr error
	flooding, stop := context.WithCancel(ctx)
	defer stop()
	if rate > 0 {
		flood.Go(func() {
			c.sent, floodErr = l.Machine(lab.Stranger).Flood(flooding, netip.AddrPortFrom(l.Machine(lab.Edge).IPv4(), 443), rate)
		})
	}
	var err error
	c.result, err = paced(ctx, l, length)
	stop()
	flood.Wait()
	return c, errors.Join(err, floodErr)
}

// paced sends requests from the client at their time over connections that are kept.
func paced(ctx context.Context, l *lab.Lab, length time.Duration) (*result, error) {
	pem, err := os.ReadFile(l.Machine(lab.Edge).Authority())
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	address := netip.AddrPortFrom(l.Machine(lab.Edge).IPv4(), 443).String()
	workers := make([]*worker, floodClients)
	for i := range workers {
		raw, err := l.Machine(lab.Client).Dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		defer raw.Close()
		conn := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: lab.Site, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS13})
		if err := conn.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		workers[i] = &worker{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}
	}
	r := &result{}
	start := time.Now()
	errs := make([]error, len(workers))
	var all sync.WaitGroup
	for i, w := range workers {
		all.Go(func() { errs[i] = w.pace(start, i, length) })
	}
	all.Wait()
	r.elapsed = time.Since(start)
	for _, w := range workers {
		r.latency = append(r.latency, w.latency...)
	}
	slices.Sort(r.latency)
	r.requests = len(r.latency)
	return r, errors.Join(errs...)
}

// pace sends the requests whose turn is the worker's.
func (w *worker) pace(start time.Time, turn int, length time.Duration) error {
	const gap = time.Second / floodPace
	for n := turn; ; n += floodClients {
		due := start.Add(time.Duration(n) * gap)
		if due.Sub(start) >= length {
			return nil
		}
		time.Sleep(time.Until(due))
		status, body, err := w.ask(get(lab.Site, "/"))
		if err != nil {
			return err
		}
		if status != 200 || !bytes.Contains(body, []byte(" answers ")) {
			return fmt.Errorf("status %d: %s", status, body)
		}
		w.latency = append(w.latency, time.Since(due))
	}
}

// floodReport writes the figures as Markdown.
func floodReport(w io.Writer, o options, runs [2][]*calm) error {
	fmt.Fprintf(w, "Measured in one run on %s, in network namespaces, in turns, %d rounds of %v each: %d requests a second over %d kept connections of TLS, "+
		"through the edge to an application machine, while a stranger sends SYNs to the same port, which the kernel drops.\n\n",
		cpuModel(), o.rounds, o.length, floodPace, floodClients)
	_, _ = io.WriteString(w, "| beside it | SYNs a second | requests | p50 | p99, median of the rounds | to calm |\n| --- | --: | --: | --: | --: | --: |\n")
	var base float64
	for i, name := range []string{"nothing", "a flood"} {
		var all []*result
		var worst []time.Duration // of each round: one that met other work of the machine doesn't decide
		var sent int
		for _, c := range runs[i] {
			all, worst, sent = append(all, c.result), append(worst, c.quantile(0.99)), sent+c.sent
		}
		r, p99 := join(all), median(worst)
		if i == 0 {
			base = float64(p99)
		}
		fmt.Fprintf(w, "| %s | %.0f | %d | %s | %s | %s |\n", name, float64(sent)/r.elapsed.Seconds(), r.requests, micros(r.quantile(0.5)), micros(p99), ratio(float64(p99), base))
	}
	return nil
}
