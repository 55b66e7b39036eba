package main

import (
	"testing"
	"time"
)

func TestReadDNSPerf_KnowsWhatFailed(t *testing.T) {
	t.Parallel()
	said := func(sent, completed, codes string) string {
		return "Statistics:\n\n  Queries sent:         " + sent + "\n  Queries completed:    " + completed + " (100.00%)\n  Queries lost:         0 (0.00%)\n\n" +
			"  Response codes:       " + codes + "\n  Average packet size:  request 33, response 60\n  Run time (s):         4.001000\n"
	}
	for name, c := range map[string]struct {
		text     string
		requests int
	}{
		"good":        {said("100000", "100000", "NOERROR 80000 (80.00%), NXDOMAIN 20000 (20.00%)"), 100000},
		"a few lost":  {said("100000", "99900", "NOERROR 99900 (100.00%)"), 99900},
		"many lost":   {said("100000", "99000", "NOERROR 99000 (100.00%)"), 0},
		"other codes": {said("100000", "100000", "NOERROR 99999 (99.99%), SERVFAIL 1 (0.01%)"), 0},
		"no answer":   {said("100", "0", ""), 0},
		"other words": {"command not found", 0},
	} {
		r, err := readDNSPerf(c.text)
		if c.requests == 0 {
			if err == nil {
				t.Errorf("%s: %+v and no error", name, r)
			}
			continue
		}
		if err != nil || r.requests != c.requests || r.elapsed != 4001*time.Millisecond {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
