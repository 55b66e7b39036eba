package main

import (
	"testing"
	"time"
)

func TestReadLoad_KnowsWhatFailed(t *testing.T) {
	t.Parallel()
	wrk := "Running 2s test @ https://localhost:1/1k.bin\n  1 threads and 32 connections\n  13810 requests in 2.00s, 18.03MB read\nRequests/sec:   6896.12\n"
	h2load := "finished in 2.50s, 2590.00 req/s, 2.61MB/s\nrequests: 5201 total, 5213 started, 5181 done, 5180 succeeded, 0 failed, 0 errored, 0 timeout\nstatus codes: 5180 2xx\n"
	for name, c := range map[string]struct {
		text     string
		requests int
		elapsed  time.Duration
	}{
		"wrk":                    {wrk, 13810, 2 * time.Second},
		"h2load":                 {h2load, 5180, 2500 * time.Millisecond},
		"wrk, wrong answers":     {wrk + "  Non-2xx or 3xx responses: 7\n", 0, 0},
		"wrk, lost connections":  {wrk + "  Socket errors: connect 0, read 3, write 0, timeout 0\n", 0, 0},
		"h2load, failed":         {"finished in 2.01s, x\nrequests: 9 total, 9 started, 9 done, 8 succeeded, 1 failed, 0 errored, 0 timeout\n", 0, 0},
		"h2load, nothing at all": {"finished in 2.01s, x\nrequests: 0 total, 9 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout\n", 0, 0},
		"other words":            {"command not found\n", 0, 0},
	} {
		r, err := readLoad(c.text)
		if c.requests == 0 {
			if err == nil {
				t.Errorf("%s: %+v and no error", name, r)
			}
			continue
		}
		if err != nil || r.requests != c.requests || r.elapsed != c.elapsed {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
