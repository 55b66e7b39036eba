package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

func TestInterval_HasTheMedianMostly(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 9))
	const draws, each = 2000, 25
	in := 0
	for range draws {
		values := make([]float64, each)
		for i := range values {
			values[i] = math.Exp(random.NormFloat64()) // lopsided; its median is 1
		}
		if low, high := interval(values); low <= 1 && high >= 1 {
			in++
		}
	}
	if share := float64(in) / draws; share < 0.93 || share > 0.99 {
		t.Errorf("the interval had the median in %.3f of the cases", share)
	}
}

func TestRatioAt_OfFewValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{3}, 0.5, 3},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{5, 1, 3, 2, 4}, 0.25, 2},
		{[]float64{5, 1, 3, 2, 4}, 0.75, 4},
		{[]float64{5, 1, 3, 2, 4}, 1, 5},
	} {
		if got := ratioAt(c.values, c.q); got != c.want {
			t.Errorf("ratioAt %v of %v is %v, want %v", c.q, c.values, got, c.want)
		}
	}
}

func TestPairedRow_ComparesBlockByBlock(t *testing.T) {
	t.Parallel()
	r := &pairedRow{}
	first := &result{requests: 100, elapsed: time.Second, cpu: 100 * time.Millisecond, latency: []time.Duration{10}}
	for range blocksLeast {
		r.take(&result{requests: 200, elapsed: time.Second, cpu: 220 * time.Millisecond, latency: []time.Duration{15}}, first)
	}
	if got := ratioAt(r.cpu, 0.5); math.Abs(got-1.1) > 1e-9 || r.speed[0] != 2 || r.late[0] != 1.5 || !r.sure() || r.all.requests != 200*blocksLeast {
		t.Errorf("%+v", r)
	}
	for i := range r.cpu {
		r.cpu[i] += float64(i) / 20
	}
	if r.sure() {
		t.Error("sure in spite of ratios that lie far apart")
	}
}

func TestSlice_CountsAnswersAndTheProcessorTimeOfTheServer(t *testing.T) {
	t.Parallel()
	s := &server{cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	before, err := s.cpu()
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	r, err := s.slice(t.Context(), []asker{
		func(context.Context) error { asked.Add(1); return nil },
		func(context.Context) error { asked.Add(1); return nil },
	}, 20*time.Millisecond)
	if err != nil || int64(r.requests) != asked.Load() || r.requests == 0 || len(r.latency) != r.requests {
		t.Errorf("%d of %d: %v", r.requests, asked.Load(), err)
	}
	if after, err := s.cpu(); err != nil || r.cpu <= 0 || r.cpu > after-before {
		t.Errorf("%v of %v: %v", r.cpu, after-before, err)
	}
	failed := errors.New("no answer")
	if _, err := s.slice(t.Context(), []asker{func(context.Context) error { return failed }}, time.Minute); !errors.Is(err, failed) {
		t.Errorf("a failed request gave %v", err)
	}
}
