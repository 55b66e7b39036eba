package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// streamsName is what -only calls the measures of streams.
const streamsName = "streams"

// streams is all that is measured of listeners.
type streams struct {
	fanouts   []*fanout // in turns: by listeners, then by door
	writes    []*fanout // without and with many listeners on the collection that is written
	reactions []*fanout
	idle      []*idle
}

// measureStreams takes every measure of listeners, the doors in turns.
func measureStreams(ctx context.Context, o options, dir string, peer, ours *server, say progress) (*streams, error) {
	var all streams
	var err error
	for _, d := range doors(peer, ours) {
		i, err := runIdle(ctx, d, 5000)
		if err != nil {
			return nil, err
		}
		say("%s: %d bytes an idle listener, %d of them not given back", d.name, i.each, i.left)
		all.idle = append(all.idle, i)
	}
	for _, c := range []struct {
		listeners, rate int
		doors           []door
	}{{1, 100, doors(peer, ours)}, {100, 50, doors(peer, ours)}, {10_000, 4, doors(peer, ours)}, {10_000, 10, doors(peer, ours)[1:]}} {
		for _, d := range c.doors { // the last is more than the peer can send in time
			f, err := runFanout(ctx, d, c.listeners, c.rate, o.length)
			if err != nil {
				return nil, err
			}
			say("%s: %d listeners at %d/s: %v server CPU a delivery, p99 %v", d.name, c.listeners, c.rate, f.perDelivery(), quantile(f.latency, 0.99))
			all.fanouts = append(all.fanouts, f)
		}
	}
	for _, d := range doors(peer, ours)[:2] {
		for _, listeners := range []int{0, 5000} {
			f, err := runFanout(ctx, d, listeners, 10, o.length)
			if err != nil {
				return nil, err
			}
			say("%s: writes beside %d listeners: p50 %v, p99 %v", d.name, listeners, quantile(f.answers, 0.5), quantile(f.answers, 0.99))
			all.writes = append(all.writes, f)
		}
	}
	all.reactions, err = measureReactions(ctx, o, dir, say)
	return &all, err
}

func measureReactions(ctx context.Context, o options, dir string, say progress) (all []*fanout, err error) {
	r, err := prepareReactions(ctx, dir, o.bin, say)
	if r != nil {
		defer func() {
			if e := r.server.stop(); err == nil {
				err = e
			}
		}()
	}
	if err != nil {
		return nil, err
	}
	for _, c := range []struct{ authors, others int }{{1, 0}, {100, 0}, {100, 10_000}} {
		f, err := r.runReaction(ctx, c.authors, c.others, o.length)
		if err != nil {
			return nil, err
		}
		say("likes to %s: p50 %v, p99 %v", f.door, quantile(f.latency, 0.5), quantile(f.latency, 0.99))
		all = append(all, f)
	}
	return all, nil
}

// quantile returns the value below which the share q of sorted values stays.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return (&result{latency: sorted}).quantile(q)
}

// report writes the figures as Markdown.
func (s *streams) report(w io.Writer, o options) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n### Streams\n\nEach message is a durable create (PocketBase: not durable) at a fixed rate for %v; latency counts from when it was due. CPU is the server's, the write included.\n\n", o.length)
	b.WriteString("| listeners | messages | door | CPU a delivery | deliveries a CPU-second | p50 | p99 |\n| --: | --: | --- | --: | --: | --: | --: |\n")
	for _, f := range s.fanouts {
		fmt.Fprintf(&b, "| %d | %d/s | %s | %s | %.0f | %s | %s |\n", f.listeners, f.rate, f.door, micros(f.perDelivery()),
			float64(f.got)/max(f.cpu.Seconds(), 0.01), micros(quantile(f.latency, 0.5)), micros(quantile(f.latency, 0.99)))
	}
	b.WriteString("\n| a write, 10/s, beside | door | p50 | p99 |\n| --- | --- | --: | --: |\n")
	for _, f := range s.writes {
		fmt.Fprintf(&b, "| %d listeners on the collection | %s | %s | %s |\n", f.listeners, strings.Split(f.door, ",")[0],
			micros(quantile(f.answers, 0.5)), micros(quantile(f.answers, 0.99)))
	}
	b.WriteString("\n| idle listeners | door | memory each | not given back |\n| --: | --- | --: | --: |\n")
	for _, i := range s.idle {
		fmt.Fprintf(&b, "| %d | %s | %.1f KB | %.1f KB |\n", i.at, i.door, float64(i.each)/1024, float64(i.left)/1024)
	}
	fmt.Fprintf(&b, "\nMemory is looked at %v after they came, and after they left.\n", restTime)
	fmt.Fprintf(&b, "\nA like, durable, %d a second, each to another photo, until the author's WebSocket has the notification:\n\n", likesASecond)
	b.WriteString("| who listens | server CPU a like | like to socket p50 | p99 | the like's own answer p50 | p99 |\n| --- | --: | --: | --: | --: | --: |\n")
	for _, f := range s.reactions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", f.door, micros(f.perDelivery()), micros(quantile(f.latency, 0.5)),
			micros(quantile(f.latency, 0.99)), micros(quantile(f.answers, 0.5)), micros(quantile(f.answers, 0.99)))
	}
	_, err := w.Write(b.Bytes())
	return err
}
