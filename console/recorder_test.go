package console_test

import (
	"net/netip"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

func newRecorder(now func() time.Time) *trace.Recorder {
	return trace.New(trace.Options{Now: now, Recent: 256, Kept: 64, Keep: trace.Keep{Errors: true, Refusals: true}})
}

// request ends a journey of a request, with the hop that refused it where reason is not "".
func (b *bench) request(path string, status int, reason string, links ...trace.Link) trace.ID {
	j := b.recorder.Begin(trace.Request)
	j.Method, j.Host, j.Path, j.Route, j.Status = "GET", "gallery.test", path, "/api/", status
	j.Client, j.Account = netip.MustParseAddr("203.0.113.9"), 7
	for _, l := range links {
		j.Link(l)
	}
	step := j.Begin(trace.Access, "photos")
	if reason == "" {
		step.OK()
	} else {
		step.Deny(trace.ReasonOf(reason))
	}
	id := j.ID
	b.recorder.End(j)
	return id
}
