package courier

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryMax is the most that a receiver's wish to be left alone is heeded.
const retryMax = 24 * time.Hour

// backOff returns how long a job waits after so many tries: more each time, then six hours.
func backOff(tries int) time.Duration {
	steps := []time.Duration{
		5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
	}
	return steps[min(max(tries, 1), len(steps))-1]
}

// spread changes a wait by up to a fifth, so that what failed together does not come back together. at is 0 to 1.
func spread(wait time.Duration, at float64) time.Duration {
	return time.Duration(float64(wait) * (0.8 + 0.4*at))
}

// RetryAfter reads the HTTP header of that name (RFC 9110 section 10.2.3), 0 where there is none that can be read.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	var wait time.Duration
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return max(wait, 0)
}
