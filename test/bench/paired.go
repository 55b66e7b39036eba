package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// How two ways to run a server are told apart on a machine that does other things besides: all run at once, and are loaded in
// turns for so short that what the machine does meanwhile hits all alike. A block is twice all of them, there and back
// (A B C C B A), so that a drift hits all alike too, and in an order of its own, so that nobody is always behind the same one.
// Each block gives one ratio to the first; the one in the middle counts.
const (
	sliceLead   = 50 * time.Millisecond // is not counted: caches have what another server needed
	sliceLength = 200 * time.Millisecond
	sliceCalm   = 20 * time.Millisecond // for what a server does after its last answer
	blocksLeast = 10
	blocksMost  = 40
	sureEnough  = 0.015 // half of the interval in which the ratio of CPU lies, at which it is good enough
)

// asker asks once and waits for the answer, which must be a good one.
type asker func(ctx context.Context) error

// pairedRow is one measure on one of the servers. Its ratios are to the first one, of each block.
type pairedRow struct {
	measure string
	server  *server
	clients int

	all              result // without its latencies
	cpu, speed, late []float64
}

// measurePaired takes a measure on all servers until it is sure enough about each, or has taken blocksMost blocks.
func measurePaired(ctx context.Context, name string, servers []*server, askers [][]asker, say progress) ([]*pairedRow, error) {
	rows := make([]*pairedRow, len(servers))
	for i, s := range servers {
		rows[i] = &pairedRow{measure: name, server: s, clients: len(askers[i])}
		for range 3 { // warm up
			if _, err := s.slice(ctx, askers[i], sliceLength); err != nil {
				return nil, err
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= blocksMost; n++ {
		block, order := make([]*result, len(servers)), random.Perm(len(servers))
		for turn := range 2 * len(servers) {
			i := order[min(turn, 2*len(servers)-1-turn)]
			if _, err := asking(ctx, askers[i], sliceLead); err != nil {
				return nil, err
			}
			one, err := servers[i].slice(ctx, askers[i], sliceLength)
			if err != nil {
				return nil, err
			}
			if block[i] != nil {
				one = join([]*result{block[i], one})
			}
			block[i] = one
		}
		for i, r := range rows {
			r.take(block[i], block[0])
		}
		if n >= blocksLeast && !slices.ContainsFunc(rows, func(r *pairedRow) bool { return !r.sure() }) {
			break
		}
	}
	for _, r := range rows[1:] {
		low, high := interval(r.cpu)
		say("%s, %s: %s CPU (%s to %s), %d blocks", name, r.server.name, percent(ratioAt(r.cpu, 0.5)), percent(low), percent(high), len(r.cpu))
	}
	return rows, nil
}

// take adds a block, with that of the first server.
func (r *pairedRow) take(one, first *result) {
	r.cpu = append(r.cpu, float64(one.cpu)/float64(one.requests)/(float64(first.cpu)/float64(first.requests)))
	r.speed = append(r.speed, one.perSecond()/first.perSecond())
	r.late = append(r.late, float64(one.quantile(0.99))/float64(first.quantile(0.99)))
	r.all.requests += one.requests
	r.all.elapsed += one.elapsed
	r.all.cpu += one.cpu
}

// sure reports whether the ratio of CPU is known well enough.
func (r *pairedRow) sure() bool {
	low, high := interval(r.cpu)
	return (high-low)/2 <= sureEnough
}

// slice has all askers ask for that long, and counts what the server computes meanwhile.
func (s *server) slice(ctx context.Context, askers []asker, length time.Duration) (*result, error) {
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	r, err := asking(ctx, askers, length)
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(sliceCalm):
	}
	after, err := s.cpu()
	r.cpu = after - before
	return r, err
}

// asking has all askers ask for that long.
func asking(ctx context.Context, askers []asker, length time.Duration) (*result, error) {
	start := time.Now()
	end := start.Add(length)
	parts, errs := make([]*result, len(askers)), make([]error, len(askers))
	var all sync.WaitGroup
	for i, ask := range askers {
		all.Go(func() {
			parts[i] = &result{}
			for now := start; now.Before(end) && errs[i] == nil; {
				errs[i] = ask(ctx)
				done := time.Now()
				parts[i].latency = append(parts[i].latency, done.Sub(now))
				now = done
			}
		})
	}
	all.Wait()
	r := join(parts)
	r.requests, r.elapsed = len(r.latency), time.Since(start)
	return r, errors.Join(errs...)
}

// ratioAt returns the value below which the share q of the values lies, which must exist.
func ratioAt(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// interval returns between which values the median of what was drawn from lies, in 95 of 100 cases, whatever their
// distribution: by the ranks that the binomial distribution gives, as the normal one approximates it. It takes six values at
// least.
func interval(values []float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	n := float64(len(sorted))
	k := max(0, int((n-1.96*math.Sqrt(n))/2))
	return sorted[k], sorted[len(sorted)-1-k]
}
