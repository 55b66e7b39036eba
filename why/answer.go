// Package why is a client with eyes on both sides: it goes the way of a request station by station, as a browser would,
// asks the server what it saw of the same journey, and says which station stops it and which line of which file to change.
package why

import "github.com/roundtrip-dev/roundtrip/trace"

// Side says who observed a step.
type Side string

// The sides.
const (
	Both   Side = "both sides"
	Here   Side = "this side"   // the client alone
	There  Side = "server side" // the server alone
	Nobody Side = "nobody"      // it follows from something else, or is not known
)

// Step is one station of the way, in the order in which a client meets them.
type Step struct {
	Number   int      `json:"number"`
	Layer    string   `json:"layer"`   // a [trace.Layer]'s word
	Title    string   `json:"title"`   // dns, firewall, tcp, tls, preflight, request, websocket …
	Verdict  string   `json:"verdict"` // a [trace.Verdict]'s word, or "not sent", "unknown"
	Sentence string   `json:"sentence"`
	MS       float64  `json:"ms"`
	Side     Side     `json:"side"`
	Evidence string   `json:"evidence"` // a [trace.Evidence]'s word
	Reason   string   `json:"reason,omitempty"`
	Flag     string   `json:"flag,omitempty"`
	Fix      string   `json:"fix,omitempty"`
	Where    string   `json:"where,omitempty"` // FILE:LINE:COLUMN
	Notes    []string `json:"notes,omitempty"` // what else was seen, a sentence each
}

// Answer is what was found.
type Answer struct {
	URL      string      `json:"url"`
	Method   string      `json:"method"`
	Origin   string      `json:"origin,omitempty"`
	Well     bool        `json:"well"`
	Stopped  int         `json:"stopped"`  // index of the step that stops it, -1: none
	Sentence string      `json:"sentence"` // who stopped it and why
	Reason   string      `json:"reason,omitempty"`
	Flag     string      `json:"flag,omitempty"`
	Layer    string      `json:"layer,omitempty"`
	Fix      string      `json:"fix,omitempty"`
	Where    string      `json:"where,omitempty"`
	Unknown  []string    `json:"unknown,omitempty"` // what can't be known from here, a sentence each
	Journey  string      `json:"journey,omitempty"` // id of the request's journey, where it came so far
	Foreign  bool        `json:"foreign"`           // no server of ours was asked: only this side is known
	Steps    []Step      `json:"steps"`
	Server   *trace.View `json:"server,omitempty"` // the server's record of the request
}
