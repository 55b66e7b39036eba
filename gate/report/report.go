// Package report is where browsers tell what they saw and we could not: names that were not found, connections that failed,
// answers that broke off (Network Error Logging, https://www.w3.org/TR/network-error-logging/), and what pages did against
// their policies (Reporting API, https://www.w3.org/TR/reporting-1/). Each becomes a journey of the layer client, with the
// evidence "reported": anybody can post a report, so that it is a claim and never more.
package report

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Path is where reports of a site are sent to (RFC 8615).
const Path = "/.well-known/roundtrip/reports"

// MediaType is what browsers send.
const MediaType = "application/reports+json"

// BodyMax bounds a delivery, in bytes. Browsers send a few reports of some hundred bytes in each.
const BodyMax = 64 << 10

// most bounds how many reports of one delivery are looked at.
const most = 20

// lasting is how long a browser keeps the policy, in seconds: a day, so that it forgets a site that wants no reports any
// more.
const lasting = "86400"

// Headers are the lines by which an answer asks for reports, by their canonical names. Those of failed connections still
// name their collector in Report-To, in every browser that sends any; those of pages name it in Reporting-Endpoints.
func Headers() map[string][]string {
	return map[string][]string{
		"Reporting-Endpoints": {`default="` + Path + `"`},
		"Report-To":           {`{"group":"default","max_age":` + lasting + `,"endpoints":[{"url":"` + Path + `"}]}`},
		"Nel":                 {`{"report_to":"default","max_age":` + lasting + `,"failure_fraction":1,"response_headers":["X-Journey"]}`},
	}
}

// Report is one that was understood. What strangers wrote into it is bounded and printable.
type Report struct {
	Name   string // of the hop: the report's type, out of a list of ours
	Reason trace.Reason
	Host   string
	Path   string // of the page or file that it is about, without its query
	Method string // "" where the report is of a page
	Status int    // of the answer, 0 where none came
	Proto  string
	Age    time.Duration // how long ago the browser saw it
	Took   time.Duration
	Note   string
	Of     trace.ID // the request that it is about, where its answer was read so far
}

// Record leaves a journey of the report and returns its id, the zero one where none are kept. Client is who sent it.
func (r *Report) Record(to *trace.Recorder, client netip.Addr) trace.ID {
	j := to.Begin(trace.Report)
	if j == nil {
		return trace.ID{}
	}
	id := j.ID
	j.Method, j.Host, j.Path, j.Proto, j.Status, j.Client = r.Method, r.Host, r.Path, r.Proto, r.Status, client
	j.Link(trace.Link{Role: trace.Parent, Evidence: trace.Reported, ID: r.Of})
	j.Add(trace.Hop{
		Layer: trace.Client, Verdict: trace.Fail, Evidence: trace.Reported, Reason: r.Reason, Name: r.Name, Note: r.Note,
		Start: -int64(r.Age + r.Took), Took: int64(r.Took),
	})
	to.End(j)
	return id
}

// about reads what a report is about. Reports about other sites are none of ours: whoever sends them makes them up.
func (r *Report) about(text string, ours func(host string) bool) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || len(u.Host) > 255 || !ours(u.Host) {
		return false
	}
	r.Host, r.Path = strings.ToLower(u.Host), bounded(u.EscapedPath(), 256)
	return true
}

// bounded is a text of a stranger as it may be shown: printable ASCII alone, and so many bytes of it.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
}
